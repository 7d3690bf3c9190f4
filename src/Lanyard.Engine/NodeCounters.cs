using Lanyard.Engine.Relay;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>
/// What a node did, and why it dropped what it dropped: nothing disappears without being counted here. Owned by the node; read it on the
/// thread that drives the node, or accept slightly old numbers.
/// </summary>
public sealed class NodeCounters
{
    // A verb has five bits.
    private const int VerbCount = 32;

    private static readonly int ReasonCount = (int)DropReason.Count;
    private readonly long[] _drops = new long[ReasonCount];
    private readonly long[] _received = new long[VerbCount];
    private readonly long[] _sent = new long[VerbCount];

    /// <summary>UDP datagrams received.</summary>
    public long DatagramsReceived { get; internal set; }

    /// <summary>Bytes of UDP payload received.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>UDP datagrams sent.</summary>
    public long DatagramsSent { get; internal set; }

    /// <summary>Bytes of UDP payload sent.</summary>
    public long BytesSent { get; internal set; }

    /// <summary>Packets that were authenticated and understood.</summary>
    public long PacketsReceived { get; internal set; }

    /// <summary>Packets passed on for other nodes.</summary>
    public long PacketsRelayed { get; internal set; }

    /// <summary>Pairs of peers introduced to each other.</summary>
    public long Introductions { get; internal set; }

    /// <summary>Ethernet frames given to the networks' ports.</summary>
    public long FramesReceived { get; internal set; }

    /// <summary>Ethernet frames taken from the networks' ports.</summary>
    public long FramesSent { get; internal set; }

    /// <summary>Returns the number of packets, datagrams or frames that were dropped for a reason.</summary>
    public long Dropped(DropReason reason) => _drops[(int)reason];

    /// <summary>Packets of a verb that were authenticated.</summary>
    public long Received(Verb verb) => _received[(int)verb & (VerbCount - 1)];

    /// <summary>Packets of a verb that were sent, those that this node only passes on not among them.</summary>
    public long Sent(Verb verb) => _sent[(int)verb & (VerbCount - 1)];

    internal void NoteReceived(Verb verb)
    {
        PacketsReceived++;
        _received[(int)verb & (VerbCount - 1)]++;
    }

    internal void NoteSent(Verb verb) => _sent[(int)verb & (VerbCount - 1)]++;

    internal void Drop(DropReason reason) => _drops[(int)reason]++;
}

/// <summary>The reason why a packet, datagram or frame was dropped.</summary>
public enum DropReason
{
    /// <summary>The datagram is not of the protocol: hole-punching bytes and the like.</summary>
    NotAPacket,

    /// <summary>A datagram or payload too short, too long or contradictory for what it claims to be.</summary>
    Malformed,

    /// <summary>It claims to come from this node itself.</summary>
    OwnAddress,

    /// <summary>The authentication code is wrong.</summary>
    BadMac,

    /// <summary>Unencrypted by claim of a trusted path that was not configured.</summary>
    UntrustedPath,

    /// <summary>The identity in a HELLO does not have the address that its hash demands.</summary>
    InvalidIdentity,

    /// <summary>A known address with another identity.</summary>
    IdentityCollision,

    /// <summary>The peer's protocol version is too old.</summary>
    ProtocolTooOld,

    /// <summary>The sender may not cause this as often as it does.</summary>
    RateLimited,

    /// <summary>For another node, and this node is not a root.</summary>
    NotARoot,

    /// <summary>For another node that this root does not reach.</summary>
    RelayUnknownDestination,

    /// <summary>Relayed too often.</summary>
    TooManyHops,

    /// <summary>A fragment that contradicts the others, or came twice.</summary>
    BadFragment,

    /// <summary>Fragments of a packet were still missing when its time or place was up.</summary>
    ReassemblyExpired,

    /// <summary>The compressed payload does not expand.</summary>
    BadCompression,

    /// <summary>A verb that this node does not know.</summary>
    UnknownVerb,

    /// <summary>An OK or ERROR to nothing that was asked.</summary>
    UnexpectedReply,

    /// <summary>Only roots may say this.</summary>
    NotFromRoot,

    /// <summary>About a network that this node has not joined.</summary>
    UnknownNetwork,

    /// <summary>The sender has not shown that it is a member of the network.</summary>
    NotAMember,

    /// <summary>The network's rules forbid the frame.</summary>
    Filtered,

    /// <summary>The frame's addresses need a bridge, and the sender or this node is none.</summary>
    BridgingNotAllowed,

    /// <summary>The network has no multicast, or no broadcast.</summary>
    MulticastDisabled,

    /// <summary>The frame is longer than the network allows, or empty.</summary>
    FrameSize,

    /// <summary>A credential or configuration with a wrong signature, or for somebody else.</summary>
    BadCredential,

    /// <summary>A waiting packet made way for others, or waited too long.</summary>
    QueueExpired,

    /// <summary>No path to the destination, nor to a root.</summary>
    NoPath,

    /// <summary>The network has no configuration yet.</summary>
    NotConfigured,

    /// <summary>A request that arrived before, and was answered then.</summary>
    DuplicateRequest,

    /// <summary>More bytes than the peer's own packets permit towards an endpoint that no path confirms.</summary>
    UnprovenEndpoint,

    /// <summary>More multicast subscriptions than one peer may have at the moment.</summary>
    QuotaExceeded,

    /// <summary>A fault of this node: please report it.</summary>
    InternalError,

    /// <summary>The frame's source is the Ethernet address of a member that did not send it.</summary>
    ForeignMac,

    /// <summary>An IP fragment that hides what its packet is: too short for the headers, or beginning inside of them.</summary>
    DeceptiveFragment,

    /// <summary>An older revocation made way for a newer one: more are kept for no network.</summary>
    RevocationsFull,

    /// <summary>The number of reasons.</summary>
    Count,
}
