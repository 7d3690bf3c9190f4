namespace Lanyard.NetStack;

/// <summary>The counters of a host. Each dropped packet adds to one counter, which names the reason.</summary>
public enum HostCounter
{
    /// <summary>Frames received.</summary>
    FramesReceived,
    /// <summary>Packet bytes received, without Ethernet headers.</summary>
    BytesReceived,
    /// <summary>Frames sent.</summary>
    FramesSent,
    /// <summary>Packet bytes sent, without Ethernet headers.</summary>
    BytesSent,
    /// <summary>Packets delivered to the host itself.</summary>
    LoopbackPackets,
    /// <summary>Dropped: too many packets to the host itself are queued.</summary>
    LoopbackOverflow,
    /// <summary>Dropped: the frame sink refused the frame.</summary>
    SinkRefused,
    /// <summary>Dropped: the frame is for another Ethernet address.</summary>
    FrameNotForUs,
    /// <summary>Dropped: the frame's source is a group address, or this port's own address.</summary>
    FrameBadSource,
    /// <summary>Dropped: an Ethernet type other than ARP, IPv4 and IPv6 that no socket for frames receives.</summary>
    FrameUnknownType,
    /// <summary>Frames delivered to a socket for frames.</summary>
    FrameDelivered,
    /// <summary>Dropped: the queue of a socket for frames is full.</summary>
    FrameQueueFull,
    /// <summary>Dropped: longer than the MTU.</summary>
    FrameTooLong,
    /// <summary>Dropped: the buffer limit is reached.</summary>
    OutOfMemory,

    /// <summary>ARP packets received.</summary>
    ArpReceived,
    /// <summary>Dropped: malformed ARP.</summary>
    ArpMalformed,
    /// <summary>Dropped: ARP claims an address of this host for another Ethernet address.</summary>
    ArpConflict,
    /// <summary>Dropped: ARP claims an address that belongs to another neighbor, or to this host.</summary>
    ArpForged,
    /// <summary>ARP requests sent.</summary>
    ArpRequestsSent,
    /// <summary>ARP replies sent.</summary>
    ArpRepliesSent,
    /// <summary>Dropped: ARP for an address that is not this host's, from a neighbor that is not in the table.</summary>
    ArpNotForUs,
    /// <summary>Neighbor solicitations and advertisements received.</summary>
    NdpReceived,
    /// <summary>Dropped: malformed neighbor discovery, or with a hop limit other than 255.</summary>
    NdpMalformed,
    /// <summary>Dropped: a neighbor claims an address of this host.</summary>
    NdpConflict,
    /// <summary>Dropped: neighbor discovery claims an address that belongs to another neighbor or to this host, or names an Ethernet address other than
    /// the sender's.</summary>
    NdpForged,
    /// <summary>Dropped: router advertisements, router solicitations and redirects, which this host does not support.</summary>
    NdpIgnored,
    /// <summary>Dropped: neighbor discovery for an address that is not this host's, or from a neighbor that is not in the table.</summary>
    NdpNotForUs,
    /// <summary>Neighbor solicitations sent.</summary>
    NdpSolicitationsSent,
    /// <summary>Neighbor advertisements sent.</summary>
    NdpAdvertisementsSent,
    /// <summary>Defenses of this host's addresses against neighbors that claim them.</summary>
    AddressesDefended,
    /// <summary>Addresses that this host gave up because a neighbor has them.</summary>
    AddressesLost,
    /// <summary>Neighbors whose Ethernet address was forged and is resolved again.</summary>
    NeighborCorrected,
    /// <summary>Neighbors that did not answer.</summary>
    NeighborFailed,
    /// <summary>Neighbors evicted from the full table.</summary>
    NeighborEvicted,
    /// <summary>Dropped: too many packets are queued for a neighbor.</summary>
    NeighborQueueOverflow,
    /// <summary>Dropped: the neighbor that the packet was queued for did not answer, or was evicted.</summary>
    NeighborQueueDropped,
    /// <summary>Dropped: requests of neighbors beyond the limit of replies in a second.</summary>
    NeighborRateLimited,

