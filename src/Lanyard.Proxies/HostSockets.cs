using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Sockets of the host's network.</summary>
internal static class HostSockets
{
    /// <summary>Returns an endpoint of a socket; none if the socket has none.</summary>
    public static InetEndpoint Endpoint(EndPoint? endpoint) =>
        endpoint is IPEndPoint ip ? InetEndpoint.FromIPEndPoint(ip) : default;

    /// <summary>Listens on a TCP port.</summary>
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
            // Otherwise Windows fails a receive for each earlier datagram that was rejected.
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

    /// <summary>Connects to an endpoint.</summary>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="OperationCanceledException">The operation was canceled.</exception>
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

    /// <summary>Resolves a name on the host's network. An address resolves to itself.</summary>
    /// <exception cref="SocketException">The name does not exist.</exception>
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

    // Otherwise, on Windows, a program may bind a port that another program has bound.
    private static void KeepToOneself(Socket socket)
    {
        if (Environment.OSVersion.Platform == PlatformID.Win32NT)
            socket.ExclusiveAddressUse = true;
    }

    private static LanyardException Unbound(IPEndPoint local, string protocol, SocketException cause) => new(cause.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"{protocol} port {local.Port} of {local.Address} is in use by another program. Stop it, or choose another port.",
        SocketError.AddressNotAvailable => $"Cannot open {protocol} port {local.Port} of {local.Address}, which is not an address of this machine.",
        SocketError.AccessDenied => $"This user may not open {protocol} port {local.Port} of {local.Address}. Choose a port above 1023.",
        _ => $"Cannot open {protocol} port {local.Port} of {local.Address}: {cause.Message}",
    }, cause);
}
