using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Dissector;

/// <summary>The extent to which a captured packet was read.</summary>
public enum PacketState
{
    /// <summary>The packet is authentic; its payload can be read.</summary>
    Authentic,

    /// <summary>The packet came over a trusted path: its payload can be read, but its sender is not proven.</summary>
    Trusted,

    /// <summary>Neither end's secret key is known, or the identity of the other end is missing.</summary>
    NoKey,

    /// <summary>The key is known, but the MAC is wrong.</summary>
    Forged,

    /// <summary>The packet is authentic, but its compressed payload does not expand.</summary>
    NotExpandable,

    /// <summary>Some fragments of the packet were not captured.</summary>
    Incomplete,
}

/// <summary>An entry of a capture: a packet, joined from its fragments, or traffic of another protocol.</summary>
public sealed record CaptureEntry
{
    /// <summary>The time of capture; for a fragmented packet, the time of the last fragment.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The sender's endpoint.</summary>
    public required InetEndpoint From { get; init; }

    /// <summary>The receiver's endpoint.</summary>
    public required InetEndpoint To { get; init; }

    /// <summary>The name of traffic of another protocol, such as "DNS"; null for a packet.</summary>
    public string? Other { get; init; }

    /// <summary>The extent to which the packet was read.</summary>
    public PacketState State { get; init; }

    /// <summary>The packet ID as it was on the wire.</summary>
    public ulong PacketId { get; init; }

    /// <summary>The node that the packet names as its sender; none if only later fragments were captured.</summary>
    public NodeAddress Source { get; init; }

    /// <summary>The node that the packet is for.</summary>
    public NodeAddress Destination { get; init; }

    /// <summary>The protection of the packet.</summary>
    public CipherSuite Suite { get; init; }

    /// <summary>The number of nodes that relayed the packet.</summary>
    public int Hops { get; init; }

    /// <summary>The verb, if it can be read.</summary>
    public Verb Verb { get; init; }

    /// <summary>Whether the payload was compressed.</summary>
    public bool WasCompressed { get; init; }

    /// <summary>The packet as it was captured, joined.</summary>
    public ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>The payload, decrypted and expanded, with the end of a HELLO decrypted as well. Empty if it cannot be read.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether the payload can be read.</summary>
    public bool IsReadable => Other is null && State is PacketState.Authentic or PacketState.Trusted;

    /// <summary>The protocol's name of the verb, such as <c>HELLO</c>; <c>?</c> if the verb cannot be read, <c>other</c> for other traffic.</summary>
    public string VerbName => Other is not null ? "other"
        : IsReadable || State == PacketState.NotExpandable ? VerbNames.Of(Verb) : "?";

    /// <summary>The name of the cipher suite, such as <c>AES-GMAC-SIV</c>.</summary>
    public string SuiteName => Suite switch
    {
        CipherSuite.Poly1305 => "Poly1305, clear",
        CipherSuite.Salsa2012Poly1305 => "Salsa20/12-Poly1305",
        CipherSuite.TrustedPath => "trusted path",
        CipherSuite.AesGmacSiv => "AES-GMAC-SIV",
        _ => $"cipher suite {(int)Suite}",
    };

    /// <summary>Describes the packet's payload, gives the reason why it cannot be read, or names the other traffic.</summary>
    /// <param name="keys">The known identities, to check signatures with.</param>
    public Description Describe(KeyRing keys) => this switch
    {
        { Other: { } other } => Description.Unread(other),
        { State: PacketState.NoKey } => Description.Unread($"not decrypted: needs the secret keys of {Source} or {Destination}, and the identity of the other"),
        { State: PacketState.Forged } => Description.Unread("NOT AUTHENTIC: the MAC is wrong for the known keys"),
        { State: PacketState.Incomplete } => Description.Unread("some parts were not captured"),
        { State: PacketState.NotExpandable } => new Description().NotUnderstood("the compressed payload is malformed"),
        _ => PayloadDescriber.Describe(Verb, Payload.Span, keys),
    };
}