    /// <summary>IPv4 packets received.</summary>
    Ipv4Received,
    /// <summary>Dropped: malformed IPv4 header.</summary>
    Ipv4Malformed,
    /// <summary>Dropped: wrong IPv4 header checksum.</summary>
    Ipv4BadChecksum,
    /// <summary>Dropped: an invalid IPv4 source.</summary>
    Ipv4BadSource,
    /// <summary>Dropped: an IPv4 destination that is not this host's.</summary>
    Ipv4NotForUs,
    /// <summary>Dropped: an IPv4 protocol that this host does not support.</summary>
    Ipv4UnknownProtocol,
    /// <summary>IPv6 packets received.</summary>
    Ipv6Received,
    /// <summary>Dropped: malformed IPv6 header.</summary>
    Ipv6Malformed,
    /// <summary>Dropped: an invalid IPv6 source.</summary>
    Ipv6BadSource,
    /// <summary>Dropped: an IPv6 destination that is not this host's.</summary>
    Ipv6NotForUs,
    /// <summary>Dropped: an IPv6 header that this host does not support.</summary>
    Ipv6UnknownHeader,
    /// <summary>Dropped: malformed extension headers, or too many of them.</summary>
    Ipv6BadExtension,
    /// <summary>Fragments received.</summary>
    FragmentsReceived,
    /// <summary>Fragments sent.</summary>
    FragmentsSent,
    /// <summary>Datagrams reassembled from fragments.</summary>
    Reassembled,
    /// <summary>Dropped: malformed fragment.</summary>
    FragmentMalformed,
    /// <summary>Dropped: a first fragment too short for the transport header, or a later one that begins inside of it (RFC 1858, RFC 3128).</summary>
    FragmentTiny,
    /// <summary>Dropped: a reassembled packet that <see cref="IReassemblyFilter"/> does not permit.</summary>
    ReassembledFiltered,
    /// <summary>Dropped: fragments that overlap, and later fragments of their datagram (RFC 5722).</summary>
    FragmentOverlap,
    /// <summary>Dropped: an exact repetition of a fragment.</summary>
    FragmentDuplicate,
    /// <summary>Dropped: datagrams of which fragments did not arrive in time.</summary>
    ReassemblyTimeout,
    /// <summary>Dropped: datagrams beyond a limit of reassembly.</summary>
    ReassemblyOverflow,
    /// <summary>Not sent: no route or no source address.</summary>
    NoRoute,
    /// <summary>Not sent: longer than the path MTU, and fragmentation is not allowed.</summary>
    PacketTooBig,

    /// <summary>Queries of multicast routers received (IGMP, MLD).</summary>
    GroupQueries,
    /// <summary>Reports of joined and left groups sent (IGMP, MLD).</summary>
    GroupReportsSent,
    /// <summary>Dropped: malformed IGMP or MLD, or without a hop limit of 1 and a router alert.</summary>
    GroupMalformed,
    /// <summary>Dropped: IGMP or MLD messages that are not for hosts, such as reports to routers.</summary>
    GroupIgnored,
    /// <summary>Dropped: queries beyond the limit of replies in a second.</summary>
    GroupRateLimited,

    /// <summary>ICMP and ICMPv6 messages received.</summary>
    IcmpReceived,
    /// <summary>Dropped: malformed ICMP.</summary>
    IcmpMalformed,
    /// <summary>Dropped: wrong ICMP checksum.</summary>
    IcmpBadChecksum,
    /// <summary>Dropped: an ICMP type that this host does not support.</summary>
    IcmpIgnored,
    /// <summary>Echo requests answered.</summary>
    EchoAnswered,
    /// <summary>Dropped: echo requests to a group, or all if the host is set not to reply.</summary>
    EchoIgnored,
    /// <summary>Echo replies delivered to a socket.</summary>
    EchoReplies,
    /// <summary>Dropped: no socket has the identifier of an echo reply.</summary>
    EchoUnexpected,
    /// <summary>ICMP errors sent.</summary>
    IcmpErrorsSent,
    /// <summary>ICMP errors not sent: beyond the limit of replies in a second.</summary>
    IcmpRateLimited,
    /// <summary>ICMP errors delivered to a socket or connection.</summary>
    IcmpErrorsDelivered,
    /// <summary>Dropped: ICMP errors whose quoted packet is not one of this host's.</summary>
    IcmpErrorsUnmatched,
    /// <summary>Dropped: ICMP errors from an address that does not belong to their sender.</summary>
    IcmpErrorsForged,
    /// <summary>Path MTUs lowered by ICMP.</summary>
    PathMtuLowered,

    /// <summary>UDP datagrams received for a socket.</summary>
    UdpReceived,
    /// <summary>UDP datagrams sent.</summary>
    UdpSent,
    /// <summary>Dropped: malformed UDP header.</summary>
    UdpMalformed,
    /// <summary>Dropped: wrong UDP checksum.</summary>
    UdpBadChecksum,
    /// <summary>Dropped: no socket has the port.</summary>
    UdpNoPort,
    /// <summary>Dropped: the socket's receive queue is full.</summary>
    UdpQueueFull,

