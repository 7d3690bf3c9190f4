using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Sends echo requests (ping) over ICMP and ICMPv6. Created by <see cref="NetworkHost.OpenEcho"/>.</summary>
public sealed class EchoSocket
{
    // The destinations of the last requests. Errors about other requests are ignored.
    private const int RememberedRequests = 64;

    private readonly NetworkHost _host;
    private readonly IEchoEvents _events;
    private readonly (InetAddress Destination, ushort Sequence)[] _sent = new (InetAddress, ushort)[RememberedRequests];
    private int _next;
    private bool _closed;

    internal EchoSocket(NetworkHost host, IEchoEvents events, ushort identifier)
    {
        _host = host;
        _events = events;
        Identifier = identifier;
    }

    /// <summary>The identifier in the requests, unique on the host.</summary>
    public ushort Identifier { get; }

    /// <summary>Sends an echo request; <see cref="IEchoEvents.OnReply"/> or <see cref="IEchoEvents.OnError"/> may follow.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="destination">The destination.</param>
    /// <param name="sequence">A sequence number of the caller's choice.</param>
    /// <param name="payload">The payload, up to 65,507 bytes (IPv4) or 65,487 (IPv6); more than the MTU carries is sent in
    /// fragments.</param>
    /// <param name="hopLimit">The hop limit (TTL), 1 to 255.</param>
    /// <returns><see cref="NetError.None"/> if the request was sent, or queued until the neighbor is resolved.</returns>
    public NetError Send(long now, InetAddress destination, ushort sequence, ReadOnlySpan<byte> payload, byte hopLimit = 64)
    {
        if (_closed)
            return NetError.Closed;
        _host.BeginBatch(now);
        try
        {
            if (!_host.Routing.TrySelectSource(destination, out var source))
                return NetError.NoRoute;
            _sent[_next] = (destination, sequence);
            _next = (_next + 1) % RememberedRequests;
            return _host.Icmp.SendEcho(source, destination, source.IsV4 ? IcmpType.Echo : IcmpV6Type.Echo, Identifier, sequence,
                hopLimit, payload);
        }
        finally
        {
            _host.EndBatch(now);
        }
    }

    /// <summary>Closes the socket.</summary>
    public void Close()
    {
        _closed = true;
        _host.Icmp.Close(this);
    }

    internal bool HasSentTo(InetAddress destination)
    {
        foreach (var sent in _sent)
        {
            if (sent.Destination == destination)
                return true;
        }

        return false;
    }

    internal void OnReply(InetAddress from, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload) =>
        _events.OnReply(this, from, sequence, hopLimit, payload);

    internal void OnError(InetAddress destination, InetAddress from, ushort sequence, NetError error) =>
        _events.OnError(this, destination, from, sequence, error);

    internal void OnNeighborFailed(NeighborEntry neighbor)
    {
        for (var i = 1; i <= RememberedRequests; i++)
        {
            var (destination, sequence) = _sent[(_next + RememberedRequests - i) % RememberedRequests];
            if (destination.Family != InetFamily.None && _host.Routing.TryFindNextHop(destination, out var next)
                && next == neighbor.Address)
            {
                OnError(destination, neighbor.Address, sequence, NetError.HostUnreachable);
                return;
            }
        }
    }
}
