namespace Lanyard.NetStack;

/// <summary>
/// Searches the largest segment size that a path carries. It tries the largest size first, because an outage may have looked like a black hole, and
/// then halves the uncertain range. After ten minutes the search starts again.
/// </summary>
internal sealed class SegmentSizeSearch(int ceiling)
{
    private const long RestartAfter = 600 * Microseconds.PerSecond;

    // Smaller gains are not worth a probe.
    private const int MinGain = 32;

    private int _ceiling = ceiling;
    private int _good;
    private int _bad;
    private int _tried;
    private long _restartAt = long.MaxValue;

    /// <summary>Starts a search.</summary>
    /// <param name="good">A size in bytes at which segments arrive; larger sizes are uncertain.</param>
    public void Restart(int good)
    {
        _good = good;
        _bad = _ceiling + 1;
        _restartAt = long.MaxValue;
    }

    /// <summary>Lowers the largest size to try.</summary>
    /// <param name="ceiling">The size in bytes.</param>
    public void Cap(int ceiling)
    {
        _ceiling = Math.Min(_ceiling, ceiling);
        _bad = Math.Min(_bad, _ceiling + 1);
        _good = Math.Min(_good, _ceiling);
    }

    /// <summary>Returns the size to try next in bytes; 0 if none is to be tried now.</summary>
    /// <param name="now">The time in microseconds.</param>
    public int Next(long now)
    {
        if (_restartAt != long.MaxValue && now >= _restartAt)
            Restart(_good);
        if (_restartAt == long.MaxValue && _good < _ceiling && _bad - _good <= MinGain)
            _restartAt = now + RestartAfter;
        if (_restartAt != long.MaxValue || _good >= _ceiling)
            return 0;
        _tried = _bad > _ceiling ? _ceiling : _good + ((_bad - _good) / 2);
        return _tried;
    }

    /// <summary>Records that the segment of the size tried last arrived. Returns the segment size to use from now on.</summary>
    public int OnArrived()
    {
        _good = Math.Min(_tried, _ceiling);
        return _good;
    }

    /// <summary>Records that the segment of the size tried last was lost.</summary>
    public void OnLost() => _bad = Math.Min(_bad, _tried);
}
