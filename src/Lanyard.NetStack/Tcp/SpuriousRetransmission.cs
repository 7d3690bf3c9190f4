namespace Lanyard.NetStack;

/// <summary>
/// Finds out that retransmissions were not needed: by an echoed timestamp (Eifel, RFC 3522), by a segment sent once that arrives after a timeout
/// (F-RTO, RFC 5682), or by reports of duplicates (RFC 3708). The response of RFC 4015 then restores the congestion window.
/// </summary>
internal struct SpuriousRetransmission
{
    // The first sequence number whose loss reduced the window; 0 if there is nothing to undo. Acknowledgments beyond _until end the period in
    // which reports of duplicates may undo it.
    private long _from;
    private long _until;

    // Retransmissions that no report of duplicates has answered.
    private int _unreported;
    private bool _isDetected;

    /// <summary>
    /// The time of the first retransmission that may be in flight, in microseconds; 0 if none is. It may belong to an earlier recovery: an answer
    /// to that retransmission is not an answer to an original either.
    /// </summary>
    public long FirstRetransmittedAt { get; private set; }

    /// <summary>Starts to watch the retransmissions of a recovery.</summary>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    public void Begin(long unacknowledged)
    {
        _from = unacknowledged;
        _until = long.MaxValue;
        _unreported = 0;
        _isDetected = false;
    }

    /// <summary>Stops watching: the window reduction stays.</summary>
    public void Cancel() => _from = 0;

    /// <summary>Records the end of a recovery. Reports of duplicates may still follow for one window of data.</summary>
    /// <param name="next">The next sequence number to send.</param>
    public void OnRecoveryEnded(long next) => _until = next;

    /// <summary>Records an acknowledgment outside of recovery.</summary>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    /// <param name="hasRetransmitted">Whether retransmissions may be in flight.</param>
    public void OnAcknowledgedWhileOpen(long unacknowledged, bool hasRetransmitted)
    {
        if (unacknowledged > _until)
            _from = 0;
        if (!hasRetransmitted)
            FirstRetransmittedAt = 0;
    }

    /// <summary>Records a retransmission.</summary>
    /// <param name="sentAt">The time it was sent, in microseconds.</param>
    /// <param name="isRecovering">Whether a recovery is in progress.</param>
    public void OnRetransmitted(long sentAt, bool isRecovering)
    {
        if (FirstRetransmittedAt == 0)
            FirstRetransmittedAt = sentAt;
        if (isRecovering)
            _unreported++;
    }

    /// <summary>
    /// Records that a segment arrived after a timeout. If it was sent only once, and before the timeout, not everything was lost (RFC 5682 section
    /// 3.1; selective acknowledgments show which segments had arrived before).
    /// </summary>
    /// <param name="segment">The segment.</param>
    /// <param name="recoveryPoint">The next sequence number to send at the time of the timeout.</param>
    public void OnDeliveredAfterTimeout(in SentSegment segment, long recoveryPoint)
    {
        if (_from != 0 && segment.End <= recoveryPoint && !segment.Is(SentState.EverRetransmitted))
            _isDetected = true;
    }

    /// <summary>
    /// Records that the acknowledgment of a segment echoes a timestamp from before the first retransmission: the original arrived (RFC 3522).
    /// </summary>
    /// <param name="segment">The acknowledged segment.</param>
    public void OnEarlierEcho(in SentSegment segment)
    {
        if (_from != 0 && segment.Start >= _from && segment.Is(SentState.EverRetransmitted))
            _isDetected = true;
    }

    /// <summary>Records a report of data that arrived twice. When every retransmission is reported, none was needed (RFC 3708).</summary>
    /// <param name="start">The first sequence number of the data.</param>
    public void OnDuplicateReported(long start)
    {
        if (_from != 0 && start >= _from && _unreported > 0 && --_unreported == 0)
            _isDetected = true;
    }

    /// <summary>Returns whether retransmissions turned out to be spurious, once for each recovery.</summary>
    public bool TryTake()
    {
        if (!_isDetected)
            return false;
        _isDetected = false;
        _from = 0;
        return true;
    }
}
