namespace Lanyard.NetStack;

/// <summary>Allows so many events a second, and as many at once after a second's rest (a token bucket).</summary>
internal struct RateLimiter(int perSecond)
{
    private const long Second = 1_000_000;

    private long _credit = Second * perSecond;
    private long _at;

    /// <summary>Whether one more event is allowed now; if so it counts.</summary>
    public bool TryTake(long now)
    {
        var elapsed = Math.Min(Math.Max(now - _at, 0), Second);
        _at = now;
        _credit = Math.Min(_credit + (elapsed * perSecond), Second * perSecond);
        if (_credit < Second)
            return false;
        _credit -= Second;
        return true;
    }
}
