namespace Lanyard.NetStack;

/// <summary>
/// The largest value within a window of time or rounds, in constant space: the best value, the best after it, and the best after that, which replace it
/// when it expires.
/// </summary>
internal struct WindowedMax(long length)
{
    private Entry _first;
    private Entry _second;
    private Entry _third;

    /// <summary>The largest value within the window; 0 before the first.</summary>
    public readonly long Value => _first.Value;

    /// <summary>Adds a value. Its time must not be before that of the last value.</summary>
    public void Add(long time, long value)
    {
        var entry = new Entry(time, value);
        if (value >= _first.Value || time - _third.Time > length)
        {
            _first = _second = _third = entry;
            return;
        }

        if (value >= _second.Value)
            _second = _third = entry;
        else if (value >= _third.Value)
            _third = entry;

        if (time - _first.Time > length)
        {
            // The best value has expired. The next value replaces it, twice if that has expired too.
            (_first, _second, _third) = (_second, _third, entry);
            if (time - _first.Time > length)
                (_first, _second) = (_second, _third);
        }
        else if (_second.Time == _first.Time && time - _first.Time > length / 4)
        {
            // After a quarter of the window without a second value, this value is the second, even if it is much lower.
            _second = _third = entry;
        }
        else if (_third.Time == _second.Time && time - _first.Time > length / 2)
        {
            _third = entry;
        }
    }

    private readonly record struct Entry(long Time, long Value);
}
