namespace Lanyard.NetStack;

/// <summary>Returns memory that a busy period needed to the system, some seconds after that period.</summary>
internal sealed class PoolTrimmer(BufferPool pool, TimerQueue timers) : HostTimer
{
    private const long Interval = 5 * Microseconds.PerSecond;

    /// <summary>Schedules a trim if the pool holds spare memory and none is scheduled.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Schedule(long now)
    {
        if (pool.IsTrimmable && Deadline == long.MaxValue)
            timers.Set(this, now + Interval);
    }

    /// <inheritdoc/>
    public override void OnTimer(long now) => pool.Trim();
}
