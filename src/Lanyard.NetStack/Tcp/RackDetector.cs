namespace Lanyard.NetStack;

/// <summary>RACK: detects lost segments by the time at which later segments were delivered (RFC 8985 section 6).</summary>
internal struct RackDetector()
{
    private const int SackedThreshold = 3;
    private const int WideWindowRecoveries = 16;
    private const int MaxWindowMultiplier = 16;

    // The segment sent last among those delivered, and its round-trip time.
    private long _sentAt;
    private long _end;
    private long _rtt;

    private long _highestDelivered;

    // The reordering window in quarters of the lowest round-trip time, and for how many more recoveries it stays wide.
    private int _windowMultiplier = 1;
    private int _wideWindowRecoveries;

    // Reports of duplicates before this sequence number belong to the round that widened the window last.
    private long _duplicateRound;

    // No segment at or after this number was retransmitted, so those segments are in order of time.
    private long _highestRetransmitted;

    /// <summary>When a late segment counts as lost, in microseconds; <see cref="long.MaxValue"/> if no segment is late.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Whether a segment was ever delivered out of order.</summary>
    public bool ReorderingSeen { get; private set; }

    /// <summary>Records a retransmission.</summary>
    /// <param name="segment">The segment.</param>
    public void OnRetransmitted(in SentSegment segment) => _highestRetransmitted = Math.Max(_highestRetransmitted, segment.End);

    /// <summary>Records that a segment was acknowledged, in order or selectively (RFC 8985 section 6.2, steps 2 and 3).</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="echoIsOlder">Whether the acknowledgment echoes a timestamp from before the last transmission of the segment.</param>
    /// <param name="minRtt">The lowest round-trip time in microseconds.</param>
    public void OnDelivered(long now, in SentSegment segment, bool echoIsOlder, long minRtt)
    {
        var end = segment.End;
        if (end > _highestDelivered)
            _highestDelivered = end;
        else if (end < _highestDelivered && !segment.Is(SentState.EverRetransmitted))
            ReorderingSeen = true;
        var rtt = now - segment.SentAt;
        // An answer to the first transmission says nothing about the second.
        if (segment.Is(SentState.EverRetransmitted) && (echoIsOlder || rtt < minRtt))
            return;
        if (segment.SentAt > _sentAt || (segment.SentAt == _sentAt && end > _end))
        {
            _sentAt = segment.SentAt;
            _end = end;
            _rtt = rtt;
        }
    }

    /// <summary>Records a report of data that arrived twice (RFC 2883): widens the reordering window, at most once in a round trip.</summary>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    /// <param name="next">The next sequence number to send.</param>
    public void OnDuplicateReported(long unacknowledged, long next)
    {
        if (unacknowledged < _duplicateRound)
            return;
        _duplicateRound = next;
        _windowMultiplier = Math.Min(_windowMultiplier + 1, MaxWindowMultiplier);
        _wideWindowRecoveries = WideWindowRecoveries;
    }

    /// <summary>Records the end of a recovery. After 16 recoveries without reports of duplicates the reordering window is narrow again.</summary>
    public void OnRecoveryEnded()
    {
        _wideWindowRecoveries--;
        if (_wideWindowRecoveries <= 0)
            _windowMultiplier = 1;
    }

    /// <summary>Marks the segments that are too late as lost, and sets <see cref="Deadline"/> for the others (RFC 8985 section 6.2, steps 4 and 5).</summary>
    /// <param name="segments">The segments in flight.</param>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    /// <param name="isRecovering">Whether a recovery is in progress.</param>
    /// <param name="rtt">The round-trip time.</param>
    public void Detect(SentSegments segments, long now, long unacknowledged, bool isRecovering, in RttEstimator rtt)
    {
        Deadline = long.MaxValue;
        if (_end <= unacknowledged && segments.Sacked == 0 && segments.Retransmitted == 0)
            return;
        var patience = _rtt + ReorderingWindow(segments, isRecovering, rtt);
        for (var i = 0; i < segments.Count; i++)
        {
            ref var segment = ref segments[i];
            if (segment.Start >= _end && segment.Start >= _highestRetransmitted)
                break;
            if (segment.Is(SentState.Sacked) || (segment.Is(SentState.Lost) && !segment.Is(SentState.Retransmitted)))
                continue;
            if (segment.SentAt > _sentAt || (segment.SentAt == _sentAt && segment.End >= _end))
                continue;
            // Equal times do not tell whether a retransmission left before or after the delivered segment. Waiting for the clock ends an exchange of
            // retransmissions and acknowledgments that takes no time, with a peer that has no memory for the segment.
            var due = segment.SentAt + (segment.Is(SentState.Retransmitted) ? Math.Max(patience, 1) : patience);
            if (due <= now)
                segments.Change(ref segment, SentState.Lost, SentState.Retransmitted);
            else
                Deadline = Math.Min(Deadline, due);
        }
    }

    private readonly long ReorderingWindow(SentSegments segments, bool isRecovering, in RttEstimator rtt)
    {
        if (!ReorderingSeen && (isRecovering || HasThreeSacked(segments)))
            return 0;
        return rtt.HasSample ? Math.Min(_windowMultiplier * (rtt.Min / 4), rtt.Smoothed) : 0;
    }

    private static bool HasThreeSacked(SentSegments segments)
    {
        var count = 0;
        if (segments.Sacked == 0)
            return false;
        for (var i = segments.Count - 1; i >= 0 && count < SackedThreshold; i--)
        {
            if (segments[i].Is(SentState.Sacked))
                count++;
        }

        return count >= SackedThreshold;
    }
}
