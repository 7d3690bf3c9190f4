namespace Lanyard.NetStack;

/// <summary>The counts and times of one connection that only <see cref="TcpInfo"/> needs.</summary>
internal struct TcpStatistics()
{
    private long _dataSentAt = -1;
    private long _dataReceivedAt = -1;
    private long _acknowledgmentReceivedAt = -1;
    private long _dataSegmentsSent;
    private long _dataSegmentsReceived;
    private long _segmentsReceived;
    private long _bytesRetransmitted;
    private long _segmentsRetransmitted;

    /// <summary>Bytes sent, retransmissions included.</summary>
    public long BytesSent;

    /// <summary>Bytes that the peer acknowledged.</summary>
    public long BytesAcknowledged;

    /// <summary>Bytes received in order.</summary>
    public long BytesReceived;

    /// <summary>Segments sent.</summary>
    public long SegmentsSent;

    /// <summary>Fast recoveries begun.</summary>
    public int FastRecoveries;

    /// <summary>Retransmission timeouts.</summary>
    public int Timeouts;

    /// <summary>Recoveries whose retransmissions were spurious.</summary>
    public int SpuriousRecoveries;

    /// <summary>Counts a received segment.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    public void OnReceived(long now, in TcpSegment segment)
    {
        _segmentsReceived++;
        if (segment.Has(TcpFlags.Ack))
            _acknowledgmentReceivedAt = now;
        if (segment.Payload.IsEmpty)
            return;
        _dataReceivedAt = now;
        _dataSegmentsReceived++;
    }

    /// <summary>Counts a sent segment with data.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void OnDataSent(long now)
    {
        _dataSentAt = now;
        _dataSegmentsSent++;
    }

    /// <summary>Counts a retransmission.</summary>
    /// <param name="bytes">Its payload in bytes.</param>
    public void OnRetransmitted(int bytes)
    {
        _bytesRetransmitted += bytes;
        _segmentsRetransmitted++;
    }

    /// <summary>Adds the counts and times to the description of a connection.</summary>
    /// <param name="info">The description.</param>
    /// <param name="now">The time in microseconds.</param>
    public readonly TcpInfo Describe(in TcpInfo info, long now) => info with
    {
        BytesSent = BytesSent,
        BytesRetransmitted = _bytesRetransmitted,
        BytesAcknowledged = BytesAcknowledged,
        BytesReceived = BytesReceived,
        SegmentsSent = SegmentsSent,
        SegmentsReceived = _segmentsReceived,
        FastRecoveries = FastRecoveries,
        Timeouts = Timeouts,
        SpuriousRecoveries = SpuriousRecoveries,
        SegmentsRetransmitted = _segmentsRetransmitted,
        DataSegmentsSent = _dataSegmentsSent,
        DataSegmentsReceived = _dataSegmentsReceived,
        SinceDataSent = Since(_dataSentAt, now),
        SinceDataReceived = Since(_dataReceivedAt, now),
        SinceAcknowledgment = Since(_acknowledgmentReceivedAt, now),
    };

    private static long Since(long time, long now) => time < 0 ? -1 : now - time;
}
