namespace Lanyard.NetStack;

/// <summary>The retransmission timer (RFC 6298) and the limits after which the connection ends (RFC 9293 section 3.8.3).</summary>
internal struct RetransmissionTimer(TcpOptions options)
{
    /// <summary>When the segments in flight count as lost, in microseconds; <see cref="long.MaxValue"/> if nothing is in flight.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Timeouts in a row.</summary>
    public int Retries { get; private set; }

    /// <summary>The user timeout in microseconds: how long data may stay unacknowledged. 0 for no user timeout.</summary>
    public long UserTimeout { get; set; } = Microseconds.From(options.UserTimeout);

    /// <summary>Starts the timer anew; stops it if nothing is in flight.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="timeout">The retransmission timeout in microseconds.</param>
    /// <param name="segments">The segments in flight.</param>
    public void Restart(long now, long timeout, SentSegments segments)
    {
        Deadline = segments.Count == 0 ? long.MaxValue : now + timeout;
        if (UserTimeout > 0 && segments.Count > 0)
            Deadline = Math.Min(Deadline, Math.Max(now + 1, segments[0].FirstSentAt + UserTimeout));
    }

    /// <summary>Stops the timer.</summary>
    public void Stop() => Deadline = long.MaxValue;

    /// <summary>Whether the connection must end when the timer expires. The user timeout replaces the number of retransmissions.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="firstSentAt">When the first segment in flight was sent first, in microseconds.</param>
    /// <param name="maxRetries">The number of timeouts in a row after which a connection without a user timeout ends.</param>
    public readonly bool IsExhausted(long now, long firstSentAt, int maxRetries) => UserTimeout > 0 ? now - firstSentAt >= UserTimeout : Retries >= maxRetries;

    /// <summary>Counts a timeout.</summary>
    public void OnTimeout() => Retries++;

    /// <summary>Forgets the timeouts, because the peer answered.</summary>
    public void OnAnswered() => Retries = 0;

    /// <summary>Makes the timer expire at once, if earlier retransmissions were not acknowledged. Returns whether there were any.</summary>
    /// <param name="now">The time in microseconds.</param>
    public bool TryHasten(long now)
    {
        if (Retries == 0)
            return false;
        Retries--;
        Deadline = now;
        return true;
    }
}
