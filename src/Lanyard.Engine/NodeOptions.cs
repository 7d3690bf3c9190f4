using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>How one node behaves, and what it will at most remember of strangers. All limits hold against hostile peers.</summary>
public sealed record NodeOptions
{
    /// <summary>The largest datagram sent, in bytes of UDP payload. The protocol's default, 1432, passes PPPoE and most tunnels. 1400 to 10100.</summary>
    public int PhysicalMtu { get; init; } = 1432;

    /// <summary>Seeds the node's generator of jitter, choices and packet IDs. Give 32 bytes of cryptographic randomness; simulations give a seed.</summary>
    public required ReadOnlyMemory<byte> RandomSeed { get; init; }

    /// <summary>How many peers are remembered; beyond it, those heard from longest ago are forgotten (roots never). Default 65,536.</summary>
    public int MaxPeers { get; init; } = 65_536;

    /// <summary>How many paths are kept to one peer. Default 16.</summary>
    public int MaxPathsPerPeer { get; init; } = 16;

    /// <summary>How many fragmented packets may be incomplete at a time (each holds at most 10 kB). Default 64.</summary>
    public int MaxReassemblies { get; init; } = 64;

    /// <summary>How many whole packets wait for their sender's identity or credentials. Default 64.</summary>
    public int MaxWaitingPackets { get; init; } = 64;

    /// <summary>How many packets to unknown or unreachable peers wait to be sent. Default 256.</summary>
    public int MaxQueuedPackets { get; init; } = 256;

    /// <summary>How many multicast subscriptions of other nodes are remembered over all networks. Default 262,144.</summary>
    public int MaxMulticastSubscriptions { get; init; } = 262_144;

    /// <summary>How many members' credentials are kept for one network. Default 16,384.</summary>
    public int MaxMembersPerNetwork { get; init; } = 16_384;

    /// <summary>How many Ethernet addresses behind bridges are remembered for one network. Default 16,384.</summary>
    public int MaxBridgeRoutes { get; init; } = 16_384;

    /// <summary>
    /// Networks of physical addresses over which packets go without encryption, with the number that both ends agreed on for them.
    /// Empty by default.
    /// </summary>
    public IReadOnlyList<TrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>
    /// Physical networks to whose addresses datagrams are larger or smaller than <see cref="PhysicalMtu"/>; of several that contain an address the
    /// first counts. Empty by default.
    /// </summary>
    public IReadOnlyList<PathMtu> PathMtus { get; init; } = [];

    /// <summary>Where peers may be tried while there is no path to them. Empty by default.</summary>
    public IReadOnlyList<PeerHint> PeerHints { get; init; } = [];

    /// <summary>
    /// How many identities of strangers are checked a second, in all; each takes milliseconds of one processor, outside of the node's lock. What this node
    /// itself asks for is not counted. A root for many leaves wants more. Default 50.
    /// </summary>
    public int MaxIdentityChecksPerSecond { get; init; } = 50;

    /// <summary>
    /// Checks that an identity learned from a stranger has the address that its hash demands; <see cref="Identity.Validate"/> by default, which
    /// takes milliseconds. Several nodes in one process may share a cache of its answers.
    /// </summary>
    public Func<Identity, bool> ValidateIdentity { get; init; } = identity => identity.Validate();

    /// <summary>What controllers are told of this node's system, such as <c>linux/x86_64</c>.</summary>
    public string Platform { get; init; } = "";

    /// <summary>The version that is told to peers and controllers: the protocol version is what counts, the rest is shown to people.</summary>
    public NodeVersion Version { get; init; } = new(NodeVersion.CurrentProtocol, 1, 14, 1);
}

/// <summary>Physical addresses that are trusted without encryption.</summary>
/// <param name="Network">The remote addresses.</param>
/// <param name="PathId">The number that both ends use for the path; not 0.</param>
public readonly record struct TrustedPath(InetPrefix Network, ulong PathId);

/// <summary>How large datagrams to physical addresses are.</summary>
/// <param name="Network">The remote addresses.</param>
/// <param name="Bytes">The largest UDP payload in bytes, 1,400 to 10,100.</param>
public readonly record struct PathMtu(InetPrefix Network, int Bytes);

/// <summary>A physical endpoint at which a peer may be.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Endpoint">Where it may be reached.</param>
public readonly record struct PeerHint(NodeAddress Peer, InetEndpoint Endpoint);
