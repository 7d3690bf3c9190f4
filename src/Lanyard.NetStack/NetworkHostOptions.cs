using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The options of a <see cref="NetworkHost"/>. Immutable.</summary>
public sealed record NetworkHostOptions
{
    /// <summary>The port's Ethernet address.</summary>
    public required MacAddress Mac { get; init; }

    /// <summary>
    /// 16 secret random bytes, the host's only source of randomness: for initial sequence numbers (RFC 6528), ports (RFC 6056), identifiers and jitter.
    /// Hosts must not share a secret. The same secret and the same calls give the same frames.
    /// </summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>The initial MTU: the largest packet, with its IP header, that one frame carries, in bytes: 1280 to 65,535. Default 2800.</summary>
    public int Mtu { get; init; } = 2800;

    /// <summary>The initial addresses, each with its on-link prefix.</summary>
    public IReadOnlyList<InetPrefix> Addresses { get; init; } = [];

    /// <summary>Resolves neighbors' Ethernet addresses before ARP and neighbor discovery do. Default null.</summary>
    public INeighborResolver? NeighborResolver { get; init; }

    /// <summary>Judges claims of neighbors to addresses. Default null: the host believes all claims.</summary>
    public INeighborAuthority? NeighborAuthority { get; init; }

    /// <summary>The handler of joined and left Ethernet groups. Default null.</summary>
    public IGroupObserver? GroupObserver { get; init; }

    /// <summary>The handler of neighbors that claim an address of this host. Default null.</summary>
    public IAddressObserver? AddressObserver { get; init; }

    /// <summary>Judges reassembled packets. Default null: the host processes all of them.</summary>
    public IReassemblyFilter? ReassemblyFilter { get; init; }

    /// <summary>
    /// Whether the host checks that no other host has an added IPv6 address (RFC 4862 section 5.4). The address is usable meanwhile, with the limits of
    /// RFC 4429. Default true.
    /// </summary>
    public bool DetectDuplicateAddresses { get; init; } = true;

    /// <summary>
    /// Whether the host gives up an IPv4 address that a neighbor claims again within ten seconds of its defense (RFC 5227 section 2.4 (b)). Otherwise it
    /// defends the address once in ten seconds (section 2.4 (c)), so that no neighbor can take an assigned address away. Default false.
    /// </summary>
    public bool GivesUpContestedAddresses { get; init; }

    /// <summary>The policy table for the selection of addresses. Default is that of RFC 6724.</summary>
    public IReadOnlyList<AddressPolicy> AddressPolicies { get; init; } = AddressPolicy.Default;

    /// <summary>
    /// When the host reports joined IP groups to multicast routers (IGMP, MLD). Default <see cref="GroupReporting.Always"/>, as on any Ethernet. If the
    /// layer below knows the groups, <see cref="GroupReporting.WhenAsked"/> is enough.
    /// </summary>
    public GroupReporting ReportGroups { get; init; } = GroupReporting.Always;

    /// <summary>Whether the host replies to echo requests (ping). Default true.</summary>
    public bool AnswerEcho { get; init; } = true;

    /// <summary>The limits of the host's memory and work.</summary>
    public HostLimits Limits { get; init; } = new();

    /// <summary>The default settings of TCP connections.</summary>
    public TcpOptions Tcp { get; init; } = new();
}

/// <summary>When the host reports groups to multicast routers.</summary>
public enum GroupReporting : byte
{
    /// <summary>With every change, and in reply to queries.</summary>
    Always = 0,

    /// <summary>In reply to queries, and with every change in the 260 s after a query.</summary>
    WhenAsked,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>The bounds of a host's memory and of the work that strangers can cause. Immutable.</summary>
public sealed record HostLimits
{
    /// <summary>
    /// The bytes of all buffers together: TCP send and receive buffers, UDP queues, reassembly, packets queued for a neighbor. When half is in use, buffers
    /// stop growing; when three quarters are in use, TCP data out of order is dropped. Default 256 MiB.
    /// </summary>
    public long BufferBytes { get; init; } = 256L << 20;

    /// <summary>TCP connections in any state except TIME-WAIT. Default 65,536.</summary>
    public int TcpConnections { get; init; } = 65_536;

    /// <summary>Connections in TIME-WAIT. At the limit, the oldest ends early. Default 8,192.</summary>
    public int TcpTimeWait { get; init; } = 8_192;

    /// <summary>Neighbors in the table. At the limit, the least recently used is evicted. Default 1,024.</summary>
    public int Neighbors { get; init; } = 1_024;

    /// <summary>Packets queued for the Ethernet address of one neighbor. At the limit, the oldest is dropped. Default 64, which is enough for the fragments of
    /// the longest datagram.</summary>
    public int PendingPacketsPerNeighbor { get; init; } = 64;

    /// <summary>Packets queued for the Ethernet addresses of all neighbors. Default 1,024.</summary>
    public int PendingPackets { get; init; } = 1_024;

    /// <summary>Datagrams in reassembly. Default 64.</summary>
    public int ReassemblyDatagrams { get; init; } = 64;

    /// <summary>Bytes in reassembly. Default 2 MiB.</summary>
    public int ReassemblyBytes { get; init; } = 2 << 20;

    /// <summary>Joined IP multicast groups. Default 512.</summary>
    public int MulticastGroups { get; init; } = 512;

    /// <summary>Sockets for Ethernet frames. Default 64.</summary>
    public int FrameSockets { get; init; } = 64;

    /// <summary>Path MTUs in the cache. Default 512.</summary>
    public int PathMtus { get; init; } = 512;

    /// <summary>The replies in a second of each kind that strangers can cause: ICMP errors, resets, ARP replies, neighbor advertisements. Default
    /// 1,000.</summary>
    public int RepliesPerSecond { get; init; } = 1_000;

    /// <summary>SYN cookies in a second for one neighbor (Ethernet source). Its further SYNs are dropped; those of other neighbors are not. Default
    /// 10,000.</summary>
    public int CookiesPerNeighborAndSecond { get; init; } = 10_000;

    /// <summary>Packets queued for the host itself. Default 4,096.</summary>
    public int LoopbackPackets { get; init; } = 4_096;
}

/// <summary>A route to addresses that are not on-link.</summary>
/// <param name="Destination">The prefix of the destinations. The route with the longest matching prefix is used.</param>
/// <param name="Gateway">The on-link neighbor that forwards; <see langword="default"/> if the destinations are on-link.</param>
/// <param name="Metric">The metric. Among routes with the same prefix, the one with the lowest metric is used.</param>
public readonly record struct Route(InetPrefix Destination, InetAddress Gateway, int Metric = 0);
