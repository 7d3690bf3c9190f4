using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>An authenticated packet and how it came.</summary>
internal readonly ref struct IncomingPacket
{
    public required long NowMs { get; init; }

    public required Peer Peer { get; init; }

    public required int LocalSocket { get; init; }

    /// <summary>Where the datagram came from: the peer, or the root that relayed.</summary>
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
}
