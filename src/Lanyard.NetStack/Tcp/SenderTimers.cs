namespace Lanyard.NetStack;

/// <summary>
/// Handles the timers of sending: retransmission (RFC 6298), reordering and tail loss probes (RFC 8985), and zero-window probes (RFC 9293 section
/// 3.8.6.1).
/// </summary>
internal readonly ref struct SenderTimers(TcpContext context, SendSequence sequence, SegmentFlight flight)
{
    /// <summary>The earliest deadline in microseconds.</summary>
    public long NextDeadline => Math.Min(Math.Min(flight.Retransmission.Deadline, flight.Recovery.Probe.Deadline),
        Math.Min(Math.Min(flight.Persist.Deadline, flight.Pacer.Deadline), flight.Recovery.ReorderDeadline));

    /// <summary>Handles the deadlines that have come.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="unsent">The bytes written and not sent.</param>
    /// <param name="hasUnsent">Whether bytes or the FIN are still to be sent.</param>
    /// <returns>False if the peer has not answered for too long.</returns>
    public bool OnTimer(long now, long unsent, bool hasUnsent)
    {
        if (flight.Recovery.ReorderDeadline <= now)
            OnReorderTimer(now);
        if (flight.Retransmission.Deadline <= now)
            return OnRetransmissionTimer(now);
        if (flight.Recovery.Probe.Deadline <= now)
            SendTailProbe(now, unsent);
        return flight.Persist.Deadline > now || OnPersistTimer(now, unsent, hasUnsent);
    }

    private void OnReorderTimer(long now)
    {
        if (flight.Recovery.OnReorderTimer(now, flight.Congestion, flight.Rtt))
        {
            var pipe = flight.Recovery.Pipe;
            flight.OnRecoveryBegun(new AckSample
            {
                Now = now,
                Pipe = pipe,
                PipeBefore = pipe,
                Rate = new() { TotalDelivered = flight.Rate.Delivered },
            });
        }

        flight.FinishSizeProbe();
    }

    private bool OnRetransmissionTimer(long now)
    {
        ref var timer = ref flight.Retransmission;
        timer.Stop();
        flight.Recovery.Probe.Stop();
        if (flight.Segments.Count == 0)
            return true;
        if (timer.IsExhausted(now, flight.Segments[0].FirstSentAt, context.Options.Retries))
            return false;
        timer.OnTimeout();
        context.Statistics.Timeouts++;
        context.Count(HostCounter.TcpTimeouts);
        flight.Recovery.Probe.Cancel();
        var mss = flight.Recovery.PathMtu.OnTimeout(timer.Retries, flight.Mss, context.Remote.Address.IsV4, context.HeaderBytes);
        if (mss != flight.Mss)
        {
            context.Count(HostCounter.TcpBlackHoles);
            flight.SetMss(mss);
        }

        flight.Recovery.OnTimeout(flight.Congestion, isFirst: timer.Retries == 1);
        flight.Rtt.BackOff();
        flight.RestartRetransmission(now);
        // The route may have changed.
        context.NextHop.Forget();
        return true;
    }

    // Sends new data if there is any that the window admits, else the last segment again.
    private void SendTailProbe(long now, long unsent)
    {
        flight.Recovery.Probe.Stop();
        if (flight.Segments.Count == 0)
            return;
        context.Count(HostCounter.TcpTailProbes);
        var length = AdmittedLength(unsent);
        if (length > 0)
            flight.Send(length, false, now);
        else
            flight.Retransmit(flight.Segments.Count - 1, now);
        flight.Recovery.Probe.OnSent(sequence.Next, isRetransmission: length <= 0);
        flight.RestartRetransmission(now);
    }

    private bool OnPersistTimer(long now, long unsent, bool hasUnsent)
    {
        flight.Persist.Stop();
        if (!hasUnsent || flight.Segments.Count > 0)
            return true;
        var options = context.Options;
        if (flight.Persist.IsExhausted(now, flight.Retransmission.UserTimeout, options.Retries))
            return false;
        var max = Math.Max(Microseconds.From(options.MaxRto), Microseconds.From(options.MinRto));
        flight.Persist.BackOff(now, flight.Timeout, Math.Max(max, RttEstimator.MinTimeout));
        var length = AdmittedLength(unsent);
        if (length > 0)
        {
            // The window admits a part that was not worth sending so far. Now it is (the override of section 3.8.6.2.1).
            flight.Send(length, false, now);
            return true;
        }

        flight.Persist.OnProbeSent();
        context.Count(HostCounter.TcpWindowProbes);
        flight.Output.SendProbe();
        return true;
    }

    private int AdmittedLength(long unsent) => (int)Math.Min(Math.Min(unsent, flight.Mss), sequence.Usable);
}
