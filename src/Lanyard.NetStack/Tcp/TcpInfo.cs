namespace Lanyard.NetStack;

/// <summary>The kind of loss recovery in progress.</summary>
public enum TcpRecoveryState : byte
{
    /// <summary>No recovery, and everything arrives in order.</summary>
    Open = 0,

    /// <summary>No recovery, but segments arrived out of order. A segment may be lost.</summary>
    Disorder,

    /// <summary>Fast recovery: acknowledgments showed a loss.</summary>
    Recovery,

    /// <summary>Recovery after a retransmission timeout.</summary>
    Loss,
}

/// <summary>A snapshot of a TCP connection. Times are in microseconds, sizes in bytes.</summary>
public readonly record struct TcpInfo
{
    /// <summary>The state.</summary>
    public TcpState State { get; init; }

    /// <summary>The smoothed round-trip time (RFC 6298); 0 before the first measurement.</summary>
    public long SmoothedRtt { get; init; }

    /// <summary>The round-trip time's variation (RFC 6298).</summary>
    public long RttVariation { get; init; }

    /// <summary>The lowest round-trip time measured.</summary>
    public long MinRtt { get; init; }

    /// <summary>The current retransmission timeout with its backoff.</summary>
    public long RetransmissionTimeout { get; init; }

    /// <summary>The congestion window.</summary>
    public long CongestionWindow { get; init; }

    /// <summary>The slow start threshold.</summary>
    public long SlowStartThreshold { get; init; }

    /// <summary>The largest payload of a segment sent.</summary>
    public int SendSegmentBytes { get; init; }

    /// <summary>The peer's window.</summary>
    public long SendWindow { get; init; }

    /// <summary>The window offered to the peer.</summary>
    public long ReceiveWindow { get; init; }

    /// <summary>Payload sent and not yet acknowledged.</summary>
    public long BytesInFlight { get; init; }

    /// <summary>Payload sent, retransmissions included.</summary>
    public long BytesSent { get; init; }

    /// <summary>Payload retransmitted.</summary>
    public long BytesRetransmitted { get; init; }

    /// <summary>Payload that the peer acknowledged.</summary>
    public long BytesAcknowledged { get; init; }

    /// <summary>Payload received in order.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Segments sent.</summary>
    public long SegmentsSent { get; init; }

    /// <summary>Segments received.</summary>
    public long SegmentsReceived { get; init; }

    /// <summary>The number of fast recoveries.</summary>
    public long FastRecoveries { get; init; }

    /// <summary>The number of retransmission timeouts.</summary>
    public long Timeouts { get; init; }

    /// <summary>The current size of the send buffer.</summary>
    public int SendBufferBytes { get; init; }

    /// <summary>The current size of the receive buffer.</summary>
    public int ReceiveBufferBytes { get; init; }

    /// <summary>The number of recoveries undone because nothing was lost.</summary>
    public long SpuriousRecoveries { get; init; }

    /// <summary>The delivery rate measured last, in bytes a second; 0 before the first measurement.</summary>
    public long DeliveryRate { get; init; }

    /// <summary>Whether the application, not the path, limited <see cref="DeliveryRate"/>.</summary>
    public bool DeliveryRateAppLimited { get; init; }

    /// <summary>The pacing rate in bytes a second; 0 if sending is not paced.</summary>
    public long PacingRate { get; init; }

    /// <summary>The time that sent data may stay unacknowledged before the connection ends; 0 if retransmissions are counted.</summary>
    public long UserTimeout { get; init; }

    /// <summary>Whether explicit congestion notification is in use.</summary>
    public bool Ecn { get; init; }

    /// <summary>Whether timestamps are in use.</summary>
    public bool Timestamps { get; init; }

    /// <summary>Whether selective acknowledgments are in use.</summary>
    public bool SelectiveAcknowledgments { get; init; }

    // Further fields of Linux's TCP_INFO.

    /// <summary>The kind of loss recovery in progress (<c>tcpi_ca_state</c>).</summary>
    public TcpRecoveryState Recovery { get; init; }

    /// <summary>The number of retransmission timeouts in a row (<c>tcpi_retransmits</c>, <c>tcpi_backoff</c>).</summary>
    public int ConsecutiveTimeouts { get; init; }

    /// <summary>Keepalive and zero-window probes that were not answered (<c>tcpi_probes</c>).</summary>
    public int UnansweredProbes { get; init; }

    /// <summary>The scale shift of the peer's windows (<c>tcpi_snd_wscale</c>).</summary>
    public int SendWindowShift { get; init; }

    /// <summary>The scale shift of the windows offered to the peer (<c>tcpi_rcv_wscale</c>).</summary>
    public int ReceiveWindowShift { get; init; }

    /// <summary>The maximum delay of an acknowledgment that waits for data (<c>tcpi_ato</c>).</summary>
    public long DelayedAck { get; init; }

    /// <summary>The longest payload of a received segment, which estimates the peer's segment size (<c>tcpi_rcv_mss</c>).</summary>
    public int ReceiveSegmentBytes { get; init; }

    /// <summary>The largest segment payload offered to the peer (<c>tcpi_advmss</c>).</summary>
    public int OfferedSegmentBytes { get; init; }

    /// <summary>The largest packet known to reach the peer unfragmented (<c>tcpi_pmtu</c>).</summary>
    public int PathMtu { get; init; }

    /// <summary>Segments sent and not yet acknowledged in order (<c>tcpi_unacked</c>).</summary>
    public int SegmentsInFlight { get; init; }

    /// <summary>Payload in flight that is selectively acknowledged (<c>tcpi_sacked</c>).</summary>
    public long BytesSelectivelyAcknowledged { get; init; }

    /// <summary>Payload in flight that counts as lost (<c>tcpi_lost</c>).</summary>
    public long BytesLost { get; init; }

    /// <summary>Payload retransmitted and not acknowledged (<c>tcpi_retrans</c>).</summary>
    public long BytesRetransmittedInFlight { get; init; }

    /// <summary>Payload written and not yet sent (<c>tcpi_notsent_bytes</c>).</summary>
    public long BytesUnsent { get; init; }

    /// <summary>Payload received in order and not yet read.</summary>
    public long BytesUnread { get; init; }

    /// <summary>Segments retransmitted (<c>tcpi_total_retrans</c>).</summary>
    public long SegmentsRetransmitted { get; init; }

    /// <summary>Segments with payload sent, retransmissions included (<c>tcpi_data_segs_out</c>).</summary>
    public long DataSegmentsSent { get; init; }

    /// <summary>Segments with payload received (<c>tcpi_data_segs_in</c>).</summary>
    public long DataSegmentsReceived { get; init; }

    /// <summary>The time since payload was last sent; -1 if none was (<c>tcpi_last_data_sent</c>).</summary>
    public long SinceDataSent { get; init; }

    /// <summary>The time since payload was last received; -1 if none was (<c>tcpi_last_data_recv</c>).</summary>
    public long SinceDataReceived { get; init; }

    /// <summary>The time since an acknowledgment was last received; -1 if none was (<c>tcpi_last_ack_recv</c>).</summary>
    public long SinceAcknowledgment { get; init; }

    /// <summary>Whether sent segments were delivered out of order (<c>tcpi_reord_seen</c>).</summary>
    public bool ReorderingSeen { get; init; }
}
