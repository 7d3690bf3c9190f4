using System.Net;
using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>A UDP port of the host or of a virtual network. One receive at a time; sending never waits.</summary>
internal abstract class DatagramEnd : IDisposable
{
    /// <summary>The maximum length of a payload in bytes.</summary>
    public const int MaxBytes = 65_507;

    /// <summary>The local endpoint; the address is unspecified or none if the port is bound to all addresses.</summary>
    public abstract InetEndpoint Local { get; }

    /// <summary>Waits for a datagram.</summary>
    /// <returns>The length and the sender.</returns>
    public abstract ValueTask<(int Length, InetEndpoint Remote)> ReceiveAsync(byte[] buffer, int offset);

    /// <summary>Sends a datagram, or drops it.</summary>
    public abstract bool TrySend(ReadOnlySpan<byte> payload, InetEndpoint remote);

    public abstract void Dispose();
}

/// <summary>A UDP port of a virtual network.</summary>
internal sealed class NetworkDatagramEnd(LanyardUdpSocket socket) : DatagramEnd
{
    /// <summary>Opens a port that may send to broadcast addresses.</summary>
    public static NetworkDatagramEnd Open(LanyardNetwork network, InetEndpoint local = default) =>
        new(network.OpenUdp(local, new UdpOptions { Broadcast = true }));

    public override InetEndpoint Local => InetEndpoint.FromIPEndPoint(socket.LocalEndPoint);

    public override async ValueTask<(int Length, InetEndpoint Remote)> ReceiveAsync(byte[] buffer, int offset)
    {
        while (true)
        {
            try
            {
                var datagram = await socket.ReceiveFromAsync(buffer.AsMemory(offset)).ConfigureAwait(false);
                return (datagram.Length, datagram.Remote);
            }
            catch (LanyardSocketException)
            {
                // The result of an earlier datagram.
            }
        }
    }

    public override bool TrySend(ReadOnlySpan<byte> payload, InetEndpoint remote)
    {
        try
        {
            socket.SendTo(payload, remote);
            return true;
        }
        catch (Exception unsent) when (unsent is LanyardException or ObjectDisposedException)
        {
            return false;
        }
    }

    public override void Dispose() => socket.Dispose();
}

/// <summary>A UDP port of the host.</summary>
internal sealed class HostDatagramEnd(Socket socket) : DatagramEnd
{
    private readonly IPEndPoint _any =
        new(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);

    // The destination of the last datagram, because most datagrams have the same one.
    private Destination? _last;

    /// <summary>Opens a free port in the address family of an address.</summary>
    public static HostDatagramEnd OpenTowards(InetAddress address) =>
        new(HostSockets.BindUdp(new IPEndPoint(address.IsV4 ? IPAddress.Any : IPAddress.IPv6Any, 0)));

    public override InetEndpoint Local => HostSockets.Endpoint(socket.LocalEndPoint);

    public override async ValueTask<(int Length, InetEndpoint Remote)> ReceiveAsync(byte[] buffer, int offset)
    {
        while (true)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(
                    new ArraySegment<byte>(buffer, offset, buffer.Length - offset), SocketFlags.None, _any).ConfigureAwait(false);
                return (received.ReceivedBytes, HostSockets.Endpoint(received.RemoteEndPoint));
            }
            catch (SocketException failure) when (failure.SocketErrorCode
                is SocketError.ConnectionReset or SocketError.ConnectionRefused or SocketError.MessageSize or SocketError.HostUnreachable
                or SocketError.NetworkUnreachable)
            {
                // The result of an earlier datagram, or a datagram that is too long.
            }
        }
    }

    public override bool TrySend(ReadOnlySpan<byte> payload, InetEndpoint remote)
    {
        try
        {
            if (_last is not { } last || last.To != remote)
                _last = last = new Destination(remote, remote.ToIPEndPoint());
#if NET
            socket.SendTo(payload, SocketFlags.None, last.Ip);
#else
            socket.SendTo(payload.ToArray(), last.Ip);
#endif
            return true;
        }
        catch (Exception unsent) when (unsent is SocketException or ObjectDisposedException or ArgumentException)
        {
            return false;
        }
    }

    public override void Dispose() => socket.Dispose();

    private sealed record Destination(InetEndpoint To, IPEndPoint Ip);
}
