namespace Lanyard;

/// <summary>An <see cref="INodeTimer"/> on a <see cref="TimeProvider"/> other than the system's.</summary>
internal sealed class ProvidedTimer : INodeTimer
{
    private readonly object _lock = new();
    private readonly Func<long> _run;
    private readonly ITimer _timer;
    private bool _isStopped;

    /// <param name="time">The time provider.</param>
    /// <param name="run">Runs what is due and returns the delay until the next run in microseconds.</param>
    public ProvidedTimer(TimeProvider time, Func<long> run)
    {
        _run = run;
        _timer = time.CreateTimer(static timer => ((ProvidedTimer)timer!).Run(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Start() => Advance(0);

    public void Advance(long delayMicroseconds)
    {
        // Not during a run: the delay that the run returns is older, and may be longer.
        lock (_lock)
        {
            if (!_isStopped)
                _timer.Change(ToDelay(delayMicroseconds), Timeout.InfiniteTimeSpan);
        }
    }

    public void Stop()
    {
        lock (_lock)
            _isStopped = true;
        _timer.Dispose();
    }

    private void Run()
    {
        lock (_lock)
        {
            if (!_isStopped)
                Advance(_run());
        }
    }

    private static TimeSpan ToDelay(long microseconds) => TimeSpan.FromTicks(Math.Clamp(microseconds, 0, 60_000_000) * (TimeSpan.TicksPerMillisecond / 1_000));
}
