namespace Lanyard;

/// <summary>
/// Runs timers on a thread of its own, so that retransmissions do not wait for a busy thread pool. A deadline that moves back costs nothing: the thread wakes at the old
/// deadline, gets the new one, and sleeps again.
/// </summary>
internal sealed class TimerThread : INodeTimer
{
    private readonly object _lock = new();
    private readonly Thread _thread;
    private readonly Func<long> _run;
    private bool _isWoken;
    private bool _isStopping;

    /// <param name="name">The name of the thread.</param>
    /// <param name="run">Runs what is due and returns the delay until the next run in microseconds.</param>
    public TimerThread(string name, Func<long> run)
    {
        _run = run;
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
    }

    public void Start() => _thread.Start();

    public void Advance(long delayMicroseconds)
    {
        lock (_lock)
        {
            _isWoken = true;
            Monitor.Pulse(_lock);
        }
    }

    public void Stop()
    {
        lock (_lock)
        {
            _isStopping = true;
            Monitor.Pulse(_lock);
        }

        if (_thread.IsAlive)
            _thread.Join();
    }

    private void Loop()
    {
        while (true)
        {
            var delayMicroseconds = _run();
            lock (_lock)
            {
                // Rounded up: waking early would mean waking twice.
                if (!_isWoken && !_isStopping)
                    Monitor.Wait(_lock, (int)Math.Clamp((delayMicroseconds + 999) / 1_000, 1, 60_000));
                _isWoken = false;
                if (_isStopping)
                    return;
            }
        }
    }
}