    /// <summary>TCP segments received.</summary>
    TcpSegmentsReceived,
    /// <summary>TCP segments sent.</summary>
    TcpSegmentsSent,
    /// <summary>TCP segments retransmitted.</summary>
    TcpRetransmissions,
    /// <summary>Dropped: malformed TCP header or options.</summary>
    TcpMalformed,
    /// <summary>Dropped: wrong TCP checksum.</summary>
    TcpBadChecksum,
    /// <summary>Dropped: no connection and no listener. The host sends a reset, within the limit of replies in a second.</summary>
    TcpNoPort,
    /// <summary>Dropped: segments of a connection from another Ethernet address than its SYN.</summary>
    TcpForeignSender,
    /// <summary>Dropped: SYNs from an IP address that belongs to another neighbor than the sender.</summary>
    TcpForgedSource,
    /// <summary>Dropped: outside the window.</summary>
    TcpOutOfWindow,
    /// <summary>Dropped: segments with an older timestamp than an earlier segment (PAWS, RFC 7323).</summary>
    TcpPawsRejected,
    /// <summary>Dropped: an acknowledgment of data that was never sent, or a too old acknowledgment (RFC 5961 section 5).</summary>
    TcpBadAck,
    /// <summary>Dropped: a segment without ACK in a state that requires it.</summary>
    TcpNoAck,
    /// <summary>Segments received out of order and kept.</summary>
    TcpOutOfOrder,
    /// <summary>Dropped: segments out of order beyond the limits of memory and gaps.</summary>
    TcpOutOfOrderDropped,
    /// <summary>Dropped: data that was already received.</summary>
    TcpDuplicateData,
    /// <summary>Dropped: data for a connection that the application has closed. The host sends a reset.</summary>
    TcpDataAfterClose,
    /// <summary>Challenge acknowledgments sent (RFC 5961).</summary>
    TcpChallengeAcks,
    /// <summary>Challenge acknowledgments not sent: beyond the limit of the connection.</summary>
    TcpChallengeAcksLimited,
    /// <summary>Resets sent.</summary>
    TcpResetsSent,
    /// <summary>Resets not sent: beyond the limit of replies in a second.</summary>
    TcpResetsLimited,
    /// <summary>Valid resets received.</summary>
    TcpResetsReceived,
    /// <summary>Dropped: resets that are not exactly in sequence (RFC 5961 section 3).</summary>
    TcpResetsRejected,
    /// <summary>Connections opened by this end.</summary>
    TcpActiveOpens,
    /// <summary>Connections accepted.</summary>
    TcpPassiveOpens,
    /// <summary>Connections that failed before they were established.</summary>
    TcpFailedOpens,
    /// <summary>Dropped: the listener's backlog is full.</summary>
    TcpBacklogFull,
    /// <summary>SYNs answered with a cookie because too many connections were half open.</summary>
    TcpCookiesSent,
    /// <summary>Dropped: SYNs of one neighbor beyond the limit of cookies in a second.</summary>
    TcpCookiesLimited,
    /// <summary>Connections accepted whose SYN was answered with a cookie.</summary>
    TcpCookiesAccepted,
    /// <summary>Dropped: an acknowledgment without a connection and without a valid cookie, while cookies were pending.</summary>
    TcpCookiesRejected,
    /// <summary>Dropped: the limit of connections is reached.</summary>
    TcpConnectionLimit,
    /// <summary>Retransmission timeouts.</summary>
    TcpTimeouts,
    /// <summary>Fast recoveries begun.</summary>
    TcpFastRecoveries,
    /// <summary>Recoveries undone because nothing was lost (RFC 4015).</summary>
    TcpSpuriousRecoveries,
    /// <summary>Echoes of congestion answered (RFC 3168).</summary>
    TcpCongestionEchoes,
    /// <summary>Segments received that were marked for congestion on the way (RFC 3168).</summary>
    TcpCongestionMarks,
    /// <summary>Segment sizes lowered because the path seems to drop long segments (RFC 8899).</summary>
    TcpBlackHoles,
    /// <summary>Segments sent as probes for a larger segment size (RFC 4821).</summary>
    TcpSizeProbes,
    /// <summary>Tail loss probes sent (RFC 8985).</summary>
    TcpTailProbes,
    /// <summary>Zero-window probes sent.</summary>
    TcpWindowProbes,
    /// <summary>Keepalive probes sent.</summary>
    TcpKeepAlives,
    /// <summary>Connections in TIME-WAIT that ended early because of the limit.</summary>
    TcpTimeWaitEvicted,
    /// <summary>Connections in TIME-WAIT replaced by a new connection (RFC 6191).</summary>
    TcpTimeWaitReused,
}

