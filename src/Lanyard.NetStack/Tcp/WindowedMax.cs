namespace Lanyard.NetStack;

/// <summary>
/// The largest of the values seen within a window of time or rounds, in constant space: the best, and the best seen after it twice over,
/// which take its place when it grows old.
/// </summary>
internal struct WindowedMax(long length)
{
    private Entry _first;
    private Entry _second;
    private Entry _third;

    /// <summary>The largest value within the window; 0 before the first.</summary>
    public readonly long Value => _first.Value;

    /// <summary>Adds a value seen at a time not earlier than those before.</summary>
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
            // The best has grown old; whatever follows it moves up, twice if that is old too.
            (_first, _second, _third) = (_second, _third, entry);
            if (time - _first.Time > length)
                (_first, _second) = (_second, _third);
        }
        else if (_second.Time == _first.Time && time - _first.Time > length / 4)
        {
            // A quarter of the window has passed without a second best: this is it, though it may be much lower.
            _second = _third = entry;
        }
        else if (_third.Time == _second.Time && time - _first.Time > length / 2)
        {
            _third = entry;
        }
    }

    private readonly record struct Entry(long Time, long Value);
}
