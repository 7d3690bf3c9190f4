namespace Lanyard.NetStack;

/// <summary>Applies acknowledgments to the flight, the send buffer and the congestion control (RFC 9293 section 3.10.7.4, RFC 5681).</summary>
internal readonly ref struct AckProcessor(TcpContext context, SendSequence sequence, SegmentFlight flight)
{
    /// <summary>Handles an acknowledgment that lies within what was sent.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="segmentSequence">Its sequence number.</param>
    /// <param name="ack">Its acknowledgment number.</param>
    /// <returns>Whether it acknowledges anything new.</returns>
    public bool Process(long now, in TcpSegment segment, long segmentSequence, long ack)
    {
        var (congestion, recovery, segments) = (flight.Congestion, flight.Recovery, flight.Segments);
        var delivery = new DeliveryTracker(context, sequence, flight);
        var windowChanged = sequence.TryUpdateWindow(segmentSequence, ack, segment.Window);
        var before = sequence.Unacknowledged;
        var outstandingBefore = sequence.Outstanding;
        var pipeBefore = recovery.Pipe;
        var deliveredBefore = flight.Rate.Delivered;
        var lostBefore = segments.LostEver;
        if (ack > before)
        {
            delivery.Acknowledge(now, ack, segment.Options);
            Advance(ack);
        }

        flight.Persist.OnAnswered();
        // A peer that has shrunk its window to nothing cannot acknowledge, but it is alive (RFC 9293 section 3.8.6).
        if (sequence.Window == 0)
            flight.Retransmission.OnAnswered();
        var acknowledged = sequence.Unacknowledged - before;
        var sacked = recovery.UseSack && segment.Options.SackBlocks > 0 ? delivery.AcknowledgeSelectively(now, segment.Options) : 0;
        if (recovery.TryUndo(congestion))
            OnUndone();
        var congested = context.Ecn.IsEnabled && segment.Has(TcpFlags.Ece);
        if (congested)
            OnCongestionEcho();
        if (acknowledged == 0 && segments.Count == 0)
        {
            flight.Buffer.GrowTo(2 * congestion.Window);
            return false;
        }

        var duplicate = acknowledged == 0 && segment.SequenceLength == 0 && !windowChanged && ack == sequence.Unacknowledged;
        // A probe that repaired a loss hid it from loss detection. The loss must still reduce the window.
        if (recovery.Probe.OnAcknowledged(sequence.Unacknowledged, duplicate && sacked == 0))
            ReduceWindow(outstandingBefore);
        var stateBefore = recovery.State;
        var begun = recovery.OnAcknowledged(now, new AckProgress(acknowledged, sacked, duplicate), congestion, flight.Rtt);
        var sample = new AckSample
        {
            Now = now,
            Acknowledged = acknowledged,
            Delivered = flight.Rate.Delivered - deliveredBefore,
            Lost = segments.LostEver - lostBefore,
            Limited = flight.IsLimited || (congestion.InSlowStart && outstandingBefore * 2 > congestion.Window),
            Rtt = delivery.LatestRtt,
            SmoothedRtt = flight.Rtt.Smoothed,
            Unacknowledged = sequence.Unacknowledged,
            Next = sequence.Next,
            Pipe = recovery.Pipe,
            PipeBefore = pipeBefore,
            Rate = delivery.TakeRate(),
        };
        if (begun)
            flight.OnRecoveryBegun(sample);
        else if (stateBefore != RecoveryState.Open && recovery.State == RecoveryState.Open)
            congestion.OnRecoveryEnded();
        // After a timeout the window grows in spite of echoes: echoes continue until new data carries CWR, and all lost segments leave before new
        // data.
        if (acknowledged > 0 && (!congested || stateBefore == RecoveryState.Loss)
            && stateBefore != RecoveryState.Recovery && recovery.State != RecoveryState.Recovery)
        {
            congestion.OnAcknowledged(sample);
        }

        congestion.OnEveryAcknowledgment(sample);
        flight.FinishSizeProbe();
        flight.Buffer.GrowTo(2 * congestion.Window);
        if (acknowledged > 0)
            flight.RestartRetransmission(now);
        flight.ScheduleProbe(now);
        return acknowledged > 0;
    }

    private void Advance(long ack)
    {
        // The FIN takes a sequence number, but no byte of the flight.Buffer.
        var offset = Math.Min(ack - sequence.First, flight.Buffer.End);
        context.Statistics.BytesAcknowledged += offset - flight.Buffer.Start;
        sequence.OnAcknowledged(ack);
        flight.Buffer.Release(offset);
        flight.Rtt.ResetBackoff();
        flight.Retransmission.OnAnswered();
    }

    // Only segments sent once measure the round-trip time. The segment that showed the spurious retransmission may answer the second transmission, if
    // the first answer was lost, and be as late as the timeout made it.
    private void OnUndone()
    {
        context.Count(HostCounter.TcpSpuriousRecoveries);
        context.Statistics.SpuriousRecoveries++;
    }

    // The peer echoes a congestion mark: the window is reduced as for loss, but nothing is missing.
    private void OnCongestionEcho()
    {
        if (!context.Ecn.TryAnswerEcho(sequence.Unacknowledged, sequence.Next))
            return;
        context.Count(HostCounter.TcpCongestionEchoes);
        if (flight.Recovery.State == RecoveryState.Open)
            ReduceWindow(sequence.Outstanding);
    }

    private void ReduceWindow(long outstanding)
    {
        var congestion = flight.Congestion;
        congestion.OnLoss(outstanding);
        congestion.Window = Math.Min(congestion.Window, congestion.Threshold);
    }
}
