namespace Lanyard.NetStack;

/// <summary>The sending half of a connection: decides when which segment may be sent (RFC 9293 section 3.8, RFC 5681).</summary>
internal readonly struct TcpSender(TcpContext context, SendSequence sequence, SegmentFlight flight)
{
    // Limits the segments in flight to this multiple of a window of full segments, so that an application that writes byte by byte waits.
    private const int SmallSegmentAllowance = 4;

    // A burst is no longer than what leaves in one piece, nor than a part of the window. The peer may delay acknowledgments of a single segment.
    private const int MaxBurstBytes = 61_440;
    private const int BurstsPerWindow = 4;
    private const int MinSegmentsToWait = 4;

    /// <summary>The bytes written and not acknowledged.</summary>
    public SendBuffer Buffer => flight.Buffer;

    /// <summary>The segments in flight.</summary>
    public SentSegments Segments => flight.Segments;

    /// <summary>The congestion control; null before the connection is established.</summary>
    public CongestionControl Congestion => flight.Congestion;

    /// <summary>The round-trip time.</summary>
    public ref RttEstimator Rtt => ref flight.Rtt;

    /// <summary>The largest payload of a segment in bytes.</summary>
    public int Mss => flight.Mss;

    /// <summary>The user timeout in microseconds; 0 for none.</summary>
    public long UserTimeout => flight.Retransmission.UserTimeout;

    /// <summary>Whether bytes or the FIN are still to be sent for the first time.</summary>
    public bool HasUnsent => Unsent > 0 || IsFinUnsent;

    /// <summary>Whether anything is to be sent or in flight.</summary>
    public bool IsSending => sequence.Outstanding > 0 || HasUnsent;

    /// <summary>The earliest deadline of sending in microseconds.</summary>
    public long NextDeadline => Timers.NextDeadline;

    private long Unsent => Buffer.End - sequence.SentOffset;

    private SenderTimers Timers => new(context, sequence, flight);

    private bool IsFinUnsent => sequence.FinQueued && !sequence.FinSent;

    /// <summary>Prepares for data, once the SYN is acknowledged.</summary>
    /// <param name="mss">The segment size in bytes.</param>
    public void Establish(int mss)
    {
        sequence.OnSynAcknowledged();
        flight.Establish(mss);
    }

    /// <summary>Applies new settings that concern sending at any time.</summary>
    /// <param name="options">The settings.</param>
    public void Configure(TcpOptions options)
    {
        Buffer.MaxCapacity = options.MaxSendBufferBytes;
    }

    /// <summary>Sets the user timeout.</summary>
    /// <param name="timeout">The timeout in microseconds; 0 for none.</param>
    public void SetUserTimeout(long timeout) => flight.Retransmission.UserTimeout = timeout;

    /// <summary>Continues with another congestion control.</summary>
    /// <param name="algorithm">The algorithm.</param>
    public void UseCongestion(CongestionAlgorithm algorithm) => flight.UseCongestion(algorithm);

    /// <summary>Uses another segment size from now on. Segments in flight stay as they are.</summary>
    /// <param name="mss">The size in bytes.</param>
    public void UseSegmentSize(int mss)
    {
        if (flight.Recovery.PathMtu.IsSearching)
        {
            // The size that the path was found to carry remains a limit.
            flight.Recovery.PathMtu.Cap(mss);
            mss = Math.Min(mss, Mss);
        }

        flight.SetMss(mss);
    }

    /// <summary>Uses a smaller segment size and retransmits longer segments in flight in pieces, because the path does not carry them.</summary>
    /// <param name="mss">The size in bytes.</param>
    /// <param name="now">The time in microseconds.</param>
    public void LowerMss(int mss, long now) => flight.LowerMss(mss, now);

    /// <summary>Sends what may be sent now: first lost segments, then new data.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Send(long now)
    {
        if (flight.Pacer.IsEnabled)
            flight.Pacer.Begin(now, flight.PacingRate);
        if (Segments.LostUnsent > 0)
            SendLost(now);
        if (HasUnsent)
            SendNew(now);
        else
            flight.IsLimited = false;
        var hasUnsent = HasUnsent;
        if (!hasUnsent && Segments.Count > 0 && Segments.LostUnsent == 0)
            flight.Rate.OnAppLimited(flight.Recovery.Pipe);
        flight.Persist.Update(hasUnsent && Segments.Count == 0, now, flight.Timeout);
    }

    /// <summary>Handles the deadlines that have come.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <returns>False if the peer has not answered for too long.</returns>
    public bool OnTimer(long now) => Timers.OnTimer(now, Unsent, HasUnsent);

    /// <summary>Retransmits at once and resets the backoff, if earlier retransmissions were not acknowledged.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <returns>Whether there were any.</returns>
    public bool RetransmitSoon(long now)
    {
        if (Segments.Count == 0 || !flight.Retransmission.TryHasten(now))
            return false;
        Rtt.ResetBackoff();
        return true;
    }

    /// <summary>Handles an acknowledgment that lies within what was sent.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="start">Its sequence number.</param>
    /// <param name="ack">Its acknowledgment number.</param>
    /// <returns>Whether it acknowledges anything new.</returns>
    public bool Acknowledge(long now, in TcpSegment segment, long start, long ack) =>
        new AckProcessor(context, sequence, flight).Process(now, segment, start, ack);

    /// <summary>Whether there is memory that <see cref="Trim"/> would return.</summary>
    public bool IsTrimmable => Segments.IsTrimmable || Buffer.IsTrimmable;

    /// <summary>Returns memory that only traffic needs.</summary>
    public void Trim()
    {
        Segments.Trim();
        Buffer.Trim();
    }

    /// <summary>Adds the state of sending to the description of a connection.</summary>
    /// <param name="info">The description.</param>
    public TcpInfo Describe(in TcpInfo info) => info with
    {
        SmoothedRtt = Rtt.Smoothed,
        RttVariation = Rtt.Variation,
        MinRtt = Rtt.HasSample ? Rtt.Min : 0,
        RetransmissionTimeout = flight.Timeout,
        CongestionWindow = Congestion?.Window ?? 0,
        SlowStartThreshold = Congestion?.Threshold ?? 0,
        SendSegmentBytes = Mss,
        SendWindow = sequence.Window,
        BytesInFlight = sequence.Outstanding,
        DeliveryRate = flight.Rate.Latest,
        DeliveryRateAppLimited = flight.Rate.LatestAppLimited,
        PacingRate = flight.PacingRate,
        UserTimeout = UserTimeout,
        SendBufferBytes = Buffer.Capacity,
        Recovery = flight.Recovery.State switch
        {
            RecoveryState.Recovery => TcpRecoveryState.Recovery,
            RecoveryState.Loss => TcpRecoveryState.Loss,
            _ => Segments.Sacked > 0 ? TcpRecoveryState.Disorder : TcpRecoveryState.Open,
        },
        ConsecutiveTimeouts = flight.Retransmission.Retries,
        UnansweredProbes = info.UnansweredProbes + flight.Persist.UnansweredProbes,
        SendWindowShift = sequence.WindowShift,
        SegmentsInFlight = Segments.Count,
        BytesSelectivelyAcknowledged = Segments.Sacked,
        BytesLost = Segments.Lost,
        BytesRetransmittedInFlight = Segments.Retransmitted,
        BytesUnsent = Math.Max(0, Unsent),
        ReorderingSeen = flight.Recovery.ReorderingSeen,
    };

    /// <summary>Returns all memory and stops all timers.</summary>
    public void Dispose()
    {
        Buffer.Dispose();
        flight.Dispose();
    }

    private void SendLost(long now)
    {
        var window = sequence.Unacknowledged + Math.Max(sequence.Window, 1);
        for (var i = 0; i < Segments.Count && Segments.LostUnsent > 0; i++)
        {
            ref var segment = ref Segments[i];
            if (!segment.Is(SentState.Lost) || segment.Is(SentState.Retransmitted))
                continue;
            var pipe = flight.Recovery.Pipe;
            // Rounding may exceed the window by a segment. The first segment is always sent, or the connection would stall.
            if ((pipe >= Congestion.Window && pipe > 0) || (i > 0 && segment.Start >= window))
                return;
            if (flight.Pacer.IsEnabled && flight.Pacer.MustWait(now))
                return;
            flight.Retransmit(i, now);
        }
    }

    private void SendNew(long now)
    {
        if (Segments.Count == 0 && now - flight.LastSentAt > flight.Timeout)
            Congestion.OnIdle();
        flight.IsLimited = IsWorthWaiting();
        if (flight.IsLimited)
            return;
        var sent = false;
        while (HasUnsent)
        {
            var available = Unsent;
            var fin = IsFinUnsent;
            var room = Congestion.Window - flight.Recovery.Pipe;
            var length = (int)Math.Min(available, Mss);
            if (room <= 0 || (room < length && sequence.Outstanding > 0) || HasTooManySmall()
                || (flight.Pacer.IsEnabled && flight.Pacer.MustWait(now)))
            {
                flight.IsLimited = true;
                break;
            }

            if (flight.Recovery.PathMtu.IsSearching && TrySendSizeProbe(available, room, now))
            {
                sent = true;
                continue;
            }

            var usable = sequence.Usable;
            if (usable <= 0 || !MaySend(ref length, available, usable, fin))
                break;
            fin = fin && length == available && usable > length;
            if (length == 0 && !fin)
                break;
            flight.Send(length, fin, now);
            sent = true;
        }

        if (sent)
            flight.ScheduleProbe(now);
    }

    // A nearly full window opens by a segment or two with each acknowledgment. If there is much to send and more acknowledgments are on their way,
    // waiting makes a burst, which costs little more than a segment here, on the path and at the peer. Does not wait when a segment seems to be
    // missing: a new segment may bring the acknowledgment that shows it (RFC 3042). Pacing makes bursts of its own.
    private bool IsWorthWaiting()
    {
        var window = Math.Min(Congestion.Window, sequence.Window);
        var burst = Math.Min(window / BurstsPerWindow, MaxBurstBytes);
        var outstanding = sequence.Outstanding;
        return !flight.Pacer.IsEnabled
            && flight.Recovery.State == RecoveryState.Open
            && outstanding >= window - burst
            && outstanding > MinSegmentsToWait * Mss
            && flight.Recovery.Pipe == outstanding
            && Unsent > burst;
    }

    // Whether a segment is worth sending (RFC 9293 sections 3.7.4 and 3.8.6.2.1). Cuts it to the window.
    private bool MaySend(ref int length, long available, long usable, bool fin)
    {
        if (length > usable)
        {
            length = (int)usable;
            return length >= Math.Min(Mss, sequence.MaxWindow / 2);
        }

        return length == Mss || length < available || fin || context.Options.NoDelay || sequence.Outstanding == 0;
    }

    private bool HasTooManySmall() => Segments.Count > SmallSegmentAllowance * ((Congestion.Window / Mss) + 4);

    private bool TrySendSizeProbe(long available, long room, long now)
    {
        if (flight.Recovery.State != RecoveryState.Open)
            return false;
        var size = flight.Recovery.PathMtu.NextProbe(now);
        if (size <= Mss || available < size || room < size || sequence.Usable < size)
            return false;
        context.Count(HostCounter.TcpSizeProbes);
        flight.Send(size, false, now);
        flight.Recovery.PathMtu.OnProbeSent(sequence.Next);
        return true;
    }
}
