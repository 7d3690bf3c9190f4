namespace Lanyard.NetStack;

/// <summary>What repairing of loss is going on.</summary>
internal enum RecoveryState : byte
{
    /// <summary>None.</summary>
    Open = 0,

    /// <summary>Fast recovery: loss was inferred from acknowledgements.</summary>
    Recovery,

    /// <summary>After a timeout.</summary>
    Loss,
}

/// <summary>
/// When a segment is lost, and how fast to send while repairing. With selective acknowledgements: RACK (RFC 8985) tells by time, tail loss
/// probes find the loss of a flight's end. Without: duplicate acknowledgements are counted (RFC 6582). In recovery the window follows
/// proportional rate reduction (RFC 6937).
/// </summary>
internal sealed partial class LossRecovery(SentSegments segments)
{
    private const int DuplicateThreshold = 3;

    // Where recovery ends: what had been sent when it began.
    private long _recoveryPoint;

    // Proportional rate reduction.
    private long _prrDelivered;
    private long _prrOut;
    private long _prrFlight;

    // Without selective acknowledgements: how many duplicates, and what they stand for.
    private int _duplicates;
    private long _duplicateBytes;

    public RecoveryState State { get; private set; }

    public bool UseSack { get; set; }

    /// <summary>What is believed to be in flight (RFC 6675's pipe).</summary>
    public long Pipe(long outstanding) => Math.Max(0,
        outstanding - segments.Sacked - segments.Lost + segments.Retransmitted - _duplicateBytes);

    /// <summary>Begins fast recovery.</summary>
    public void Enter(long next, CongestionControl congestion, long outstanding, int mss)
    {
        BeginUndoable(next - outstanding, congestion);
        State = RecoveryState.Recovery;
        _recoveryPoint = next;
        _prrDelivered = 0;
        _prrOut = 0;
        _prrFlight = Math.Max(outstanding, mss);
        congestion.OnLoss(outstanding);
        // The first repetition leaves at once whatever the window.
        if (!congestion.OwnsRecovery)
            congestion.Window = Pipe(outstanding) + mss;
    }

    /// <summary>The retransmission timer ran out: everything not selectively acknowledged counts as lost.</summary>
    public void OnTimeout(long next, CongestionControl congestion, long outstanding, bool first)
    {
        if (State == RecoveryState.Open)
            BeginUndoable(next - outstanding, congestion);
        else if (State == RecoveryState.Recovery)
            _undoFrom = 0;
        congestion.OnTimeout(outstanding, first && State != RecoveryState.Loss);
        State = RecoveryState.Loss;
        _recoveryPoint = next;
        _duplicates = 0;
        _duplicateBytes = 0;
        // A receiver that had taken the first segment would have acknowledged it: it has let go of what it told of (RFC 2018 section 8).
        var reneged = segments.Count > 0 && segments[0].Is(SentState.Sacked);
        for (var i = 0; i < segments.Count; i++)
        {
            ref var segment = ref segments[i];
            if (reneged || !segment.Is(SentState.Sacked))
                segments.Change(ref segment, SentState.Lost, SentState.Retransmitted | SentState.Sacked);
        }
    }

    /// <summary>Counts bytes sent while repairing.</summary>
    public void OnSent(int bytes) => _prrOut += bytes;

