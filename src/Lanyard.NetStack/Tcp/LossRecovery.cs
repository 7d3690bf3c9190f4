namespace Lanyard.NetStack;

/// <summary>The kind of loss recovery in progress.</summary>
internal enum RecoveryState : byte
{
    /// <summary>No recovery.</summary>
    Open = 0,

    /// <summary>Fast recovery: acknowledgments showed a loss.</summary>
    Recovery,

    /// <summary>Recovery after a retransmission timeout.</summary>
    Loss,
}

/// <summary>The progress that an acknowledgment made.</summary>
/// <param name="Acknowledged">Bytes newly acknowledged in order.</param>
/// <param name="Sacked">Bytes newly acknowledged selectively.</param>
/// <param name="IsDuplicate">Whether it is a duplicate acknowledgment (RFC 5681 section 2).</param>
internal readonly record struct AckProgress(long Acknowledged, long Sacked, bool IsDuplicate);

/// <summary>
/// Enters and leaves loss recovery, and sets the window during it. Losses are detected by <see cref="RackDetector"/> with selective acknowledgments,
/// and by <see cref="DuplicateAcknowledgments"/> without.
/// </summary>
internal sealed class LossRecovery(SentSegments segments, SendSequence sequence)
{
    private RackDetector _rack = new();
    private SpuriousRetransmission _spurious;
    private ProportionalRateReduction _reduction;
    private DuplicateAcknowledgments _duplicates;

    // Recovery ends when everything sent before it began is acknowledged.
    private long _recoveryPoint;

    /// <summary>The tail loss probe.</summary>
    public TailLossProbe Probe = new();

    /// <summary>The search for the segment size that the path carries. The loss of its probes starts no recovery.</summary>
    public PathMtuDiscovery PathMtu = new(segments);

    /// <summary>The segments in flight.</summary>
    public SentSegments Segments { get; } = segments;

    /// <summary>The kind of recovery in progress.</summary>
    public RecoveryState State { get; private set; }

    /// <summary>Whether the peer sends selective acknowledgments.</summary>
    public bool UseSack { get; set; }

    /// <summary>When a late segment counts as lost, in microseconds; <see cref="long.MaxValue"/> if no segment is late.</summary>
    public long ReorderDeadline => _rack.Deadline;

    /// <summary>Whether a segment was ever delivered out of order.</summary>
    public bool ReorderingSeen => _rack.ReorderingSeen;

    /// <summary>The time of the first retransmission that may be in flight, in microseconds; 0 if none is.</summary>
    public long FirstRetransmittedAt => _spurious.FirstRetransmittedAt;

    /// <summary>Whether a tail loss probe makes sense now (RFC 8985 section 7.2).</summary>
    public bool MayProbe => UseSack && State == RecoveryState.Open && Segments.Sacked == 0 && !Probe.IsInFlight;

    /// <summary>The estimate of the bytes in flight (pipe, RFC 6675).</summary>
    public long Pipe => Math.Max(0, sequence.Outstanding - Segments.Sacked - Segments.Lost + Segments.Retransmitted - _duplicates.Bytes);

    /// <summary>Counts bytes sent.</summary>
    /// <param name="bytes">The size of the segment.</param>
    public void OnSent(int bytes) => _reduction.OnSent(bytes);

    /// <summary>Records a retransmission.</summary>
    /// <param name="segment">The segment.</param>
    public void OnRetransmitted(in SentSegment segment)
    {
        _rack.OnRetransmitted(segment);
        _spurious.OnRetransmitted(segment.SentAt, isRecovering: State != RecoveryState.Open);
    }

    /// <summary>Records that a segment was acknowledged, in order or selectively.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="echoIsOlder">Whether the acknowledgment echoes a timestamp from before the last transmission of the segment.</param>
    /// <param name="minRtt">The lowest round-trip time in microseconds.</param>
    public void OnDelivered(long now, in SentSegment segment, bool echoIsOlder, long minRtt)
    {
        if (State == RecoveryState.Loss && UseSack)
            _spurious.OnDeliveredAfterTimeout(segment, _recoveryPoint);
        _rack.OnDelivered(now, segment, echoIsOlder, minRtt);
    }

    /// <summary>Records that the acknowledgment of a segment echoes a timestamp from before the first retransmission.</summary>
    /// <param name="segment">The segment.</param>
    public void OnEarlierEcho(in SentSegment segment)
    {
        if (State != RecoveryState.Open)
            _spurious.OnEarlierEcho(segment);
    }

    /// <summary>Records a report of data that arrived twice (RFC 2883).</summary>
    /// <param name="start">The first sequence number of the data.</param>
    /// <param name="end">The end of the data.</param>
    public void OnDuplicateReported(long start, long end)
    {
        if (Probe.TryAnswerByDuplicate(end))
            return;
        _spurious.OnDuplicateReported(start);
        _rack.OnDuplicateReported(sequence.Unacknowledged, sequence.Next);
    }

    /// <summary>Handles an expired retransmission timer: everything not selectively acknowledged counts as lost.</summary>
    /// <param name="congestion">The congestion control.</param>
    /// <param name="isFirst">Whether it is the first timeout in a row.</param>
    public void OnTimeout(CongestionControl congestion, bool isFirst)
    {
        if (State == RecoveryState.Open)
        {
            congestion.Save();
            _spurious.Begin(sequence.Unacknowledged);
        }
        else if (State == RecoveryState.Recovery)
        {
            _spurious.Cancel();
        }

        congestion.OnTimeout(sequence.Outstanding, isFirst && State != RecoveryState.Loss);
        State = RecoveryState.Loss;
        _recoveryPoint = sequence.Next;
        _duplicates.Reset();
        // A receiver that still had the first segment would have acknowledged it: it discarded data that it had reported (RFC 2018 section 8).
        var reneged = Segments.Count > 0 && Segments[0].Is(SentState.Sacked);
        for (var i = 0; i < Segments.Count; i++)
        {
            ref var segment = ref Segments[i];
            if (reneged || !segment.Is(SentState.Sacked))
                Segments.Change(ref segment, SentState.Lost, SentState.Retransmitted | SentState.Sacked);
        }
    }

