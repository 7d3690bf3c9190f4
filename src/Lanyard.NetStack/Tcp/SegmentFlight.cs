namespace Lanyard.NetStack;

/// <summary>
/// The flight of a connection: the segments sent and not acknowledged, what limits and measures them, and the timer that repeats them. Sends each
/// segment and records it.
/// </summary>
internal sealed class SegmentFlight(TcpContext context, SendSequence sequence, SendBuffer buffer, TcpReceiver receiver)
{
    /// <summary>The retransmission timer.</summary>
    public RetransmissionTimer Retransmission = new(context.Options);

    /// <summary>The timer of zero-window probes, which runs while nothing is in flight.</summary>
    public PersistTimer Persist = new();

    /// <summary>The round-trip time.</summary>
    public RttEstimator Rtt = RttEstimator.Create();

    /// <summary>The delivery rate.</summary>
    public DeliveryRate Rate;

    /// <summary>The pacing of segments.</summary>
    public Pacer Pacer = new();

    /// <summary>The segments.</summary>
    public SentSegments Segments => Recovery.Segments;

    /// <summary>The loss recovery.</summary>
    public LossRecovery Recovery { get; } = new(new SentSegments(), sequence);

    /// <summary>The congestion control; null before the connection is established.</summary>
    public CongestionControl Congestion { get; private set; } = null!;

    /// <summary>The largest payload of a segment in bytes.</summary>
    public int Mss { get; private set; }

    /// <summary>Whether the window, not the application, held sending back.</summary>
    public bool IsLimited { get; set; }

    /// <summary>The bytes written and not acknowledged.</summary>
    public SendBuffer Buffer => buffer;

    /// <summary>The writer of segments.</summary>
    public SegmentOutput Output => new(context, sequence, buffer, receiver);

    /// <summary>When a segment was sent last, in microseconds.</summary>
    public long LastSentAt { get; private set; }

    /// <summary>The current retransmission timeout in microseconds.</summary>
    public long Timeout => Rtt.Timeout(Microseconds.From(context.Options.MinRto), Microseconds.From(context.Options.MaxRto));

    /// <summary>The pacing rate in bytes a second; 0 for no limit.</summary>
    public long PacingRate => Pacer.IsEnabled && Congestion is not null ? Congestion.PacingRate(Rtt.Smoothed) : 0;

    /// <summary>Prepares for the first segment.</summary>
    /// <param name="mss">The segment size in bytes.</param>
    public void Establish(int mss)
    {
        Mss = mss;
        Congestion = CongestionControl.Create(context.Options.Congestion, mss);
        Pacer.Enable(context.Options.Pacing || Congestion.NeedsPacing);
        Recovery.UseSack = context.UsesSack;
    }

    /// <summary>Continues with another congestion control.</summary>
    /// <param name="algorithm">The algorithm.</param>
    public void UseCongestion(CongestionAlgorithm algorithm)
    {
        var old = Congestion;
        Congestion = CongestionControl.Create(algorithm, Mss);
        Congestion.TakeOver(old);
        Pacer.Enable(context.Options.Pacing || Congestion.NeedsPacing);
    }

    /// <summary>Uses another segment size from now on. Segments in flight stay as they are.</summary>
    /// <param name="mss">The size in bytes.</param>
    public void SetMss(int mss)
    {
        Mss = mss;
        Congestion.SetMss(mss);
    }

    /// <summary>Uses a smaller segment size and counts longer segments as lost, because the path does not carry them.</summary>
    /// <param name="mss">The size in bytes.</param>
    /// <param name="now">The time in microseconds.</param>
    public void LowerMss(int mss, long now)
    {
        Recovery.PathMtu.Cap(mss);
        if (mss >= Mss)
            return;
        for (var i = 0; i < Segments.Count; i++)
        {
            ref var segment = ref Segments[i];
            if (segment.Length > mss && !segment.Is(SentState.Sacked))
                Segments.Change(ref segment, SentState.Lost, SentState.Retransmitted);
        }

        SetMss(mss);
        RestartRetransmission(now);
    }

