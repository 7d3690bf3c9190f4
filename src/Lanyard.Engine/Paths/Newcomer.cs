using Lanyard.Engine.Packets;
using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>
/// An endpoint that sends authentic packets of a peer and that no path confirms yet: the peer may have moved there. Until it answers a probe, it receives
/// copies of the packets to the peer, so that a peer that returns on another port receives replies from its first packet on. The copies are limited to three
/// bytes for each byte received from the endpoint (RFC 9000 section 8.1), because an attacker can replay recorded packets from a forged source.
/// </summary>
internal struct Newcomer
{
    private const int BytesForEach = 3;
    private const int MaxBytes = 32_768;
    private const long LifeMs = 1_000;

    private int _localSocket;
    private InetEndpoint _endpoint;
    private long _firstMs;
    private long _lastMs;
    private int _bytes;

    /// <summary>Records a direct packet from an endpoint without a path.</summary>
    public void NoteReceived(in IncomingPacket incoming)
    {
        if (_endpoint != incoming.Endpoint || _localSocket != incoming.LocalSocket)
            this = new Newcomer { _localSocket = incoming.LocalSocket, _endpoint = incoming.Endpoint, _firstMs = incoming.NowMs };
        _lastMs = incoming.NowMs;
        _bytes = Math.Min(_bytes + (incoming.Packet.Length * BytesForEach), MaxBytes);
    }

    /// <summary>Returns the endpoint that receives a copy of a packet; false if none does.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="path">The path that the packet is sent over. There is a copy only if it has been silent since the newcomer's first packet.</param>
    /// <param name="bytes">The packet's length in bytes.</param>
    /// <param name="localSocket">The socket to send from.</param>
    /// <param name="endpoint">The destination of the copy.</param>
    public bool TryTake(long nowMs, Path path, int bytes, out int localSocket, out InetEndpoint endpoint)
    {
        (localSocket, endpoint) = (_localSocket, _endpoint);
        if (_bytes < bytes || nowMs - _lastMs > LifeMs || path.LastReceivedMs >= _firstMs)
            return false;
        _bytes -= bytes;
        return true;
    }

    /// <summary>Removes the newcomer: this endpoint or another one has answered.</summary>
    public void Clear() => this = default;
}
