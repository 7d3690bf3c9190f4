namespace Lanyard.NetStack;

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
}
