using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>The options of a node, and its limits, which hold against hostile peers.</summary>
public sealed record NodeOptions
{
    /// <summary>The largest datagram sent, in bytes of UDP payload. The protocol's default, 1432, passes PPPoE and most tunnels. 1400 to 10100.</summary>
    public int PhysicalMtu { get; init; } = 1432;

    /// <summary>Seeds the node's generator of jitter, choices and packet IDs. Give 32 bytes of cryptographic randomness; simulations give a seed.</summary>
    public required ReadOnlyMemory<byte> RandomSeed { get; init; }

    /// <summary>The maximum number of known peers. Beyond it, the peers that were silent longest are removed, roots never. Default 65,536.</summary>
    public int MaxPeers { get; init; } = 65_536;

    /// <summary>The maximum number of paths to one peer. Default 16.</summary>
    public int MaxPathsPerPeer { get; init; } = 16;

    /// <summary>The maximum number of packets in reassembly, each of at most 10 kB. Default 64.</summary>
    public int MaxReassemblies { get; init; } = 64;

    /// <summary>The maximum number of packets that wait for their sender's identity or credentials. Default 64.</summary>
    public int MaxWaitingPackets { get; init; } = 64;

    /// <summary>The maximum number of queued packets to unknown or unreachable peers. Default 256.</summary>
    public int MaxQueuedPackets { get; init; } = 256;

    /// <summary>The maximum number of known multicast subscriptions of other nodes, over all networks. Default 262,144.</summary>
    public int MaxMulticastSubscriptions { get; init; } = 262_144;

    /// <summary>The maximum number of members of one network whose credentials are kept. Default 16,384.</summary>
    public int MaxMembersPerNetwork { get; init; } = 16_384;

    /// <summary>The maximum number of known Ethernet addresses behind bridges, for one network. Default 16,384.</summary>
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

    /// <summary>The endpoints to try for peers without a path. Default empty.</summary>
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

    /// <summary>The description of this node's system for controllers, such as <c>linux/x86_64</c>.</summary>
    public string Platform { get; init; } = "";

    /// <summary>The version that is told to peers and controllers: the protocol version is what counts, the rest is shown to people.</summary>
    public NodeVersion Version { get; init; } = new(NodeVersion.CurrentProtocol, 1, 14, 1);
}

/// <summary>Physical addresses that are trusted without encryption.</summary>
/// <param name="Network">The remote addresses.</param>
/// <param name="PathId">The number that both ends use for the path; not 0.</param>
public readonly record struct TrustedPath(InetPrefix Network, ulong PathId);

/// <summary>The MTU of a physical network.</summary>
/// <param name="Network">The remote addresses.</param>
/// <param name="Bytes">The largest UDP payload in bytes, 1,400 to 10,100.</param>
public readonly record struct PathMtu(InetPrefix Network, int Bytes);

/// <summary>A physical endpoint at which a peer may be.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Endpoint">The endpoint to try.</param>
public readonly record struct PeerHint(NodeAddress Peer, InetEndpoint Endpoint);
