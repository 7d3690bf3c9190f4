using System.Net;
using System.Security.Cryptography;
using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>The options of a <see cref="LanyardNode"/>. Immutable. The defaults suit an application that sets a state folder and a planet.</summary>
public sealed record LanyardOptions
{
    /// <summary>The usual UDP port of the protocol, which daemons bind. Applications leave <see cref="Port"/> at 0.</summary>
    public const int DefaultPort = 9993;

    /// <summary>
    /// The folder for the identity, the planet and the state that makes the next start fast, in the layout of existing nodes. Created if it does not exist. If null
    /// (the default), the state is in memory, and the next start is another node.
    /// </summary>
    public string? StateDirectory { get; init; }

    /// <summary>The store for the state, in place of <see cref="StateDirectory"/>. Set one of the two, not both.</summary>
    public ILanyardStore? Store { get; init; }

    /// <summary>
    /// The node's identity, with its secret key. If null (the default), the node uses the stored identity, or generates one (half a second to some seconds of a
    /// processor) and stores it.
    /// </summary>
    /// <remarks>The identity is stored if none is stored yet. A different stored identity is an error; it is never overwritten.</remarks>
    public Identity? Identity { get; init; }

    /// <summary>Receives the number of attempts while an identity is generated; fifteen are needed on average.</summary>
    public IProgress<int>? IdentityProgress { get; init; }

    /// <summary>
    /// The planet, which names the roots. If null (the default), the node uses the stored one (file <c>planet</c>). It replaces an older stored planet, or a
    /// different one.
    /// </summary>
    public World? Planet { get; init; }

    /// <summary>
    /// Whether the node joins the stored networks (files <c>networks.d/ID.conf</c>) at the start, as a daemon does. Default false.
    /// </summary>
    public bool JoinKnownNetworks { get; init; }

    /// <summary>
    /// The UDP port of all sockets, 0 to 65,535. If 0 (the default), the node uses the port of last time if it is free, otherwise any. See <see cref="DefaultPort"/>.
    /// </summary>
    public int Port { get; init; }

    /// <summary>The local addresses to bind. If empty (the default), the node binds the wildcard addresses of IPv4 and, if available, IPv6.</summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>
    /// Whether the node starts if an address of <see cref="BindAddresses"/> is not assigned to this machine yet. The node binds the address when it comes up. Default
    /// false: the start fails.
    /// </summary>
    public bool AwaitBindAddresses { get; init; }

    /// <summary>
    /// Name prefixes of interfaces that are not used to reach peers, and whose addresses are not announced. Default <c>zt</c>: the interfaces of other nodes of the
    /// protocol on this machine.
    /// </summary>
    public IReadOnlyList<string> ExcludedInterfacePrefixes { get; init; } = ["zt"];

    /// <summary>Physical networks that are never used to reach peers. Default empty.</summary>
    public IReadOnlyList<InetPrefix> BlockedPhysicalNetworks { get; init; } = [];

    /// <summary>
    /// Physical networks on which packets are sent without encryption. Default empty. Both ends must have the same entry.
    /// </summary>
    public IReadOnlyList<LanyardTrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>Physical networks that are never used to reach one peer. Default empty.</summary>
    public IReadOnlyList<BlockedPath> BlockedPeerNetworks { get; init; } = [];

    /// <summary>
    /// Endpoints to try for peers while there is no path to them. No root is needed for a peer that was met before. Default empty.
    /// </summary>
    public IReadOnlyList<LanyardPeerHint> PeerHints { get; init; } = [];

    /// <summary>
    /// Physical networks with another MTU than <see cref="PhysicalMtu"/>, 1,400 to 10,100 bytes. The first network that contains an address counts. Default empty.
    /// </summary>
    public IReadOnlyList<LanyardPathMtu> PathMtus { get; init; } = [];

    /// <summary>The largest UDP payload sent, 1,400 to 10,100 bytes. Default 1,432.</summary>
    public int PhysicalMtu { get; init; } = 1432;

    /// <summary>
    /// Whether to send and receive many datagrams with one system call, with segmentation offload, on systems that support it (Linux). Default true. Turn it off if a
    /// network driver breaks it; the node is slower without it.
    /// </summary>
    public bool BatchDatagrams { get; init; } = true;

