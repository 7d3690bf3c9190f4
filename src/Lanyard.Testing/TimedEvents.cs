namespace Lanyard.Testing;

/// <summary>A binary heap of events, ordered by time. Events at the same time keep the order in which they were added.</summary>
internal sealed class TimedEvents
{
    private Entry[] _heap = new Entry[64];
    private long _order;

    public int Count { get; private set; }

    /// <summary>The time of the first event, in microseconds. There must be an event.</summary>
    public long NextTime => _heap[0].Time;

    public void Add(long time, Action action)
    {
        if (Count == _heap.Length)
            Array.Resize(ref _heap, Count * 2);
        var entry = new Entry(time, _order++, action);
        var at = Count++;
        while (at > 0 && entry.IsBefore(_heap[(at - 1) / 2]))
        {
            _heap[at] = _heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }

        _heap[at] = entry;
    }

    public Action Take(out long time)
    {
        var first = _heap[0];
        var last = _heap[--Count];
        _heap[Count] = default;
        var at = 0;
        while ((at * 2) + 1 < Count)
        {
            var child = (at * 2) + 1;
            if (child + 1 < Count && _heap[child + 1].IsBefore(_heap[child]))
                child++;
            if (!_heap[child].IsBefore(last))
                break;
            _heap[at] = _heap[child];
            at = child;
        }

        if (Count > 0)
            _heap[at] = last;
        time = first.Time;
        return first.Action;
    }

    private readonly record struct Entry(long Time, long Order, Action Action)
    {
        public bool IsBefore(in Entry other) => Time < other.Time || (Time == other.Time && Order < other.Order);
    }
}
