using Lanyard.Engine.Networks;
using Lanyard.Primitives;

namespace Lanyard.Engine;

/// <summary>An Ethernet frame.</summary>
/// <param name="source">The Ethernet address of the sender.</param>
/// <param name="destination">The Ethernet address of the receiver, or a multicast group.</param>
/// <param name="etherType">The EtherType.</param>
/// <param name="payload">The bytes after the Ethernet header.</param>
public readonly ref struct EthernetFrame(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
{
    /// <summary>The Ethernet address of the sender.</summary>
    public MacAddress Source { get; } = source;

    /// <summary>The Ethernet address of the receiver, or a multicast group.</summary>
    public MacAddress Destination { get; } = destination;

    /// <summary>The EtherType.</summary>
    public ushort EtherType { get; } = etherType;

    /// <summary>The bytes after the Ethernet header.</summary>
    public ReadOnlySpan<byte> Payload { get; } = payload;
}

/// <summary>An Ethernet frame to send, encrypted where it lies: see <see cref="Node.SendFrame"/>.</summary>
public readonly ref struct OutgoingFrame
{
    /// <summary>The sender: <see cref="VirtualNetwork.Mac"/>, or another Ethernet address if this node is a bridge.</summary>
    public required MacAddress Source { get; init; }

    /// <summary>The Ethernet address of the receiver, or a multicast group.</summary>
    public required MacAddress Destination { get; init; }

    /// <summary>The EtherType.</summary>
    public required ushort EtherType { get; init; }

    /// <summary>A buffer with at least <see cref="Node.FrameHeadroom"/> bytes in front of the payload and <see cref="Node.FrameTailroom"/> bytes behind it. Its content is lost.</summary>
    public required Span<byte> Buffer { get; init; }

    /// <summary>The start of the payload in the buffer.</summary>
    public required int Start { get; init; }

    /// <summary>The length of the payload in bytes.</summary>
    public required int Length { get; init; }

    /// <summary>The owner of the buffer, if the host seals packets in its own memory: see <see cref="Packets.UnsealedPacket.Room"/>. Null by default.</summary>
    public object? Room { get; init; }

    /// <summary>The frame, valid until it is sent.</summary>
    internal EthernetFrame Frame => new(Source, Destination, EtherType, Buffer.Slice(Start, Length));
}
