namespace Lanyard.NetStack;

/// <summary>The timer of zero-window probes (RFC 9293 section 3.8.6.1). Times are in microseconds.</summary>
internal struct PersistTimer()
{
    private const int MaxBackoff = 16;

    private int _backoff;
    private long _since;

    /// <summary>When a closed window is probed; <see cref="long.MaxValue"/> if sending is not blocked.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Probes sent since the peer was last heard.</summary>
    public int UnansweredProbes { get; private set; }

    /// <summary>Starts the timer when sending blocks, and stops it when sending does not.</summary>
    /// <param name="isBlocked">Whether there is something to send, nothing in flight, and no room in the peer's window.</param>
    /// <param name="now">The time.</param>
    /// <param name="timeout">The retransmission timeout.</param>
    public void Update(bool isBlocked, long now, long timeout)
    {
        if (!isBlocked)
        {
            Deadline = long.MaxValue;
            _backoff = 0;
        }
        else if (Deadline == long.MaxValue)
        {
            _since = now;
            Deadline = now + timeout;
        }
    }

    /// <summary>Starts the timer for the next probe, twice as late.</summary>
    /// <param name="now">The time.</param>
    /// <param name="timeout">The retransmission timeout.</param>
    /// <param name="max">The upper bound of the timeout.</param>
    public void BackOff(long now, long timeout, long max)
    {
        _backoff = Math.Min(_backoff + 1, MaxBackoff);
        Deadline = now + Math.Min(timeout << _backoff, max);
    }

    /// <summary>Whether the connection must end: the peer answers no probes. A window that stays closed is no reason.</summary>
    /// <param name="now">The time.</param>
    /// <param name="userTimeout">The user timeout; 0 for none.</param>
    /// <param name="maxRetries">The number of unanswered probes after which a connection without a user timeout ends.</param>
    public readonly bool IsExhausted(long now, long userTimeout, int maxRetries) => userTimeout > 0
        ? UnansweredProbes > 0 && now - _since >= userTimeout
        : UnansweredProbes > maxRetries;

    /// <summary>Counts a probe.</summary>
    public void OnProbeSent() => UnansweredProbes++;

    /// <summary>Forgets the probes, because the peer answered.</summary>
    public void OnAnswered() => UnansweredProbes = 0;

    /// <summary>Stops the timer.</summary>
    public void Stop() => Deadline = long.MaxValue;
}
