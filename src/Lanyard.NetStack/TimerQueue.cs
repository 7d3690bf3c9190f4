namespace Lanyard.NetStack;

/// <summary>A timer in one <see cref="TimerQueue"/>.</summary>
internal abstract class HostTimer
{
    /// <summary>When it is due, in microseconds; <see cref="long.MaxValue"/> if it is not set.</summary>
    public long Deadline = long.MaxValue;

    // Its place in the queue's heap, or -1; and the time it is sorted under, which may be earlier than the deadline.
    internal int HeapIndex = -1;
    internal long HeapKey;

    /// <summary>Handles the deadline. The timer is not set any more.</summary>
    public abstract void OnTimer(long now);
}

/// <summary>
/// The host's timers, earliest first: a binary heap. A deadline that moves later (as a retransmission timer does with every acknowledgment) costs
/// nothing: the timer stays where it is and is sorted in again when its old time comes.
/// </summary>
internal sealed class TimerQueue
{
    private HostTimer[] _heap = new HostTimer[16];
    private int _count;

    /// <summary>When to look next; not later than the earliest deadline.</summary>
    public long Next => _count == 0 ? long.MaxValue : _heap[0].HeapKey;

    /// <summary>Sets or moves a timer; <see cref="long.MaxValue"/> stops it.</summary>
    public void Set(HostTimer timer, long deadline)
    {
        timer.Deadline = deadline;
        if (timer.HeapIndex < 0)
        {
            if (deadline == long.MaxValue)
                return;
            if (_count == _heap.Length)
                Array.Resize(ref _heap, _count * 2);
            timer.HeapKey = deadline;
            SiftUp(_count++, timer);
        }
        else if (deadline < timer.HeapKey)
        {
            timer.HeapKey = deadline;
            SiftUp(timer.HeapIndex, timer);
        }
    }

    /// <summary>Removes a timer, so that nothing refers to it.</summary>
    public void Remove(HostTimer timer)
    {
        timer.Deadline = long.MaxValue;
        var index = timer.HeapIndex;
        if (index < 0)
            return;
        timer.HeapIndex = -1;
        var last = _heap[--_count];
        _heap[_count] = null!;
        if (last == timer)
            return;
        if (last.HeapKey < timer.HeapKey)
            SiftUp(index, last);
        else
            SiftDown(index, last);
    }

    /// <summary>Removes and returns the next timer that is due; null if none is.</summary>
    public HostTimer? TakeDue(long now)
    {
        while (_count > 0 && _heap[0].HeapKey <= now)
        {
            var timer = _heap[0];
            if (timer.Deadline <= now)
            {
                Remove(timer);
                return timer;
            }

            if (timer.Deadline == long.MaxValue)
            {
                Remove(timer);
                continue;
            }

            timer.HeapKey = timer.Deadline;
            SiftDown(0, timer);
        }

        return null;
    }

    private void SiftUp(int index, HostTimer timer)
    {
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (_heap[parent].HeapKey <= timer.HeapKey)
                break;
            Place(index, _heap[parent]);
            index = parent;
        }

        Place(index, timer);
    }

    private void SiftDown(int index, HostTimer timer)
    {
        while (true)
        {
            var child = (index * 2) + 1;
            if (child >= _count)
                break;
            if (child + 1 < _count && _heap[child + 1].HeapKey < _heap[child].HeapKey)
                child++;
            if (_heap[child].HeapKey >= timer.HeapKey)
                break;
            Place(index, _heap[child]);
            index = child;
        }

        Place(index, timer);
    }

    private void Place(int index, HostTimer timer)
    {
        _heap[index] = timer;
        timer.HeapIndex = index;
    }
}
