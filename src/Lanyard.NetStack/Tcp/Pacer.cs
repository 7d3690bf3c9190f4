namespace Lanyard.NetStack;

/// <summary>
/// Spreads segments over time at a rate, in bursts of about a millisecond: what the rate allows in a millisecond leaves together. Times are in
/// microseconds.
/// </summary>
internal struct Pacer()
{
    private const long BurstTime = Microseconds.PerMillisecond;

    // A late timer is made up for by at most this much.
    private const long MaxLateness = 10 * Microseconds.PerMillisecond;

    private long _rate;

    // The time until which the segments sent so far use the rate.
    private long _busyUntil;

    /// <summary>Whether segments are paced.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>When sending may continue; <see cref="long.MaxValue"/> if pacing does not delay it.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Turns pacing on or off. Off, no deadline stays, because only <see cref="Begin"/> would clear it.</summary>
    /// <param name="isEnabled">Whether segments are paced.</param>
    public void Enable(bool isEnabled)
    {
        IsEnabled = isEnabled;
        if (!isEnabled)
            Stop();
    }

    /// <summary>Begins a burst.</summary>
    /// <param name="now">The time.</param>
    /// <param name="rate">The rate in bytes a second; 0 for no limit.</param>
    public void Begin(long now, long rate)
    {
        _rate = rate;
        var lateness = Deadline == long.MaxValue ? BurstTime : MaxLateness;
        _busyUntil = Math.Max(_busyUntil, now - lateness);
        Deadline = long.MaxValue;
    }

    /// <summary>Whether the next segment must wait. If so, sets <see cref="Deadline"/>.</summary>
    /// <param name="now">The time.</param>
    public bool MustWait(long now)
    {
        if (_rate == 0 || _busyUntil <= now)
            return false;
        Deadline = Math.Max(_busyUntil, now + BurstTime);
        return true;
    }

    /// <summary>Counts a segment.</summary>
    /// <param name="length">The payload in bytes.</param>
    public void OnSent(int length)
    {
        if (_rate > 0)
            _busyUntil += length * Microseconds.PerSecond / _rate;
    }

    /// <summary>Stops the timer.</summary>
    public void Stop() => Deadline = long.MaxValue;
}
