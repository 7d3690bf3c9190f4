using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The options of a <see cref="NetworkHost"/>. Immutable.</summary>
public sealed record NetworkHostOptions
{
    /// <summary>The port's Ethernet address.</summary>
    public required MacAddress Mac { get; init; }

    /// <summary>
    /// 16 secret random bytes: the host's only source of randomness (initial sequence numbers by RFC 6528, ports by RFC 6056, identifiers,
    /// jitter). Two hosts must not share one; the same secret and the same calls give the same frames.
    /// </summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>The largest packet (IP header and all) that one frame carries at the start, in bytes: 1280 to 65,535. Default 2800.</summary>
    public int Mtu { get; init; } = 2800;

    /// <summary>Addresses the host has from the start, each with its on-link prefix. More can be added later.</summary>
    public IReadOnlyList<InetPrefix> Addresses { get; init; } = [];

    /// <summary>Resolves neighbors' Ethernet addresses before ARP and neighbor discovery do. Default null.</summary>
    public INeighborResolver? NeighborResolver { get; init; }

    /// <summary>Judges claims of neighbors to addresses. Default null: the host believes all claims.</summary>
    public INeighborAuthority? NeighborAuthority { get; init; }

    /// <summary>The handler of joined and left Ethernet groups. Default null.</summary>
    public IGroupObserver? GroupObserver { get; init; }

    /// <summary>The handler of neighbors that claim an address of this host. Default null.</summary>
    public IAddressObserver? AddressObserver { get; init; }

    /// <summary>Judges packets that were put together from fragments; all pass by default.</summary>
    public IReassemblyFilter? ReassemblyFilter { get; init; }

    /// <summary>
    /// Whether IPv6 addresses that are added are checked for being another host's, too (RFC 4862 section 5.4). They are used meanwhile,
    /// with restraint (RFC 4429), so nothing waits. Default true.
    /// </summary>
    public bool DetectDuplicateAddresses { get; init; } = true;

    /// <summary>
    /// What becomes of an IPv4 address that a neighbor claims a second time within ten seconds of its defense: given up (RFC 5227
    /// section 2.4 (b)), or, the default, defended again once in ten seconds (section 2.4 (c)), so that no neighbor can take an assigned
    /// address away.
    /// </summary>
    public bool GivesUpContestedAddresses { get; init; }

    /// <summary>The policy table for choosing addresses. Default that of RFC 6724.</summary>
    public IReadOnlyList<AddressPolicy> AddressPolicies { get; init; } = AddressPolicy.Default;

    /// <summary>
    /// When multicast routers are told of joined IP groups (IGMP, MLD). Default always, as on any Ethernet; where the layer below knows the
    /// groups itself, when asked is enough.
    /// </summary>
    public GroupReporting ReportGroups { get; init; } = GroupReporting.Always;

    /// <summary>Whether echo requests (ping) are answered. Default true.</summary>
    public bool AnswerEcho { get; init; } = true;

    /// <summary>The limits of what the host holds in memory and does per second.</summary>
    public HostLimits Limits { get; init; } = new();

    /// <summary>The default settings of TCP connections.</summary>
    public TcpOptions Tcp { get; init; } = new();
}

/// <summary>When the host reports groups to multicast routers.</summary>
public enum GroupReporting : byte
{
    /// <summary>With every change, and when they ask.</summary>
    Always = 0,

    /// <summary>When a router asks, and with every change in the 260 s after that.</summary>
    WhenAsked,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>The bounds of a host's memory and of the work that strangers can cause. Immutable.</summary>
public sealed record HostLimits
{
    /// <summary>
    /// The bytes of all buffers together: TCP send and receive buffers, UDP queues, reassembly, packets queued for a neighbor.
    /// Default 256 MiB. From half of it buffers stop growing; from three quarters data out of order is not kept.
    /// </summary>
    public long BufferBytes { get; init; } = 256L << 20;

    /// <summary>TCP connections in any state but TIME_WAIT. Default 65,536.</summary>
    public int TcpConnections { get; init; } = 65_536;

    /// <summary>Connections in TIME_WAIT; the oldest ends early when one more comes. Default 8,192.</summary>
    public int TcpTimeWait { get; init; } = 8_192;

    /// <summary>Neighbors remembered; the least recently used goes first. Default 1,024.</summary>
    public int Neighbors { get; init; } = 1_024;

    /// <summary>Packets queued for the Ethernet address of one neighbor; the oldest goes first. Default 64, so that the longest
    /// datagram's fragments can wait.</summary>
    public int PendingPacketsPerNeighbor { get; init; } = 64;

    /// <summary>Packets queued for the Ethernet addresses of all neighbors. Default 1,024.</summary>
    public int PendingPackets { get; init; } = 1_024;

    /// <summary>Datagrams in reassembly at a time. Default 64.</summary>
    public int ReassemblyDatagrams { get; init; } = 64;

    /// <summary>Bytes in reassembly at a time. Default 2 MiB.</summary>
    public int ReassemblyBytes { get; init; } = 2 << 20;

    /// <summary>IP multicast groups joined at a time. Default 512.</summary>
    public int MulticastGroups { get; init; } = 512;

    /// <summary>Sockets for Ethernet frames. Default 64.</summary>
    public int FrameSockets { get; init; } = 64;

    /// <summary>Path MTUs remembered. Default 512.</summary>
    public int PathMtus { get; init; } = 512;

    /// <summary>ICMP errors, resets and neighbor answers caused by strangers, each, a second. Default 1,000.</summary>
    public int RepliesPerSecond { get; init; } = 1_000;

    /// <summary>SYN cookies sent to one neighbor (frame source) a second; its SYNs beyond it are dropped, others' are not. Default 10,000.</summary>
    public int CookiesPerNeighborAndSecond { get; init; } = 10_000;

    /// <summary>Packets queued for the host itself. Default 4,096.</summary>
    public int LoopbackPackets { get; init; } = 4_096;
}

/// <summary>A route to addresses that are not on-link.</summary>
/// <param name="Destination">The destinations that the route is for; the longest matching prefix wins.</param>
/// <param name="Gateway">The on-link neighbor that forwards; <see langword="default"/> says that the destinations are on-link.</param>
/// <param name="Metric">Among routes of one prefix the lowest wins.</param>
public readonly record struct Route(InetPrefix Destination, InetAddress Gateway, int Metric = 0);
