namespace Lanyard.NetStack;

// What acknowledgements say: window, progress, selective acknowledgements, round-trip times.
internal sealed partial class TcpSender
{
    private long _windowSequence;
    private long _windowAck;

    // What the acknowledgement at hand tells of the segment sent last among those that arrived, -1 if nothing.
    private long _latestRtt;

    /// <summary>The first window, from the SYN or the acknowledgement of ours.</summary>
    public void SetWindow(long sequence, long ack, long window)
    {
        Window = window;
        MaxWindow = Math.Max(MaxWindow, window);
        _windowSequence = sequence;
        _windowAck = ack;
    }

    /// <summary>Heeds an acknowledgement that lies within what was sent. Returns whether it acknowledges anything new.</summary>
    public bool Acknowledge(long now, in TcpSegment segment, long sequence, long ack)
    {
        var windowChanged = UpdateWindow(segment, sequence, ack);
        var before = Unacknowledged;
        var outstandingBefore = Outstanding;
        var pipeBefore = Recovery.Pipe(outstandingBefore);
        var deliveredBefore = Rate.Delivered;
        var lostBefore = Segments.LostEver;
        _latestRtt = -1;
        var hasEcho = connection.UsesTimestamps && segment.Options.HasTimestamp;
        if (ack > Unacknowledged)
            Advance(now, ack, hasEcho, segment.Options.TimestampEcho);
        _unansweredProbes = 0;
        // An end that has shrunk its window to nothing cannot acknowledge, but it is there (RFC 9293 section 3.8.6).
        if (Window == 0)
            Retries = 0;
        var acknowledged = Unacknowledged - before;
        var sacked = Recovery.UseSack && segment.Options.SackBlocks > 0 ? ReadSack(now, segment.Options) : 0;
        if (Recovery.TryUndo(Congestion))
            OnUndone();
        var congested = UsesEcn && segment.Has(TcpFlags.Ece);
        if (congested)
            OnCongestionEcho();
        if (acknowledged == 0 && Segments.Count == 0)
        {
            Buffer.GrowTo(2 * Congestion.Window, MaxBuffer);
            return false;
        }

        var duplicate = acknowledged == 0 && segment.SequenceLength == 0 && !windowChanged && ack == Unacknowledged;
        if (Recovery.OnProbeAnswered(Unacknowledged, duplicate && sacked == 0))
        {
            // The probe repaired a loss that nothing else showed: the window must answer to it.
            Congestion.OnLoss(outstandingBefore);
            Congestion.Window = Math.Min(Congestion.Window, Congestion.Threshold);
        }

        var stateBefore = Recovery.State;
        var begun = Recovery.OnAcknowledged(now, Unacknowledged, Next, acknowledged, sacked, duplicate, Congestion, Rtt, Mss);
        var sample = new AckSample
        {
            Now = now,
            Acknowledged = acknowledged,
            Delivered = Rate.Delivered - deliveredBefore,
            Lost = Segments.LostEver - lostBefore,
            Limited = _limited || (Congestion.InSlowStart && outstandingBefore * 2 > Congestion.Window),
            Rtt = _latestRtt,
            SmoothedRtt = Rtt.Smoothed,
            Unacknowledged = Unacknowledged,
            Next = Next,
            Pipe = Recovery.Pipe(Outstanding),
            PipeBefore = pipeBefore,
            Rate = Rate.Take(Rtt.Min),
        };
        if (begun)
            OnRecoveryBegun(sample);
        else if (stateBefore != RecoveryState.Open && Recovery.State == RecoveryState.Open)
            Congestion.OnRecoveryEnded();
        // After a timeout the window grows in spite of echoes: they go on until new data tells that it has fallen, and all that is lost leaves before
        // new data.
        if (acknowledged > 0 && (!congested || stateBefore == RecoveryState.Loss)
            && stateBefore != RecoveryState.Recovery && Recovery.State != RecoveryState.Recovery)
        {
            Congestion.OnAcknowledged(sample);
        }

        Congestion.OnEveryAcknowledgment(sample);
        if (_sizeSearch is not null)
            SettleSizeProbe();
        Buffer.GrowTo(2 * Congestion.Window, MaxBuffer);
        if (acknowledged > 0)
            ArmRetransmission(now);
        ArmProbe(now);
        return acknowledged > 0;
    }

    private void OnRecoveryBegun(in AckSample sample)
    {
        Congestion.OnRecoveryBegun(sample);
        Recovery.CancelProbe();
        ProbeAt = long.MaxValue;
        connection.FastRecoveries++;
        connection.Host.Count(HostCounter.TcpFastRecoveries);
    }

