namespace Lanyard.NetStack;

// Loss that was none: what was sent again had arrived, or was about to. The window goes back to what it was.
internal sealed partial class LossRecovery
{
    // The first sequence number whose loss made the window fall, 0 if there is nothing to undo; and how far acknowledgements may come until
    // it is too late to.
    private long _undoFrom;
    private long _undoUntil;

    // Repetitions that no report of duplicates has answered.
    private int _repeated;
    private bool _spurious;

    /// <summary>When the first of the repetitions was sent that may be in flight, in microseconds; 0 if none is. It may be of an earlier
    /// recovery: what answers that is no answer to an original either.</summary>
    public long FirstRepeatedAt { get; private set; }

    /// <summary>The end of the segment that tries a larger size, 0 if none is in flight. Its loss says nothing of congestion (RFC 4821
    /// section 7.6.1).</summary>
    public long SizeProbeEnd { get; set; }

    /// <summary>The state of the segment that ends at <see cref="SizeProbeEnd"/>; none if it is acknowledged.</summary>
    public SentState SizeProbeState => FindSizeProbe() is var i and >= 0 ? segments[i].State : SentState.None;

    private bool HasLossOfCongestion
    {
        get
        {
            if (segments.LostUnsent == 0 || SizeProbeEnd == 0)
                return segments.LostUnsent > 0;
            var i = FindSizeProbe();
            return i < 0 || !segments[i].Is(SentState.Lost) || segments.LostUnsent != segments[i].Length;
        }
    }

    /// <summary>
    /// The acknowledgement of something sent again answers, by the timestamp that it echoes, what was sent before the first repetition:
    /// the original had arrived (the Eifel detection algorithm, RFC 3522).
    /// </summary>
    public void NoteEarlierEcho(in SentSegment segment)
    {
        if (_undoFrom != 0 && State != RecoveryState.Open && segment.Start >= _undoFrom && segment.Is(SentState.EverRetransmitted))
            _spurious = true;
    }

    /// <summary>Undoes what was done for loss that has turned out to be none (RFC 4015 section 4). True if there was such.</summary>
    public bool TryUndo(CongestionControl congestion)
    {
        if (!_spurious)
            return false;
        _spurious = false;
        _undoFrom = 0;
        congestion.Undo();
        State = RecoveryState.Open;
        _duplicates = 0;
        _duplicateBytes = 0;
        // What has not been sent again is believed in flight; time will tell.
        for (var i = 0; i < segments.Count && segments.LostUnsent > 0; i++)
        {
            ref var segment = ref segments[i];
            if (segment.Is(SentState.Lost) && !segment.Is(SentState.Retransmitted))
                segments.Change(ref segment, SentState.None, SentState.Lost);
        }

        return true;
    }

    private void BeginUndoable(long una, CongestionControl congestion)
    {
        congestion.Save();
        _undoFrom = una;
        _undoUntil = long.MaxValue;
        _repeated = 0;
        _spurious = false;
    }

    private void NoteRepeated(long sentAt)
    {
        if (FirstRepeatedAt == 0)
            FirstRepeatedAt = sentAt;
        if (State != RecoveryState.Open)
            _repeated++;
    }

    // What was sent only once, before the timeout, has arrived after it: not all was lost, as the timeout claimed (F-RTO with selective
    // acknowledgements, RFC 5682 section 3.1; those tell what had arrived before).
    private void NoteDelivered(in SentSegment segment)
    {
        if (State == RecoveryState.Loss && UseSack && _undoFrom != 0 && segment.End <= _recoveryPoint
            && !segment.Is(SentState.EverRetransmitted))
            _spurious = true;
    }

    // Every repetition has been reported as a duplicate (RFC 3708): none was needed.
    private void NoteDuplicate(long start)
    {
        if (_undoFrom != 0 && start >= _undoFrom && _repeated > 0 && --_repeated == 0)
            _spurious = true;
    }

    private int FindSizeProbe()
    {
        var i = segments.FindEndingAfter(SizeProbeEnd - 1);
        return i < segments.Count && segments[i].End == SizeProbeEnd ? i : -1;
    }
}