    /// <summary>Heeds what an acknowledgement says; the caller has updated the segments already.</summary>
    /// <param name="now">The time.</param>
    /// <param name="una">The first sequence number not acknowledged.</param>
    /// <param name="next">The next sequence number to be sent.</param>
    /// <param name="acknowledged">Bytes newly acknowledged in order.</param>
    /// <param name="sacked">Bytes newly selectively acknowledged.</param>
    /// <param name="duplicate">Whether it is a duplicate acknowledgement (RFC 5681 section 2).</param>
    /// <param name="congestion">The congestion control.</param>
    /// <param name="rtt">The round-trip time estimate.</param>
    /// <param name="mss">The segment size.</param>
    /// <returns>Whether fast recovery began.</returns>
    public bool OnAcknowledged(long now, long una, long next, long acknowledged, long sacked, bool duplicate, CongestionControl congestion,
        in RttEstimator rtt, int mss)
    {
        var outstanding = next - una;
        if (State != RecoveryState.Open && una >= _recoveryPoint)
            Leave(congestion, next);
        else if (State == RecoveryState.Open && una > _undoUntil)
            _undoFrom = 0;
        if (State == RecoveryState.Open && segments.Retransmitted == 0)
            FirstRepeatedAt = 0;
        var delivered = acknowledged + sacked;
        if (UseSack)
        {
            DetectByTime(now, una, rtt);
        }
        else
        {
            // What duplicates stand for was delivered when they came, not when it is acknowledged.
            var before = _duplicateBytes;
            DetectByDuplicates(una, acknowledged, duplicate, mss);
            delivered = Math.Max(0, delivered + _duplicateBytes - before);
        }

        if (State == RecoveryState.Open)
        {
            if (!HasLossOfCongestion)
                return false;
            Enter(next, congestion, outstanding, mss);
            return true;
        }

        if (State == RecoveryState.Recovery)
            ReduceProportionally(delivered, outstanding, congestion, mss);
        return false;
    }

    private void Leave(CongestionControl congestion, long next)
    {
        // Reports of duplicates follow the acknowledgement that ends recovery.
        _undoUntil = next;
        if (State == RecoveryState.Recovery && !congestion.OwnsRecovery)
            congestion.Window = Math.Max(congestion.Threshold, 1);
        State = RecoveryState.Open;
        _duplicates = 0;
        _duplicateBytes = 0;
        _reorderPersist--;
        if (_reorderPersist <= 0)
            _reorderMultiplier = 1;
    }

    private void ReduceProportionally(long delivered, long outstanding, CongestionControl congestion, int mss)
    {
        if (congestion.OwnsRecovery)
            return;
        _prrDelivered += delivered;
        var pipe = Pipe(outstanding);
        long quota;
        if (pipe > congestion.Threshold)
        {
            quota = ((_prrDelivered * congestion.Threshold) + _prrFlight - 1) / _prrFlight;
            quota -= _prrOut;
        }
        else
        {
            var limit = Math.Max(_prrDelivered - _prrOut, delivered) + mss;
            quota = Math.Min(congestion.Threshold - pipe, limit);
        }

        congestion.Window = pipe + Math.Max(0, quota);
    }

    // RFC 6582. A duplicate stands for a segment that has left the network.
    private void DetectByDuplicates(long una, long acknowledged, bool duplicate, int mss)
    {
        if (acknowledged > 0)
        {
            if (State == RecoveryState.Recovery)
            {
                // A partial acknowledgement: the next hole is the next loss.
                _duplicateBytes = Math.Max(0, _duplicateBytes - Math.Max(0, acknowledged - mss));
                MarkFirstLost();
            }
            else
            {
                _duplicates = 0;
                _duplicateBytes = 0;
            }

            return;
        }

        if (!duplicate || State == RecoveryState.Loss || segments.Count == 0)
            return;
        _duplicates++;
        // From the first on, so that each lets a new segment out (limited transmit, RFC 3042), which may bring the third.
        _duplicateBytes = Math.Min(_duplicateBytes + mss, Math.Max(0, segments[segments.Count - 1].End - una - segments[0].Length));
        if (_duplicates >= DuplicateThreshold && State == RecoveryState.Open)
            MarkFirstLost();
    }

    private void MarkFirstLost()
    {
        if (segments.Count == 0)
            return;
        ref var first = ref segments[0];
        if (!first.Is(SentState.Retransmitted))
            segments.Change(ref first, SentState.Lost, SentState.None);
    }
}
