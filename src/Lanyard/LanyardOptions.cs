using System.Net;
using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// How a <see cref="LanyardNode"/> is started. Immutable; the defaults suit an app that is given a state folder and a planet.
/// </summary>
public sealed record LanyardOptions
{
    /// <summary>The protocol's usual UDP port. A daemon binds it; apps leave <see cref="Port"/> at 0.</summary>
    public const int DefaultPort = 9993;

    /// <summary>
    /// The folder that keeps the identity, the planet and what makes the next start fast, in the layout of existing nodes. It is created where it is
    /// missing. Null, the default, keeps all of it in memory, so that the next start is another node.
    /// </summary>
    public string? StateDirectory { get; init; }

    /// <summary>Where the state is kept, where it is not a folder. Not both this and <see cref="StateDirectory"/>.</summary>
    public ILanyardStore? Store { get; init; }

    /// <summary>
    /// The node's identity, with its secret. Null, the default, takes the one that is kept, or makes one (about half a second to some
    /// seconds) and keeps it.
    /// </summary>
    /// <remarks>One that is given is kept only where none is kept; another one that is kept is an error, and never overwritten.</remarks>
    public Identity? Identity { get; init; }

    /// <summary>Is told how many attempts were made while an identity is being made; about fifteen are needed on average.</summary>
    public IProgress<int>? IdentityProgress { get; init; }

    /// <summary>
    /// The roots. Null, the default, takes those that are kept (file <c>planet</c>). One that is given replaces an older one, or another
    /// planet.
    /// </summary>
    public World? Planet { get; init; }

    /// <summary>
    /// Whether the networks that are kept (files <c>networks.d/ID.conf</c>) are joined at the start, as a daemon does. Default false: an
    /// app joins what it wants.
    /// </summary>
    public bool JoinKnownNetworks { get; init; }

    /// <summary>
    /// The UDP port of all sockets, 0 to 65,535; 0, the default, takes the one of last time if it is free, else any. See
    /// <see cref="DefaultPort"/>.
    /// </summary>
    public int Port { get; init; }

    /// <summary>The local addresses to bind. Empty, the default, binds all of IPv4 and, where there is IPv6, all of that.</summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>
    /// Whether the node starts if an address of <see cref="BindAddresses"/> is not assigned to this machine yet. The node binds the address when it comes up. Default
    /// false: the start fails.
    /// </summary>
    public bool AwaitBindAddresses { get; init; }

    /// <summary>
    /// Beginnings of the names of interfaces whose addresses peers are not told of and whose networks are not used to reach peers. By default
    /// <c>zt</c>: the interfaces of other nodes of the protocol on this machine.
    /// </summary>
    public IReadOnlyList<string> ExcludedInterfacePrefixes { get; init; } = ["zt"];

    /// <summary>Physical networks over which peers are never reached. Empty by default.</summary>
    public IReadOnlyList<InetPrefix> BlockedPhysicalNetworks { get; init; } = [];

    /// <summary>
    /// Physical networks over which packets go without encryption. Empty by default; see <see cref="NodeOptions.TrustedPaths"/>.
    /// </summary>
    public IReadOnlyList<TrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>Physical networks over which one peer is never reached. Empty by default.</summary>
    public IReadOnlyList<BlockedPath> BlockedPeerNetworks { get; init; } = [];

    /// <summary>
    /// Where peers may be tried while there is no path to them; that needs no root, but for a peer that was met before. Empty by default.
    /// </summary>
    public IReadOnlyList<PeerHint> PeerHints { get; init; } = [];

    /// <summary>
    /// Physical networks to whose addresses datagrams are larger or smaller than <see cref="PhysicalMtu"/>, 1,400 to 10,100 bytes. Empty by
    /// default; of several that contain an address the first counts.
    /// </summary>
    public IReadOnlyList<PathMtu> PathMtus { get; init; } = [];

    /// <summary>The largest UDP payload sent, 1,400 to 10,100 bytes. Default 1,432.</summary>
    public int PhysicalMtu { get; init; } = 1432;

    /// <summary>
    /// Whether many datagrams are sent and received with one call of the system, and cut and joined behind it (segmentation offload), where
    /// it has that: Linux does. Default true. Without it all works, slower; turn it off where a driver is suspected of breaking it.
    /// </summary>
    public bool BatchDatagrams { get; init; } = true;

