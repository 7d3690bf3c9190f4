namespace Lanyard.NetStack;

/// <summary>The timer that repeats the SYN until the peer answers. Times are in microseconds.</summary>
internal struct SynTimer()
{
    private const int MaxBackoff = 6;

    private long _retransmitAt = long.MaxValue;
    private long _giveUpAt = long.MaxValue;
    private long _sentAt;

    /// <summary>The number of retransmissions of the SYN.</summary>
    public int Retries { get; private set; }

    /// <summary>The earliest deadline.</summary>
    public readonly long Deadline => Math.Min(_retransmitAt, _giveUpAt);

    /// <summary>Begins a handshake.</summary>
    /// <param name="now">The time.</param>
    /// <param name="timeout">The maximum time of the handshake.</param>
    public void Begin(long now, TimeSpan timeout) => _giveUpAt = now + Microseconds.From(timeout);

    /// <summary>Counts a repetition.</summary>
    public void OnRetransmission() => Retries++;

    /// <summary>Records a sent SYN. The time until it is repeated doubles with each repetition, from 1 s to 64 s.</summary>
    /// <param name="now">The time.</param>
    public void OnSent(long now)
    {
        _sentAt = now;
        _retransmitAt = now + (Microseconds.PerSecond << Math.Min(Retries, MaxBackoff));
    }

    /// <summary>Whether the handshake has taken too long.</summary>
    /// <param name="now">The time.</param>
    public readonly bool IsExhausted(long now) => _giveUpAt <= now;

    /// <summary>Whether the SYN is to be repeated.</summary>
    /// <param name="now">The time.</param>
    public readonly bool IsDue(long now) => _retransmitAt <= now;

    /// <summary>Makes the repetition due at once, if the SYN was repeated before. Returns whether it was.</summary>
    /// <param name="now">The time.</param>
    public bool TryHasten(long now)
    {
        if (Retries == 0)
            return false;
        _retransmitAt = now;
        return true;
    }

    /// <summary>Returns the round-trip time that the handshake measured; -1 if the SYN was repeated (Karn's rule).</summary>
    /// <param name="now">The time of the answer.</param>
    public readonly long MeasureRtt(long now) => Retries == 0 ? now - _sentAt : -1;

    /// <summary>Stops the timer.</summary>
    public void Stop() => _retransmitAt = _giveUpAt = long.MaxValue;
}
