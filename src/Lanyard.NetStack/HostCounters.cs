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
    /// <summary>Dropped: too many packets to the host itself were waiting.</summary>
    LoopbackOverflow,
    /// <summary>Dropped: the sink gave no room.</summary>
    SinkRefused,
    /// <summary>Dropped: the frame is for another Ethernet address.</summary>
    FrameNotForUs,
    /// <summary>Dropped: the frame's source is a group address, or this port's own address.</summary>
    FrameBadSource,
    /// <summary>Dropped: an Ethernet type that is neither ARP nor IPv4 nor IPv6, and that no socket for frames has.</summary>
    FrameUnknownType,
    /// <summary>Frames given to a socket for frames.</summary>
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
    /// <summary>Dropped: ARP for an address that is not this host's, from a neighbor that is not in use.</summary>
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
    /// <summary>Dropped: router advertisements, router solicitations and redirects, which this host does not heed.</summary>
    NdpIgnored,
    /// <summary>Dropped: neighbor discovery for an address that is not this host's, or from a neighbor that is not in use.</summary>
    NdpNotForUs,
    /// <summary>Neighbor solicitations sent.</summary>
    NdpSolicitationsSent,
    /// <summary>Neighbor advertisements sent.</summary>
    NdpAdvertisementsSent,
    /// <summary>Addresses of this host that others claim and that it defended.</summary>
    AddressesDefended,
    /// <summary>Addresses of this host given up because another has them.</summary>
    AddressesLost,
    /// <summary>Neighbors whose Ethernet address turned out to be forged, and is asked for anew.</summary>
    NeighborCorrected,
    /// <summary>Neighbors that did not answer.</summary>
    NeighborFailed,
    /// <summary>Neighbors forgotten because too many were remembered.</summary>
    NeighborEvicted,
    /// <summary>Dropped: too many packets waited for a neighbor.</summary>
    NeighborQueueOverflow,
    /// <summary>Dropped: the neighbor that the packet waited for did not answer.</summary>
    NeighborQueueDropped,
    /// <summary>Dropped or not answered: too many answers to neighbors within a second.</summary>
    NeighborRateLimited,

    /// <summary>IPv4 packets received.</summary>
    Ipv4Received,
    /// <summary>Dropped: malformed IPv4 header.</summary>
    Ipv4Malformed,
    /// <summary>Dropped: wrong IPv4 header checksum.</summary>
    Ipv4BadChecksum,
    /// <summary>Dropped: an IPv4 source that no sender can have.</summary>
    Ipv4BadSource,
    /// <summary>Dropped: an IPv4 destination that is not this host's.</summary>
    Ipv4NotForUs,
    /// <summary>Dropped: an IPv4 protocol that this host does not speak.</summary>
    Ipv4UnknownProtocol,
    /// <summary>IPv6 packets received.</summary>
    Ipv6Received,
    /// <summary>Dropped: malformed IPv6 header.</summary>
    Ipv6Malformed,
    /// <summary>Dropped: an IPv6 source that no sender can have.</summary>
    Ipv6BadSource,
    /// <summary>Dropped: an IPv6 destination that is not this host's.</summary>
    Ipv6NotForUs,
    /// <summary>Dropped: an IPv6 header that this host does not know.</summary>
    Ipv6UnknownHeader,
    /// <summary>Dropped: malformed extension headers, or too many of them.</summary>
    Ipv6BadExtension,
    /// <summary>Fragments received.</summary>
    FragmentsReceived,
    /// <summary>Fragments sent.</summary>
    FragmentsSent,
    /// <summary>Datagrams put together from fragments.</summary>
    Reassembled,
    /// <summary>Dropped: malformed fragment.</summary>
    FragmentMalformed,
    /// <summary>Dropped: a first fragment too short for the transport header, or a later one that begins inside of it (RFC 1858, RFC 3128).</summary>
    FragmentTiny,
    /// <summary>Dropped: a packet put together from fragments that the layer below does not let pass.</summary>
    ReassembledFiltered,
    /// <summary>Dropped: fragments that overlap, and what comes of their datagram afterwards (RFC 5722).</summary>
    FragmentOverlap,
    /// <summary>Dropped: an exact repetition of a fragment.</summary>
    FragmentDuplicate,
    /// <summary>Datagrams given up: fragments missing for too long.</summary>
    ReassemblyTimeout,
    /// <summary>Datagrams given up: a limit of reassembly was reached.</summary>
    ReassemblyOverflow,
    /// <summary>Not sent: no route or no source address.</summary>
    NoRoute,
    /// <summary>Not sent: longer than the path carries, and fragmentation is not allowed.</summary>
    PacketTooBig,

    /// <summary>Queries of multicast routers received (IGMP, MLD).</summary>
    GroupQueries,
    /// <summary>Reports of joined and left groups sent (IGMP, MLD).</summary>
    GroupReportsSent,
    /// <summary>Dropped: malformed IGMP or MLD, or not as a neighbor sends it (hop limit 1, router alert).</summary>
    GroupMalformed,
    /// <summary>Dropped: IGMP or MLD messages that are not for hosts, such as reports to routers.</summary>
    GroupIgnored,
    /// <summary>Dropped: more queries than are answered in a second.</summary>
    GroupRateLimited,

    /// <summary>ICMP and ICMPv6 messages received.</summary>
    IcmpReceived,
    /// <summary>Dropped: malformed ICMP.</summary>
    IcmpMalformed,
    /// <summary>Dropped: wrong ICMP checksum.</summary>
    IcmpBadChecksum,
    /// <summary>Dropped: an ICMP type that this host does not heed.</summary>
    IcmpIgnored,
    /// <summary>Echo requests answered.</summary>
    EchoAnswered,
    /// <summary>Dropped: an echo request that is not answered (switched off, or to a group).</summary>
    EchoIgnored,
    /// <summary>Echo replies given to a socket.</summary>
    EchoReplies,
    /// <summary>Dropped: an echo reply for no socket.</summary>
    EchoUnexpected,
    /// <summary>ICMP errors sent.</summary>
    IcmpErrorsSent,
    /// <summary>ICMP errors not sent: too many within a second.</summary>
    IcmpRateLimited,
    /// <summary>ICMP errors given to a socket.</summary>
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
    /// <summary>TCP segments sent again.</summary>
    TcpRetransmissions,
    /// <summary>Dropped: malformed TCP header or options.</summary>
    TcpMalformed,
    /// <summary>Dropped: wrong TCP checksum.</summary>
    TcpBadChecksum,
    /// <summary>Dropped: no connection and no listener; answered with a reset if the rate allows.</summary>
    TcpNoPort,
    /// <summary>Dropped: TCP segments for a connection, from an Ethernet address other than the one that its SYN came from.</summary>
    TcpForeignSender,
    /// <summary>Dropped: SYNs from an IP address that certainly belongs to another neighbor than the sender.</summary>
    TcpForgedSource,
    /// <summary>Dropped: outside the window.</summary>
    TcpOutOfWindow,
    /// <summary>Dropped: older timestamp than already seen (PAWS, RFC 7323).</summary>
    TcpPawsRejected,
    /// <summary>Dropped: an acknowledgment of data never sent, or too old (RFC 5961 section 5).</summary>
    TcpBadAck,
    /// <summary>Dropped: a segment without ACK where one must be.</summary>
    TcpNoAck,
    /// <summary>Data out of order kept for later.</summary>
    TcpOutOfOrder,
    /// <summary>Dropped: data out of order beyond the limit.</summary>
    TcpOutOfOrderDropped,
    /// <summary>Dropped: data that was already received.</summary>
    TcpDuplicateData,
    /// <summary>Dropped: data for an app that has closed; answered with a reset.</summary>
    TcpDataAfterClose,
    /// <summary>Challenge acknowledgments sent (RFC 5961).</summary>
    TcpChallengeAcks,
    /// <summary>Challenge acknowledgments not sent: more than the limit per second.</summary>
    TcpChallengeAcksLimited,
    /// <summary>Resets sent.</summary>
    TcpResetsSent,
    /// <summary>Resets not sent: too many within a second.</summary>
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
    /// <summary>Dropped: SYNs that only a cookie could answer, too many from one neighbor within a second.</summary>
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
    /// <summary>Recoveries undone because nothing had been lost (RFC 4015).</summary>
    TcpSpuriousRecoveries,
    /// <summary>Echoes of congestion answered (RFC 3168).</summary>
    TcpCongestionEchoes,
    /// <summary>Segments received that were marked for congestion on the way (RFC 3168).</summary>
    TcpCongestionMarks,
    /// <summary>Segment sizes lowered because long segments went missing again and again (RFC 8899).</summary>
    TcpBlackHoles,
    /// <summary>Segments sent to see whether a larger size arrives (RFC 4821).</summary>
    TcpSizeProbes,
    /// <summary>Tail loss probes sent (RFC 8985).</summary>
    TcpTailProbes,
    /// <summary>Zero-window probes sent.</summary>
    TcpWindowProbes,
    /// <summary>Keepalive probes sent.</summary>
    TcpKeepAlives,
    /// <summary>Connections in TIME_WAIT ended early because too many were.</summary>
    TcpTimeWaitEvicted,
    /// <summary>Connections in TIME_WAIT replaced by a new connection (RFC 6191).</summary>
    TcpTimeWaitReused,
}

/// <summary>A host's counters. Read on the host's owner thread; values only grow.</summary>
public sealed class HostCounters
{
    private static readonly HostCounter[] All = GetAll();
    private readonly long[] _values = new long[All.Length];

    internal HostCounters()
    {
    }

    /// <summary>The value of one counter.</summary>
    /// <param name="counter">Which one.</param>
    public long this[HostCounter counter] => _values[(int)counter];

    /// <summary>Every counter there is, in order.</summary>
    public static IReadOnlyList<HostCounter> Names => All;

    /// <summary>Whether a counter counts packets that were dropped or not sent.</summary>
    /// <param name="counter">Which one.</param>
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

    // The enumeration counts up from zero without gaps; GetValues would need reflection.
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
