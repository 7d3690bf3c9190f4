namespace Lanyard.NetStack;

/// <summary>What repairing of loss is going on in a TCP connection.</summary>
public enum TcpRecoveryState : byte
{
    /// <summary>None, and everything arrives in order.</summary>
    Open = 0,

    /// <summary>Something arrived out of order; whether anything is lost is not certain yet.</summary>
    Disorder,

    /// <summary>Fast recovery: loss was inferred from acknowledgements.</summary>
    Recovery,

    /// <summary>After a retransmission timeout.</summary>
    Loss,
}

/// <summary>How a TCP connection is doing. Times are in microseconds, sizes in bytes.</summary>
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

    /// <summary>The retransmission timeout now, backoff included.</summary>
    public long RetransmissionTimeout { get; init; }

    /// <summary>The congestion window.</summary>
    public long CongestionWindow { get; init; }

    /// <summary>The slow start threshold.</summary>
    public long SlowStartThreshold { get; init; }

    /// <summary>The largest payload of a segment sent.</summary>
    public int SendSegmentBytes { get; init; }

    /// <summary>The window that the other end offers.</summary>
    public long SendWindow { get; init; }

    /// <summary>The window that this end offers.</summary>
    public long ReceiveWindow { get; init; }

    /// <summary>Payload sent and not yet acknowledged.</summary>
    public long BytesInFlight { get; init; }

    /// <summary>Payload sent, repetitions included.</summary>
    public long BytesSent { get; init; }

    /// <summary>Payload sent again.</summary>
    public long BytesRetransmitted { get; init; }

    /// <summary>Payload that the other end acknowledged.</summary>
    public long BytesAcknowledged { get; init; }

    /// <summary>Payload received in order.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Segments sent.</summary>
    public long SegmentsSent { get; init; }

    /// <summary>Segments received.</summary>
    public long SegmentsReceived { get; init; }

    /// <summary>How often loss was repaired by fast recovery.</summary>
    public long FastRecoveries { get; init; }

    /// <summary>How often the retransmission timer ran out.</summary>
    public long Timeouts { get; init; }

    /// <summary>The size of the send buffer now.</summary>
    public int SendBufferBytes { get; init; }

    /// <summary>The size of the receive buffer now.</summary>
    public int ReceiveBufferBytes { get; init; }

    /// <summary>How often a recovery was undone because nothing had been lost.</summary>
    public long SpuriousRecoveries { get; init; }

    /// <summary>The delivery rate measured last, in bytes a second; 0 before the first measurement.</summary>
    public long DeliveryRate { get; init; }

    /// <summary>Whether <see cref="DeliveryRate"/> was held back by the app rather than the path.</summary>
    public bool DeliveryRateAppLimited { get; init; }

    /// <summary>The pacing rate in bytes a second; 0 if sending is not paced.</summary>
    public long PacingRate { get; init; }

    /// <summary>How long sent data may stay unacknowledged before the connection ends; 0 if retransmissions are counted.</summary>
    public long UserTimeout { get; init; }

    /// <summary>Whether explicit congestion notification is in use.</summary>
    public bool Ecn { get; init; }

    /// <summary>Whether timestamps are in use.</summary>
    public bool Timestamps { get; init; }

    /// <summary>Whether selective acknowledgements are in use.</summary>
    public bool SelectiveAcknowledgments { get; init; }

    // What Linux's TCP_INFO has beyond that.

    /// <summary>What repairing of loss is going on (<c>tcpi_ca_state</c>).</summary>
    public TcpRecoveryState Recovery { get; init; }

    /// <summary>How often in a row the retransmission timer has run out (<c>tcpi_retransmits</c>, <c>tcpi_backoff</c>).</summary>
    public int ConsecutiveTimeouts { get; init; }

    /// <summary>Keepalive and zero-window probes that were not answered (<c>tcpi_probes</c>).</summary>
    public int UnansweredProbes { get; init; }

    /// <summary>The shift of the windows that the other end offers (<c>tcpi_snd_wscale</c>).</summary>
    public int SendWindowShift { get; init; }

    /// <summary>The shift of the windows that this end offers (<c>tcpi_rcv_wscale</c>).</summary>
    public int ReceiveWindowShift { get; init; }

    /// <summary>How long an acknowledgement may wait for data to ride on (<c>tcpi_ato</c>).</summary>
    public long DelayedAck { get; init; }

    /// <summary>The longest payload of a segment received, the estimate of the other end's segment size (<c>tcpi_rcv_mss</c>).</summary>
    public int ReceiveSegmentBytes { get; init; }

    /// <summary>The largest segment payload that this end has offered to take (<c>tcpi_advmss</c>).</summary>
    public int OfferedSegmentBytes { get; init; }

    /// <summary>The largest packet that goes to the other end unfragmented, as far as is known (<c>tcpi_pmtu</c>).</summary>
    public int PathMtu { get; init; }

    /// <summary>Segments sent and not yet acknowledged in order (<c>tcpi_unacked</c>).</summary>
    public int SegmentsInFlight { get; init; }

    /// <summary>Payload selectively acknowledged, out of what is in flight (<c>tcpi_sacked</c>).</summary>
    public long BytesSelectivelyAcknowledged { get; init; }

    /// <summary>Payload believed lost, out of what is in flight (<c>tcpi_lost</c>).</summary>
    public long BytesLost { get; init; }

    /// <summary>Payload sent again and not yet acknowledged (<c>tcpi_retrans</c>).</summary>
    public long BytesRetransmittedInFlight { get; init; }

    /// <summary>Payload written and not yet sent (<c>tcpi_notsent_bytes</c>).</summary>
    public long BytesUnsent { get; init; }

    /// <summary>Payload received in order and not yet read.</summary>
    public long BytesUnread { get; init; }

    /// <summary>Segments sent again (<c>tcpi_total_retrans</c>).</summary>
    public long SegmentsRetransmitted { get; init; }

    /// <summary>Segments with payload sent, repetitions included (<c>tcpi_data_segs_out</c>).</summary>
    public long DataSegmentsSent { get; init; }

    /// <summary>Segments with payload received (<c>tcpi_data_segs_in</c>).</summary>
    public long DataSegmentsReceived { get; init; }

    /// <summary>The time since payload was last sent; -1 if none was (<c>tcpi_last_data_sent</c>).</summary>
    public long SinceDataSent { get; init; }

    /// <summary>The time since payload was last received; -1 if none was (<c>tcpi_last_data_recv</c>).</summary>
    public long SinceDataReceived { get; init; }

    /// <summary>The time since a segment that acknowledges was last received; -1 if none was (<c>tcpi_last_ack_recv</c>).</summary>
    public long SinceAcknowledgment { get; init; }

    /// <summary>Whether segments were seen to overtake each other on the way out (<c>tcpi_reord_seen</c>).</summary>
    public bool ReorderingSeen { get; init; }
}
