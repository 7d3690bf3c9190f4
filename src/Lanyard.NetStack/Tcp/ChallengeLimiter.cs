namespace Lanyard.NetStack;

/// <summary>
/// Limits the challenge acknowledgments of one connection, which strangers can cause (RFC 5961 section 7). Times are in microseconds.
/// </summary>
/// <remarks>
/// Two ends whose sequence numbers disagree answer each acknowledgment with another. A limit for each second does not end that where the round trip is
/// longer than the limit's interval. So challenges without an acceptable segment between them need ever longer pauses, and a pause longer than the round
/// trip ends the exchange.
/// </remarks>
internal struct ChallengeLimiter()
{
    private const int PerSecond = 10;
    private const int WithoutPause = 10;
    private const long FirstPause = 100 * Microseconds.PerMillisecond;
    private const int MaxPauseShift = 7;

    private RateLimiter _rate = new(PerSecond);
    private int _inRow;
    private long _lastAt;

    /// <summary>Returns whether one more challenge is allowed now, and counts it.</summary>
    /// <param name="now">The time.</param>
    public bool TryTake(long now)
    {
        if (_inRow >= WithoutPause && now - _lastAt < FirstPause << Math.Min(_inRow - WithoutPause, MaxPauseShift))
            return false;
        if (!_rate.TryTake(now))
            return false;
        _inRow++;
        _lastAt = now;
        return true;
    }

    /// <summary>Records an acceptable segment or a keepalive probe, which shows that both ends agree.</summary>
    public void OnAcceptable() => _inRow = 0;
}
