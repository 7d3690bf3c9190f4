namespace Lanyard.NetStack;

/// <summary>A token bucket: allows a number of events per second, and that number at once after a second without events.</summary>
internal struct RateLimiter(int perSecond)
{
    private const long Second = 1_000_000;

    private long _credit = Second * perSecond;
    private long _at;

    /// <summary>Returns whether one more event is allowed now, and counts it.</summary>
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
