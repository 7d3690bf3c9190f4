namespace Lanyard.NetStack;

// RACK-TLP: loss detection by time, and probes for the loss of a flight's tail (RFC 8985).
internal sealed partial class LossRecovery
{
    private const int ReorderPersistRecoveries = 16;
    private const int MaxReorderMultiplier = 16;

    // The segment sent last among those delivered, and its round-trip time.
    private long _rackSentAt;
    private long _rackEnd;
    private long _rackRtt;

    // The highest sequence number delivered, and whether anything was ever delivered out of order.
    private long _highestDelivered;
    private bool _reorderingSeen;
    private int _reorderMultiplier = 1;
    private int _reorderPersist;
    private long _duplicateRound;

    // No segment at or after this number has been sent again, so those follow in order of time.
    private long _highestRetransmitted;

    // The tail loss probe that is out: what it ended at, 0 if none is out.
    private long _probeEnd;
    private bool _probeIsRetransmission;

    /// <summary>When a segment that is late will count as lost; <see cref="long.MaxValue"/> if none is.</summary>
    public long ReorderDeadline { get; private set; } = long.MaxValue;

    /// <summary>Whether anything was ever delivered out of order.</summary>
    public bool ReorderingSeen => _reorderingSeen;

    public bool HasProbeOut => _probeEnd != 0;

    /// <summary>Whether a tail loss probe makes sense now (RFC 8985 section 7.2).</summary>
    public bool MayProbe => UseSack && State == RecoveryState.Open && segments.Sacked == 0 && _probeEnd == 0;

    /// <summary>A segment was sent again.</summary>
    public void OnRetransmitted(in SentSegment segment)
    {
        _highestRetransmitted = Math.Max(_highestRetransmitted, segment.End);
        NoteRepeated(segment.SentAt);
    }

    /// <summary>A segment was delivered: acknowledged, in order or selectively (RFC 8985 section 6.2, steps 2 and 3).</summary>
    public void OnDelivered(long now, in SentSegment segment, bool echoIsOlder, long minRtt)
    {
        NoteDelivered(segment);
        var end = segment.End;
        if (end > _highestDelivered)
            _highestDelivered = end;
        else if (end < _highestDelivered && !segment.Is(SentState.EverRetransmitted))
            _reorderingSeen = true;
        var rtt = now - segment.SentAt;
        // What answers the first sending says nothing of the second.
        if (segment.Is(SentState.EverRetransmitted) && (echoIsOlder || rtt < minRtt))
            return;
        if (segment.SentAt > _rackSentAt || (segment.SentAt == _rackSentAt && end > _rackEnd))
        {
            _rackSentAt = segment.SentAt;
            _rackEnd = end;
            _rackRtt = rtt;
        }
    }

    /// <summary>The other end told of data that it received twice (RFC 2883): the wait for what is only late was too short.</summary>
    public void OnDuplicateReported(long una, long next, long start, long end)
    {
        if (_probeEnd != 0 && _probeIsRetransmission && end == _probeEnd)
        {
            // Both the original and the probe arrived: nothing was lost.
            _probeEnd = 0;
            return;
        }

        NoteDuplicate(start);
        if (una < _duplicateRound)
            return;
        _duplicateRound = next;
        _reorderMultiplier = Math.Min(_reorderMultiplier + 1, MaxReorderMultiplier);
        _reorderPersist = ReorderPersistRecoveries;
    }

    /// <summary>A tail loss probe was sent.</summary>
    public void OnProbeSent(long next, bool retransmission)
    {
        _probeEnd = next;
        _probeIsRetransmission = retransmission;
    }

    /// <summary>Heeds an acknowledgement while a probe is out (RFC 8985 section 7.4.2). True if the probe repaired a loss.</summary>
    public bool OnProbeAnswered(long una, bool duplicate)
    {
        if (_probeEnd == 0 || una < _probeEnd)
            return false;
        // Whether the probe repaired a loss or came twice shows only in what follows.
        if (_probeIsRetransmission && una == _probeEnd && !duplicate)
            return false;
        var repaired = _probeIsRetransmission && una > _probeEnd;
        _probeEnd = 0;
        return repaired;
    }

    /// <summary>Forgets the probe, since loss is being repaired otherwise.</summary>
    public void CancelProbe() => _probeEnd = 0;

    /// <summary>The time has come for segments that were late. True if recovery has begun.</summary>
    public bool OnReorderTimer(long now, long una, long next, CongestionControl congestion, in RttEstimator rtt, int mss)
    {
        DetectByTime(now, una, rtt);
        if (State == RecoveryState.Recovery)
            ReduceProportionally(0, next - una, congestion, mss);
        if (State != RecoveryState.Open || !HasLossOfCongestion)
            return false;
        Enter(next, congestion, next - una, mss);
        return true;
    }

    // RFC 8985 section 6.2, steps 4 and 5.
    private void DetectByTime(long now, long una, in RttEstimator rtt)
    {
        ReorderDeadline = long.MaxValue;
        if (_rackEnd <= una && segments.Sacked == 0 && segments.Retransmitted == 0)
            return;
        var patience = _rackRtt + ReorderWindow(rtt);
        for (var i = 0; i < segments.Count; i++)
        {
            ref var segment = ref segments[i];
            if (segment.Start >= _rackEnd && segment.Start >= _highestRetransmitted)
                break;
            if (segment.Is(SentState.Sacked) || (segment.Is(SentState.Lost) && !segment.Is(SentState.Retransmitted)))
                continue;
            if (segment.SentAt > _rackSentAt || (segment.SentAt == _rackSentAt && segment.End >= _rackEnd))
                continue;
            var due = segment.SentAt + patience;
            if (due <= now)
                segments.Change(ref segment, SentState.Lost, SentState.Retransmitted);
            else
                ReorderDeadline = Math.Min(ReorderDeadline, due);
        }
    }

    private long ReorderWindow(in RttEstimator rtt)
    {
        if (!_reorderingSeen && (State != RecoveryState.Open || HasThreeSacked()))
            return 0;
        return rtt.HasSample ? Math.Min(_reorderMultiplier * (rtt.Min / 4), rtt.Smoothed) : 0;
    }

    private bool HasThreeSacked()
    {
        var count = 0;
        if (segments.Sacked == 0)
            return false;
        for (var i = segments.Count - 1; i >= 0 && count < DuplicateThreshold; i--)
        {
            if (segments[i].Is(SentState.Sacked))
                count++;
        }

        return count >= DuplicateThreshold;
    }
}