    /// <summary>Sends a segment with new data or the FIN.</summary>
    /// <param name="length">The payload in bytes.</param>
    /// <param name="fin">Whether it carries the FIN.</param>
    /// <param name="now">The time in microseconds.</param>
    public void Send(int length, bool fin, long now)
    {
        var total = length + (fin ? 1 : 0);
        ref var segment = ref Segments.Add();
        segment.Start = sequence.Next;
        segment.Length = total;
        segment.State = fin ? SentState.Fin : SentState.None;
        segment.SentAt = now;
        segment.FirstSentAt = now;
        Rate.OnSent(ref segment, now, isFirstInFlight: Segments.Count == 1);
        var start = sequence.Take(total, fin);
        Recovery.OnSent(total);
        Transmit(start, length, fin, now, isNew: true);
        if (Retransmission.Deadline == long.MaxValue)
            RestartRetransmission(now);
    }

    /// <summary>Sends a segment in flight again; only its first part, if it is longer than the segment size.</summary>
    /// <param name="index">The index of the segment.</param>
    /// <param name="now">The time in microseconds.</param>
    public void Retransmit(int index, long now)
    {
        if (Segments[index].Length > Mss + (Segments[index].Is(SentState.Fin) ? 1 : 0))
            Segments.Split(index, Mss);
        ref var segment = ref Segments[index];
        Segments.Change(ref segment, SentState.Retransmitted | SentState.EverRetransmitted, SentState.None);
        segment.SentAt = now;
        Rate.OnSent(ref segment, now, isFirstInFlight: false);
        Recovery.OnRetransmitted(segment);
        Recovery.OnSent(segment.Length);
        var fin = segment.Is(SentState.Fin);
        var length = segment.Length - (fin ? 1 : 0);
        context.Count(HostCounter.TcpRetransmissions);
        context.Statistics.OnRetransmitted(length);
        Transmit(segment.Start, length, fin, now, isNew: false);
        if (Retransmission.Deadline == long.MaxValue)
            RestartRetransmission(now);
    }

    /// <summary>Starts the retransmission timer anew; stops it if nothing is in flight.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void RestartRetransmission(long now) => Retransmission.Restart(now, Timeout, Segments);

    /// <summary>Schedules a tail loss probe, if one makes sense.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void ScheduleProbe(long now)
    {
        if (Segments.Count == 0 || !Recovery.MayProbe || !Rtt.HasSample || Retransmission.Retries > 0)
            Recovery.Probe.Stop();
        else
            Recovery.Probe.Schedule(now, Rtt.Smoothed, Segments.Count, Retransmission.Deadline);
    }

    /// <summary>Reports the beginning of fast recovery.</summary>
    /// <param name="sample">The sample of the acknowledgment or timer.</param>
    public void OnRecoveryBegun(in AckSample sample)
    {
        Congestion.OnRecoveryBegun(sample);
        Recovery.Probe.Cancel();
        Recovery.Probe.Stop();
        context.Statistics.FastRecoveries++;
        context.Count(HostCounter.TcpFastRecoveries);
    }

    /// <summary>Looks for the outcome of the probe for a larger segment size.</summary>
    public void FinishSizeProbe()
    {
        if (Recovery.PathMtu.IsSearching && Recovery.PathMtu.TryFinishProbe(sequence.Unacknowledged, out var mss))
            SetMss(mss);
    }

    /// <summary>Forgets all segments and stops the timers.</summary>
    public void Dispose()
    {
        Segments.Clear();
        Retransmission.Stop();
        Persist.Stop();
        Pacer.Stop();
        Recovery.Probe.Stop();
    }

    private void Transmit(long start, int length, bool fin, long now, bool isNew)
    {
        if (Pacer.IsEnabled)
            Pacer.OnSent(length);
        LastSentAt = now;
        var flags = TcpFlags.Ack;
        if (length > 0 && start - sequence.First + length == buffer.End)
            flags |= TcpFlags.Psh;
        if (fin)
            flags |= TcpFlags.Fin;
        context.Statistics.BytesSent += length;
        // Retransmissions are not marked as ECN-capable (RFC 3168 section 6.1.5).
        var ecn = isNew && length > 0 && context.Ecn.IsEnabled && Congestion.HeedsCongestionEchoes;
        if (ecn && context.Ecn.TakeReductionReport())
            flags |= TcpFlags.Cwr;
        Output.SendData(flags, start, length, ecn);
    }
}
