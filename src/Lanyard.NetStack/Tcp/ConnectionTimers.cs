namespace Lanyard.NetStack;

/// <summary>Handles the deadlines of a connection after the handshake: its own and those of its parts. Times are in microseconds.</summary>
internal readonly ref struct ConnectionTimers(
    TcpContext context, ConnectionState state, TcpSender sender, TcpReceiver receiver, SegmentOutput output)
{
    // A connection silent for this long returns the memory that only traffic needs.
    private const long TrimAfter = 2 * Microseconds.PerSecond;

    /// <summary>The earliest deadline.</summary>
    public long NextDeadline => Math.Min(
        Math.Min(Math.Min(sender.NextDeadline, receiver.AckDeadline), Math.Min(state.KeepAlive.Deadline, state.Deadline)),
        Math.Min(Math.Min(state.LingerDeadline, state.Events.WriteRetryDeadline), state.TrimDeadline));

    /// <summary>Records traffic: the wait until memory is returned begins again, which costs nothing for a timer that moves later.</summary>
    /// <param name="now">The time.</param>
    public void OnSettled(long now) => state.TrimDeadline = sender.IsTrimmable || receiver.Buffer.IsTrimmable ? now + TrimAfter : long.MaxValue;

    /// <summary>Handles the deadlines that have come.</summary>
    /// <param name="now">The time.</param>
    public void OnTimer(long now)
    {
        if (state.Deadline <= now)
        {
            // The peer has not closed in time after the application has (FIN-WAIT-2).
            state.Finish(NetError.None);
            return;
        }

        if (state.LingerDeadline <= now)
        {
            output.SendReset();
            state.Fail(NetError.ConnectionAborted);
            return;
        }

        if (receiver.AckDeadline <= now)
            receiver.AckNow();
        if (state.Events.WriteRetryDeadline <= now)
            state.Events.OnWriteRetry();
        if (state.TrimDeadline <= now)
            Trim();
        if (state.KeepAlive.Deadline <= now && !OnKeepAlive(now))
            return;
        if (!sender.OnTimer(now))
            TimeOut();
    }

    private void Trim()
    {
        sender.Trim();
        receiver.Buffer.Trim();
    }

    // Returns false if the connection has ended.
    private bool OnKeepAlive(long now)
    {
        // Segments in flight have timers of their own.
        if (sender.IsSending)
        {
            state.KeepAlive.Restart(now, context.Options.KeepAliveIdle);
            return true;
        }

        if (state.KeepAlive.UnansweredProbes >= context.Options.KeepAliveProbes)
        {
            TimeOut();
            return false;
        }

        context.Count(HostCounter.TcpKeepAlives);
        output.SendProbe();
        state.KeepAlive.OnProbeSent(now, context.Options.KeepAliveInterval);
        return true;
    }

    private void TimeOut()
    {
        output.SendReset();
        state.TimeOut();
    }
}
