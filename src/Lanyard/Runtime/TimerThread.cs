namespace Lanyard;

/// <summary>
/// Calls when it is time. A thread of its own, so that retransmissions do not wait for a busy thread pool. A deadline that moves back costs
/// nothing: the thread wakes at the old one, asks again, and goes back to sleep.
/// </summary>
internal sealed class TimerThread
{
    private readonly object _lock = new();
    private readonly Thread _thread;
    private readonly Func<long> _run;
    private bool _isWoken;
    private bool _isStopping;

    /// <summary>Makes the thread.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="run">Does what is due and says in how many microseconds to call again.</param>
    public TimerThread(string name, Func<long> run)
    {
        _run = run;
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
    }

    public void Start() => _thread.Start();

    /// <summary>Has what is due done earlier than was said last.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _isWoken = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Ends the thread and waits for it. Not from the thread itself, nor under the gate.</summary>
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
