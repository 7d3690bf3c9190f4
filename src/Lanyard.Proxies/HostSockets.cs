using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Sockets of the host's own network.</summary>
internal static class HostSockets
{
    /// <summary>An endpoint that a socket tells; none where it has none.</summary>
    public static InetEndpoint Endpoint(EndPoint? endpoint) =>
        endpoint is IPEndPoint ip ? InetEndpoint.FromIPEndPoint(ip) : default;

    /// <summary>Listens.</summary>
    /// <exception cref="LanyardException">The address cannot be bound.</exception>
    public static Socket Listen(IPEndPoint local)
    {
        var socket = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            KeepToOneself(socket);
            socket.Bind(local);
            socket.Listen(512);
            return socket;
        }
        catch (SocketException taken)
        {
            socket.Dispose();
            throw Unbound(local, "TCP", taken);
        }
    }

    /// <summary>Opens a UDP socket.</summary>
    /// <exception cref="LanyardException">The address cannot be bound.</exception>
    public static Socket BindUdp(IPEndPoint local)
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // Else Windows fails a receive for every earlier datagram that nobody took.
            if (Environment.OSVersion.Platform == PlatformID.Win32NT)
                socket.IOControl(unchecked((int)0x9800000c), [0, 0, 0, 0], null);
            KeepToOneself(socket);
            socket.Bind(local);
            return socket;
        }
        catch (SocketException taken)
        {
            socket.Dispose();
            throw Unbound(local, "UDP", taken);
        }
    }

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">It did not come about.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static async Task<HostStreamEnd> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
#if NET
            await socket.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
#else
            using (cancellationToken.UnsafeRegister(static socket => ((Socket)socket!).Dispose(), socket))
                await socket.ConnectAsync(remote).ConfigureAwait(false);
#endif
            return new HostStreamEnd(socket);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
    }

    /// <summary>What a name means on the host's network; what is an address means itself.</summary>
    /// <exception cref="SocketException">Nothing.</exception>
    public static async Task<InetAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (HostNames.TryParseAddress(host, out var address))
            return [address];
#if NET
        var resolving = Dns.GetHostAddressesAsync(host, cancellationToken);
#else
        var resolving = Dns.GetHostAddressesAsync(host);
        await resolving.WaitAsync(cancellationToken).ConfigureAwait(false);
#endif
        return Array.ConvertAll(await resolving.ConfigureAwait(false), InetAddress.FromIPAddress);
    }

    // On Windows a program may else bind a port that another one has.
    private static void KeepToOneself(Socket socket)
    {
        if (Environment.OSVersion.Platform == PlatformID.Win32NT)
            socket.ExclusiveAddressUse = true;
    }

    private static LanyardException Unbound(IPEndPoint local, string protocol, SocketException cause) => new(cause.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"{protocol} port {local.Port} of {local.Address} is taken by another program: end it, or choose another port.",
        SocketError.AddressNotAvailable => $"{local.Address} is no address of this machine, so {protocol} port {local.Port} cannot be opened on it.",
        SocketError.AccessDenied => $"{protocol} port {local.Port} of {local.Address} may not be opened by this user: choose one above 1023.",
        _ => $"{protocol} port {local.Port} of {local.Address} cannot be opened: {cause.Message}",
    }, cause);
}
