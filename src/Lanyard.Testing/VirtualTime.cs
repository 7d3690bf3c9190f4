namespace Lanyard.Testing;

/// <summary>The clock of a simulated internet. Its timers run their callbacks on the thread pool, as those of the system do.</summary>
internal sealed class VirtualTime(SimulatedInternet internet) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => internet.NowMicroseconds * SimulatedInternet.TicksPerMicrosecond;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + new TimeSpan(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(internet, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class VirtualTimer(SimulatedInternet internet, TimerCallback callback, object? state) : ITimer
    {
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private readonly object _lock = new();
        private TimeSpan _period;
        private bool _isDisposed;

        // Changes with each change of the timer: an event of an earlier one does nothing.
        private int _version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_lock)
            {
                if (_isDisposed)
                    return false;
                _period = period;
                _version++;
                if (dueTime != Timeout.InfiniteTimeSpan)
                    Schedule(dueTime);
                return true;
            }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _isDisposed = true;
                _version++;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Schedule(TimeSpan delay)
        {
            var version = _version;
            internet.Schedule(delay, () => Fire(version));
        }

        private void Fire(int version)
        {
            lock (_lock)
            {
                if (version != _version)
                    return;
                if (_period > TimeSpan.Zero)
                    Schedule(_period);
            }

            ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Run(), this, preferLocal: false);
        }

        private void Run()
        {
            if (_context is null)
                callback(state);
            else
                ExecutionContext.Run(_context, static timer => ((VirtualTimer)timer!).Call(), this);
        }

        private void Call() => callback(state);
    }
}