    /// <summary>
    /// How long <see cref="LanyardNode.JoinAsync(NetworkId, CancellationToken)"/> waits. Default 60 s; <see cref="Timeout.InfiniteTimeSpan"/> waits
    /// for ever.
    /// </summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long <see cref="LanyardNode.DisposeAsync"/> and <see cref="LanyardNode.LeaveAsync"/> let streams that were disposed of finish
    /// sending. Default 2 s.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// What is remembered of strangers at most, and other switches of the protocol. The random seed, the physical MTU and the trusted paths
    /// are set by the SDK.
    /// </summary>
    public LanyardProtocolLimits ProtocolLimits { get; init; } = new();

    /// <summary>The bounds of each network's buffers and tables.</summary>
    public HostLimits NetworkLimits { get; init; } = new();

    /// <summary>
    /// The settings of TCP connections that are not given any. The default asks for explicit congestion notification, which no router in
    /// between can spoil on a virtual network, and by which a node that does not keep up slows its senders down without a loss.
    /// </summary>
    public TcpOptions Tcp { get; init; } = new() { Ecn = EcnMode.Request };

    /// <summary>Whether echo requests from the virtual networks are answered. Default true.</summary>
    public bool AnswerPing { get; init; } = true;

    /// <summary>What makes this node a controller of networks; none by default. See <see cref="LanyardNode.Controller"/>.</summary>
    public INetworkController? Controller { get; init; }

    /// <summary>Where events are logged; nowhere by default.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <exception cref="ArgumentException">They contradict each other, or one is out of range.</exception>
    internal void Check()
    {
        if (StateDirectory is not null && Store is not null)
            throw new ArgumentException("Set LanyardOptions.StateDirectory or LanyardOptions.Store, not both.", nameof(Store));
        if (Planet is { Type: not WorldType.Planet })
            throw new ArgumentException("LanyardOptions.Planet is a moon: start without it, and give it to LanyardNode.AddWorld.",
                nameof(Planet));
        if (Port is < 0 or > ushort.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(Port), Port, "A port is 0 to 65,535.");
        if (PhysicalMtu is < 1_400 or > 10_100)
            throw new ArgumentOutOfRangeException(nameof(PhysicalMtu), PhysicalMtu, "The physical MTU is 1,400 to 10,100 bytes.");
        foreach (var path in PathMtus)
        {
            if (path.Bytes is < 1_400 or > 10_100)
                throw new ArgumentOutOfRangeException(nameof(PathMtus), path.Bytes, "The MTU of a path is 1,400 to 10,100 bytes.");
        }
    }
}

/// <summary>A physical network over which a peer is not reached.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Network">The physical addresses.</param>
public readonly record struct BlockedPath(NodeAddress Peer, InetPrefix Network);

/// <summary>
/// What a node remembers of strangers at most. All limits hold against hostile peers; defaults are those of <see cref="NodeOptions"/>.
/// </summary>
public sealed record LanyardProtocolLimits
{
    /// <summary>How many peers are remembered. Default 65,536.</summary>
    public int MaxPeers { get; init; } = 65_536;

    /// <summary>How many fragmented packets may be incomplete at a time (each holds at most 10 kB). Default 64.</summary>
    public int MaxReassemblies { get; init; } = 64;

    /// <summary>How many packets wait for their sender's identity or credentials. Default 64.</summary>
    public int MaxWaitingPackets { get; init; } = 64;

    /// <summary>How many packets to unreachable peers wait to be sent. Default 256.</summary>
    public int MaxQueuedPackets { get; init; } = 256;

    /// <summary>How many multicast subscriptions of other nodes are remembered. Default 262,144.</summary>
    public int MaxMulticastSubscriptions { get; init; } = 262_144;

    /// <summary>How many members' credentials are kept for one network. Default 16,384.</summary>
    public int MaxMembersPerNetwork { get; init; } = 16_384;

    /// <summary>
    /// How many identities of strangers are checked a second; each takes milliseconds of one processor. Default 50; a root for many leaves wants more.
    /// </summary>
    public int MaxIdentityChecksPerSecond { get; init; } = 50;
}
