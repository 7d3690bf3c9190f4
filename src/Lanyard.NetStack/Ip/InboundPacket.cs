using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A received packet for the protocols above IP: reassembled, without options and extension headers.</summary>
internal readonly ref struct InboundPacket
{
    public InetAddress Source { get; init; }

    public InetAddress Destination { get; init; }

    public byte Protocol { get; init; }

    public byte HopLimit { get; init; }

    /// <summary>The type of service (IPv4) or traffic class (IPv6).</summary>
    public byte TrafficClass { get; init; }

    /// <summary>Returns a traffic class as a congested router would set it: marked, if the packet is ECN-capable.</summary>
    public static byte Mark(byte trafficClass, bool isCongested) =>
        isCongested && (trafficClass & 3) != 0 ? (byte)(trafficClass | 3) : trafficClass;

    /// <summary>Whether a router has marked it for congestion (RFC 3168 section 5).</summary>
    public bool IsMarkedForCongestion => (TrafficClass & 3) == 3;

    /// <summary>Whether the destination is a multicast or broadcast address.</summary>
    public bool ToGroup { get; init; }

    /// <summary>Whether the packet comes from this host itself.</summary>
    public bool FromSelf { get; init; }

    /// <summary>Whether it carries the router alert option (RFC 2711).</summary>
    public bool HasRouterAlert { get; init; }

    /// <summary>Whether it came with a fragment header (IPv6).</summary>
    public bool IsFragmented { get; init; }

    /// <summary>The Ethernet source.</summary>
    public MacAddress FrameSource { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }
}