    /// <summary>
    /// The transport of datagrams, in place of UDP sockets of this machine. Default null: UDP sockets. With a transport, <see cref="Port"/>,
    /// <see cref="BindAddresses"/>, <see cref="AwaitBindAddresses"/>, <see cref="ExcludedInterfacePrefixes"/> and <see cref="BatchDatagrams"/> have no effect.
    /// </summary>
    public ILanyardTransport? Transport { get; init; }

    /// <summary>The clock and the timers of the node. Default <see cref="TimeProvider.System"/>. Tests set a virtual clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// The source of the node's keys and random numbers. Default: the cryptographic generator of the system. Set another only in tests that must be repeatable: who can
    /// predict it can read and forge the node's traffic.
    /// </summary>
    public RandomNumberGenerator RandomNumberGenerator { get; init; } = RandomNumberGenerator.Create();

    /// <summary>
    /// The maximum time that <see cref="LanyardNode.JoinAsync(NetworkId, CancellationToken)"/> waits. Default 60 s. <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The maximum time that <see cref="LanyardNode.DisposeAsync"/> and <see cref="LanyardNode.LeaveAsync"/> wait for disposed streams to finish sending. Default 2 s.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Limits on what the node keeps of other nodes.
    /// </summary>
    public LanyardProtocolLimits ProtocolLimits { get; init; } = new();

    /// <summary>Limits on the buffers and tables of the TCP/IP stack of each network.</summary>
    public HostLimits NetworkLimits { get; init; } = new();

    /// <summary>
    /// The default options of TCP connections. Default: request explicit congestion notification. No router spoils it on a virtual network, and a node that receives
    /// faster than it can process slows its senders down with it, without loss.
    /// </summary>
    public TcpOptions Tcp { get; init; } = new() { Ecn = EcnMode.Request };

    /// <summary>Whether the node replies to echo requests (ping) from virtual networks. Default true.</summary>
    public bool AnswerPing { get; init; } = true;

    /// <summary>The network controller that runs on this node. Default none. See <see cref="LanyardNode.Controller"/>.</summary>
    public INetworkController? Controller { get; init; }

    /// <summary>The factory of the loggers. Default none: nothing is logged.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <exception cref="ArgumentException">The options contradict each other, or one is out of range.</exception>
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

/// <summary>A physical network on which packets are sent without encryption.</summary>
/// <param name="Network">The addresses of the peers.</param>
/// <param name="PathId">The number of the path, the same at both ends; not 0.</param>
public readonly record struct LanyardTrustedPath(InetPrefix Network, ulong PathId);

/// <summary>The MTU of a physical network.</summary>
/// <param name="Network">The addresses of the peers.</param>
/// <param name="Bytes">The largest UDP payload in bytes, 1,400 to 10,100.</param>
public readonly record struct LanyardPathMtu(InetPrefix Network, int Bytes);

/// <summary>A physical endpoint at which a peer may be.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Endpoint">The endpoint to try.</param>
public readonly record struct LanyardPeerHint(NodeAddress Peer, InetEndpoint Endpoint);

/// <summary>A physical network that is not used to reach a peer.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Network">The physical addresses.</param>
public readonly record struct BlockedPath(NodeAddress Peer, InetPrefix Network);

/// <summary>
/// Limits on what a node keeps of other nodes, hostile ones included. The defaults are those of <see cref="NodeOptions"/>.
/// </summary>
public sealed record LanyardProtocolLimits
{
    /// <summary>The maximum number of known peers. Default 65,536.</summary>
    public int MaxPeers { get; init; } = 65_536;

    /// <summary>The maximum number of packets in reassembly, of at most 10 kB each. Default 64.</summary>
    public int MaxReassemblies { get; init; } = 64;

    /// <summary>The maximum number of packets that wait for their sender's identity or credentials. Default 64.</summary>
    public int MaxWaitingPackets { get; init; } = 64;

    /// <summary>The maximum number of packets that are queued for unreachable peers. Default 256.</summary>
    public int MaxQueuedPackets { get; init; } = 256;

    /// <summary>The maximum number of known multicast subscriptions of other nodes. Default 262,144.</summary>
    public int MaxMulticastSubscriptions { get; init; } = 262_144;

    /// <summary>The maximum number of members whose credentials are kept, for each network. Default 16,384.</summary>
    public int MaxMembersPerNetwork { get; init; } = 16_384;

    /// <summary>
    /// The maximum number of unknown identities to check per second. Each takes milliseconds of one processor. Default 50. Set more for a root with many leaves.
    /// </summary>
    public int MaxIdentityChecksPerSecond { get; init; } = 50;
}
