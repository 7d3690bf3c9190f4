using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Packets;

/// <summary>An authenticated packet and how it came.</summary>
internal readonly ref struct IncomingPacket
{
    public required long NowMs { get; init; }

    public required Peer Peer { get; init; }

    public required int LocalSocket { get; init; }

    /// <summary>The source endpoint of the datagram: that of the peer, or of the relaying root.</summary>
    public required InetEndpoint Endpoint { get; init; }

    /// <summary>The peer's path that the packet came over; null if it was relayed, or came from an endpoint without a path.</summary>
    public required Path? Path { get; init; }

    public required int Hops { get; init; }

    public required ulong PacketId { get; init; }

    public required Verb Verb { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The whole packet, dearmored but not expanded: what is kept where it has to wait.</summary>
    public required ReadOnlySpan<byte> Packet { get; init; }

    public bool IsDirect => Hops == 0;

    /// <summary>Creates an incoming packet from an authenticated one.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The sender.</param>
    /// <param name="localSocket">The local socket that received it.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="payload">The payload, expanded.</param>
    public static IncomingPacket Of(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, PacketView packet, ReadOnlySpan<byte> payload) => new()
    {
        NowMs = nowMs,
        Peer = peer,
        LocalSocket = localSocket,
        Endpoint = endpoint,
        Path = packet.Hops == 0 ? peer.FindPath(localSocket, endpoint) : null,
        Hops = packet.Hops,
        PacketId = packet.PacketId,
        Verb = packet.Verb,
        Payload = payload,
        Packet = packet.Bytes,
    };
}