/// <summary>A host's counters. Values only grow. Reads must not overlap with calls into the host.</summary>
public sealed class HostCounters
{
    private static readonly HostCounter[] All = GetAll();
    private readonly long[] _values = new long[All.Length];

    internal HostCounters()
    {
    }

    /// <summary>The value of a counter.</summary>
    /// <param name="counter">The counter.</param>
    public long this[HostCounter counter] => _values[(int)counter];

    /// <summary>All counters in order.</summary>
    public static IReadOnlyList<HostCounter> Names => All;

    /// <summary>Whether a counter counts packets that were dropped or not sent.</summary>
    /// <param name="counter">The counter.</param>
    public static bool IsDrop(HostCounter counter) => counter is
        HostCounter.LoopbackOverflow or HostCounter.SinkRefused or HostCounter.FrameNotForUs or HostCounter.FrameBadSource or
        HostCounter.FrameUnknownType or HostCounter.FrameQueueFull or HostCounter.FrameTooLong or HostCounter.OutOfMemory or
        HostCounter.ArpMalformed or HostCounter.ArpConflict or HostCounter.ArpForged or HostCounter.NdpForged or HostCounter.IcmpErrorsForged or
        HostCounter.ArpNotForUs or HostCounter.NdpMalformed or
        HostCounter.NdpConflict or HostCounter.NdpIgnored or HostCounter.NdpNotForUs or HostCounter.NeighborQueueOverflow or
        HostCounter.NeighborQueueDropped or HostCounter.NeighborRateLimited or HostCounter.Ipv4Malformed or
        HostCounter.Ipv4BadChecksum or HostCounter.Ipv4BadSource or HostCounter.Ipv4NotForUs or HostCounter.Ipv4UnknownProtocol or
        HostCounter.Ipv6Malformed or HostCounter.Ipv6BadSource or HostCounter.Ipv6NotForUs or HostCounter.Ipv6UnknownHeader or
        HostCounter.Ipv6BadExtension or HostCounter.FragmentMalformed or HostCounter.FragmentTiny or HostCounter.ReassembledFiltered or
        HostCounter.FragmentOverlap or HostCounter.FragmentDuplicate or
        HostCounter.ReassemblyTimeout or HostCounter.ReassemblyOverflow or HostCounter.NoRoute or HostCounter.PacketTooBig or
        HostCounter.GroupMalformed or HostCounter.GroupIgnored or HostCounter.GroupRateLimited or HostCounter.IcmpMalformed or
        HostCounter.IcmpBadChecksum or HostCounter.IcmpIgnored or HostCounter.EchoIgnored or HostCounter.EchoUnexpected or
        HostCounter.IcmpErrorsUnmatched or HostCounter.UdpMalformed or HostCounter.UdpBadChecksum or HostCounter.UdpNoPort or
        HostCounter.UdpQueueFull or HostCounter.TcpMalformed or HostCounter.TcpBadChecksum or HostCounter.TcpNoPort or HostCounter.TcpForeignSender or HostCounter.TcpForgedSource or
        HostCounter.TcpOutOfWindow or HostCounter.TcpPawsRejected or HostCounter.TcpBadAck or HostCounter.TcpNoAck or
        HostCounter.TcpOutOfOrderDropped or HostCounter.TcpDuplicateData or HostCounter.TcpDataAfterClose or
        HostCounter.TcpResetsRejected or HostCounter.TcpBacklogFull or HostCounter.TcpConnectionLimit or
        HostCounter.TcpCookiesLimited or HostCounter.TcpCookiesRejected;

    // The values count up from zero without gaps. Enum.GetValues would need reflection.
    private static HostCounter[] GetAll()
    {
        var all = new HostCounter[(int)HostCounter.TcpTimeWaitReused + 1];
        for (var i = 0; i < all.Length; i++)
            all[i] = (HostCounter)i;
        return all;
    }

    internal void Add(HostCounter counter) => _values[(int)counter]++;

    internal void Add(HostCounter counter, long amount) => _values[(int)counter] += amount;
}
