namespace Lanyard.NetStack;

/// <summary>
/// Marks segments in flight as delivered when acknowledgments arrive, reports them to loss recovery, and measures the round-trip time and the
/// delivery rate by them.
/// </summary>
internal ref struct DeliveryTracker(TcpContext context, SendSequence sequence, SegmentFlight flight)
{
    // The segment by which this acknowledgment measures the delivery rate.
    private SentSegment _sampled;

    /// <summary>
    /// The round-trip time in microseconds that the current acknowledgment shows, by the segment sent last among those delivered; -1 if it shows
    /// none.
    /// </summary>
    public long LatestRtt { get; private set; } = -1;

    /// <summary>Removes the segments that an acknowledgment number covers.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="ack">The acknowledgment number.</param>
    /// <param name="options">The options of the acknowledgment.</param>
    public void Acknowledge(long now, long ack, in TcpSegmentOptions options)
    {
        var rtt = -1L;
        var hasEcho = context.Timestamps.IsEnabled && options.HasTimestamp;
        var echo = options.TimestampEcho;
        var echoIsEarlier = hasEcho && flight.Recovery.FirstRetransmittedAt != 0
            && (int)(echo - context.Timestamps.At(flight.Recovery.FirstRetransmittedAt)) < 0;
        while (flight.Segments.Count > 0 && flight.Segments[0].End <= ack)
        {
            ref var first = ref flight.Segments[0];
            if (!first.Is(SentState.Sacked))
            {
                var echoIsOlder = hasEcho && (int)(echo - context.Timestamps.At(first.SentAt)) < 0;
                flight.Recovery.OnDelivered(now, first, echoIsOlder, flight.Rtt.Min);
                flight.Rate.OnDelivered(first, now, ref _sampled);
                // Karn's rule: only a segment sent once shows the round-trip time.
                if (!first.Is(SentState.EverRetransmitted))
                {
                    LatestRtt = now - first.SentAt;
                    if (rtt < 0)
                        rtt = LatestRtt;
                }

                if (echoIsEarlier)
                    flight.Recovery.OnEarlierEcho(first);
            }

            flight.Segments.RemoveFirst();
        }

        if (flight.Segments.Count > 0 && flight.Segments[0].Start < ack)
            flight.Segments.TrimFirst(ack);
        if (rtt >= 0)
            flight.Rtt.AddSample(rtt);
    }

    /// <summary>Marks the segments that selective acknowledgments cover.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="options">The options of the acknowledgment.</param>
    /// <returns>The bytes newly acknowledged selectively.</returns>
    public long AcknowledgeSelectively(long now, in TcpSegmentOptions options)
    {
        long newly = 0;
        for (var block = 0; block < options.SackBlocks; block++)
        {
            var start = SequenceNumber.Unwrap(options.SackStart(block), sequence.Unacknowledged);
            var end = SequenceNumber.Unwrap(options.SackEnd(block), sequence.Unacknowledged);
            if (start >= end || end > sequence.Next)
                continue;
            if (block == 0 && (end <= sequence.Unacknowledged || IsWithinSecondBlock(options, start, end)))
            {
                // The first block reports data that arrived twice (RFC 2883).
                if (end > sequence.Unacknowledged - sequence.MaxWindow)
                    flight.Recovery.OnDuplicateReported(start, end);
                continue;
            }

            if (end > sequence.Unacknowledged)
                newly += AcknowledgeBlock(now, start, end);
        }

        return newly;
    }

    /// <summary>Returns the sample of the delivery rate.</summary>
    public readonly RateSample TakeRate() => flight.Rate.Take(_sampled, flight.Rtt.Min);

    private long AcknowledgeBlock(long now, long start, long end)
    {
        long newly = 0;
        for (var i = flight.Segments.FindEndingAfter(Math.Max(start, sequence.Unacknowledged)); i < flight.Segments.Count; i++)
        {
            ref var segment = ref flight.Segments[i];
            if (segment.End > end)
                break;
            // A segment that a block covers only in part counts as not received, which costs at most a retransmission.
            if (segment.Start < start || segment.Is(SentState.Sacked))
                continue;
            newly += segment.Length;
            // Out of order, the echo is that of an earlier segment (RFC 7323 section 4.3) and says nothing about this one.
            flight.Recovery.OnDelivered(now, segment, echoIsOlder: false, flight.Rtt.Min);
            flight.Rate.OnDelivered(segment, now, ref _sampled);
            if (!segment.Is(SentState.EverRetransmitted))
                LatestRtt = now - segment.SentAt;
            flight.Segments.Change(ref segment, SentState.Sacked, SentState.Lost | SentState.Retransmitted);
        }

        return newly;
    }

    private bool IsWithinSecondBlock(in TcpSegmentOptions options, long start, long end) => options.SackBlocks > 1
        && start >= SequenceNumber.Unwrap(options.SackStart(1), sequence.Unacknowledged)
        && end <= SequenceNumber.Unwrap(options.SackEnd(1), sequence.Unacknowledged);
}
