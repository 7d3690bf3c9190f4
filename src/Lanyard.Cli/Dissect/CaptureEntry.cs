using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Cli.Dissect;

/// <summary>What became of a packet that was captured.</summary>
internal enum PacketState
{
    /// <summary>It is authentic; its payload can be read.</summary>
    Authentic,

    /// <summary>It came over a trusted path: its payload can be read, and nothing proves who sent it.</summary>
    Trusted,

    /// <summary>No secret of either end is known, or not the other's identity.</summary>
    NoKey,

    /// <summary>The key is known and the code is wrong.</summary>
    Forged,

    /// <summary>It was opened, and its compressed payload does not expand.</summary>
    NotExpandable,

    /// <summary>Not all of its parts were captured.</summary>
    Incomplete,
}

/// <summary>One thing in a capture: a packet, joined from its parts, or a datagram that is none.</summary>
internal sealed record CaptureEntry
{
    /// <summary>When it, or its last part, was captured.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The physical sender.</summary>
    public required InetEndpoint From { get; init; }

    /// <summary>The physical receiver.</summary>
    public required InetEndpoint To { get; init; }

    /// <summary>What it is instead of a packet; null for a packet.</summary>
    public string? Other { get; init; }

    /// <summary>What became of the packet.</summary>
    public PacketState State { get; init; }

    /// <summary>The packet's ID as it was on the wire.</summary>
    public ulong PacketId { get; init; }

    /// <summary>The node that it says it is from.</summary>
    public NodeAddress Source { get; init; }

    /// <summary>The node that it is for.</summary>
    public NodeAddress Destination { get; init; }

    /// <summary>How it is protected.</summary>
    public CipherSuite Suite { get; init; }

    /// <summary>How many nodes relayed it.</summary>
    public int Hops { get; init; }

    /// <summary>The verb, where it can be read.</summary>
    public Verb Verb { get; init; }

    /// <summary>Whether the payload was compressed.</summary>
    public bool WasCompressed { get; init; }

    /// <summary>The packet as it was captured, joined.</summary>
    public ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>The payload, decrypted and expanded; of a HELLO, its end decrypted too. Empty where it cannot be read.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether the payload can be read.</summary>
    public bool IsReadable => Other is null && State is PacketState.Authentic or PacketState.Trusted;
}