    // Loss that made the window fall was none. The round-trip time is left to segments sent only once: what answers here may be the other
    // end's second answer, the first one lost, and as late as the timeout made it.
    private void OnUndone()
    {
        connection.Host.Count(HostCounter.TcpSpuriousRecoveries);
        connection.SpuriousRecoveries++;
    }

    private bool UpdateWindow(in TcpSegment segment, long sequence, long ack)
    {
        if (sequence < _windowSequence || (sequence == _windowSequence && ack < _windowAck))
            return false;
        var window = (long)segment.Window << WindowShift;
        // The window counts from the acknowledgement that brought it.
        var changed = window != Window;
        SetWindow(sequence, ack, window);
        return changed;
    }

    private void Advance(long now, long ack, bool hasEcho, uint echo)
    {
        var rtt = -1L;
        var echoIsEarlier = hasEcho && Recovery.FirstRepeatedAt != 0
            && (int)(echo - connection.TimestampAt(Recovery.FirstRepeatedAt)) < 0;
        while (Segments.Count > 0 && Segments[0].End <= ack)
        {
            ref var first = ref Segments[0];
            if (!first.Is(SentState.Sacked))
            {
                Recovery.OnDelivered(now, first, IsOlder(hasEcho, echo, first), Rtt.Min);
                Rate.OnDelivered(first, now);
                // Karn's rule: only what was sent once tells the time it took.
                if (!first.Is(SentState.EverRetransmitted))
                {
                    _latestRtt = now - first.SentAt;
                    if (rtt < 0)
                        rtt = _latestRtt;
                }

                if (echoIsEarlier)
                    Recovery.NoteEarlierEcho(first);
            }

            Segments.RemoveFirst();
        }

        if (Segments.Count > 0 && Segments[0].Start < ack)
            Segments.TrimFirst(ack);
        connection.BytesAcknowledged += Math.Min(ack - First, Buffer.End) - Buffer.Start;
        Unacknowledged = ack;
        Buffer.Release(Math.Min(ack - First, Buffer.End));
        if (rtt >= 0)
            Rtt.AddSample(rtt);
        Rtt.ResetBackoff();
        Retries = 0;
    }

    private long ReadSack(long now, in TcpSegmentOptions segmentOptions)
    {
        long newly = 0;
        for (var block = 0; block < segmentOptions.SackBlocks; block++)
        {
            var start = SequenceNumber.Unwrap(segmentOptions.SackStart(block), Unacknowledged);
            var end = SequenceNumber.Unwrap(segmentOptions.SackEnd(block), Unacknowledged);
            if (start >= end || end > Next)
                continue;
            if (block == 0 && (end <= Unacknowledged || IsWithinSecond(segmentOptions, start, end)))
            {
                // The first block tells of data received twice (RFC 2883).
                if (end > Unacknowledged - MaxWindow)
                    Recovery.OnDuplicateReported(Unacknowledged, Next, start, end);
                continue;
            }

            if (end <= Unacknowledged)
                continue;
            for (var i = Segments.FindEndingAfter(Math.Max(start, Unacknowledged)); i < Segments.Count; i++)
            {
                ref var segment = ref Segments[i];
                if (segment.End > end)
                    break;
                // What a block covers only in part counts as not received, which costs at most a repetition.
                if (segment.Start < start || segment.Is(SentState.Sacked))
                    continue;
                newly += segment.Length;
                // Out of order, the echo is that of an earlier segment (RFC 7323 section 4.3) and says nothing of this one.
                Recovery.OnDelivered(now, segment, echoIsOlder: false, Rtt.Min);
                Rate.OnDelivered(segment, now);
                if (!segment.Is(SentState.EverRetransmitted))
                    _latestRtt = now - segment.SentAt;
                Segments.Change(ref segment, SentState.Sacked, SentState.Lost | SentState.Retransmitted);
            }
        }

        return newly;
    }

    private bool IsWithinSecond(in TcpSegmentOptions segmentOptions, long start, long end) => segmentOptions.SackBlocks > 1
        && start >= SequenceNumber.Unwrap(segmentOptions.SackStart(1), Unacknowledged) && end <= SequenceNumber.Unwrap(segmentOptions.SackEnd(1), Unacknowledged);

    // Whether the echoed timestamp is from before the segment was last sent.
    private bool IsOlder(bool hasEcho, uint echo, in SentSegment segment) => hasEcho
        && (int)(echo - connection.TimestampAt(segment.SentAt)) < 0;
}