    /// <summary>Handles the reordering timer: late segments count as lost.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="congestion">The congestion control.</param>
    /// <param name="rtt">The round-trip time.</param>
    /// <returns>Whether fast recovery began.</returns>
    public bool OnReorderTimer(long now, CongestionControl congestion, in RttEstimator rtt)
    {
        _rack.Detect(Segments, now, sequence.Unacknowledged, State != RecoveryState.Open, rtt);
        if (State == RecoveryState.Recovery)
            Reduce(0, congestion);
        return State == RecoveryState.Open && TryEnter(congestion);
    }

    /// <summary>Handles an acknowledgment, after the segments that it acknowledges were updated.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="progress">The progress that the acknowledgment made.</param>
    /// <param name="congestion">The congestion control.</param>
    /// <param name="rtt">The round-trip time.</param>
    /// <returns>Whether fast recovery began.</returns>
    public bool OnAcknowledged(long now, AckProgress progress, CongestionControl congestion, in RttEstimator rtt)
    {
        if (State != RecoveryState.Open && sequence.Unacknowledged >= _recoveryPoint)
            Leave(congestion);
        if (State == RecoveryState.Open)
            _spurious.OnAcknowledgedWhileOpen(sequence.Unacknowledged, Segments.Retransmitted > 0);
        var delivered = progress.Acknowledged + progress.Sacked;
        if (UseSack)
        {
            _rack.Detect(Segments, now, sequence.Unacknowledged, State != RecoveryState.Open, rtt);
        }
        else
        {
            // The bytes of duplicates were delivered when the duplicates came, not when they are acknowledged.
            var before = _duplicates.Bytes;
            DetectByDuplicates(progress, congestion.Mss);
            delivered = Math.Max(0, delivered + _duplicates.Bytes - before);
        }

        if (State == RecoveryState.Open)
            return TryEnter(congestion);
        if (State == RecoveryState.Recovery)
            Reduce(delivered, congestion);
        return false;
    }

    /// <summary>Ends recovery and restores the window, if the retransmissions turned out to be spurious (RFC 4015 section 4).</summary>
    /// <param name="congestion">The congestion control.</param>
    /// <returns>Whether they did.</returns>
    public bool TryUndo(CongestionControl congestion)
    {
        if (!_spurious.TryTake())
            return false;
        congestion.Undo();
        State = RecoveryState.Open;
        _duplicates.Reset();
        // Segments marked lost and not retransmitted count as in flight again.
        for (var i = 0; i < Segments.Count && Segments.LostUnsent > 0; i++)
        {
            ref var segment = ref Segments[i];
            if (segment.Is(SentState.Lost) && !segment.Is(SentState.Retransmitted))
                Segments.Change(ref segment, SentState.None, SentState.Lost);
        }

        return true;
    }

    private bool TryEnter(CongestionControl congestion)
    {
        if (!PathMtu.HasLossOfCongestion)
            return false;
        congestion.Save();
        _spurious.Begin(sequence.Unacknowledged);
        State = RecoveryState.Recovery;
        _recoveryPoint = sequence.Next;
        _reduction.Begin(Math.Max(sequence.Outstanding, congestion.Mss));
        congestion.OnLoss(sequence.Outstanding);
        // The first retransmission leaves at once, whatever the window.
        if (!congestion.OwnsRecovery)
            congestion.Window = Pipe + congestion.Mss;
        return true;
    }

    private void Leave(CongestionControl congestion)
    {
        _spurious.OnRecoveryEnded(sequence.Next);
        if (State == RecoveryState.Recovery && !congestion.OwnsRecovery)
            congestion.Window = Math.Max(congestion.Threshold, 1);
        State = RecoveryState.Open;
        _duplicates.Reset();
        _rack.OnRecoveryEnded();
    }

    private void Reduce(long delivered, CongestionControl congestion)
    {
        if (!congestion.OwnsRecovery)
            congestion.Window = _reduction.Reduce(delivered, Pipe, congestion.Threshold, congestion.Mss);
    }

    private void DetectByDuplicates(AckProgress progress, int mss)
    {
        if (progress.Acknowledged > 0)
        {
            if (State == RecoveryState.Recovery)
            {
                _duplicates.OnPartialAcknowledgment(progress.Acknowledged, mss);
                MarkFirstLost();
            }
            else
            {
                _duplicates.Reset();
            }

            return;
        }

        if (!progress.IsDuplicate || State == RecoveryState.Loss || Segments.Count == 0)
            return;
        var behindFirst = Segments[Segments.Count - 1].End - sequence.Unacknowledged - Segments[0].Length;
        if (_duplicates.OnDuplicate(mss, behindFirst) && State == RecoveryState.Open)
            MarkFirstLost();
    }

    private void MarkFirstLost()
    {
        if (Segments.Count == 0)
            return;
        ref var first = ref Segments[0];
        if (!first.Is(SentState.Retransmitted))
            Segments.Change(ref first, SentState.Lost, SentState.None);
    }
}
