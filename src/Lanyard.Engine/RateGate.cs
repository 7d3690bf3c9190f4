namespace Lanyard.Engine;

/// <summary>Lets one event through per interval.</summary>
internal struct RateGate
{
    private long _nextMs;

    /// <summary>Whether an event may pass now; if so, the next may pass after <paramref name="intervalMs"/>.</summary>
    public bool TryPass(long nowMs, long intervalMs)
    {
        if (nowMs < _nextMs)
            return false;
        _nextMs = nowMs + intervalMs;
        return true;
    }
}

/// <summary>A token bucket: up to a number of events at once, and one or more each interval.</summary>
internal struct TokenBucket
{
    private readonly int _burst;
    private readonly long _intervalMs;
    private readonly int _perInterval;
    private long _lastMs;
    private int _tokens;

    /// <param name="burst">The number of events that pass at once.</param>
    /// <param name="intervalMs">The interval in milliseconds.</param>
    /// <param name="perInterval">The number of further events for each interval.</param>
    public TokenBucket(int burst, long intervalMs, int perInterval = 1)
    {
        _burst = burst;
        _intervalMs = intervalMs;
        _perInterval = perInterval;
        _tokens = burst;
    }

    public bool TryTake(long nowMs)
    {
        var gained = (nowMs - _lastMs) * _perInterval / _intervalMs;
        if (gained > 0)
        {
            _tokens = (int)Math.Min(_burst, _tokens + gained);
            _lastMs = _tokens == _burst ? nowMs : _lastMs + (gained * _intervalMs / _perInterval);
        }

        if (_tokens == 0)
            return false;
        _tokens--;
        return true;
    }
}
