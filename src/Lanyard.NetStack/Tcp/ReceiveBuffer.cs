namespace Lanyard.NetStack;

/// <summary>
/// Received data that the application has not read, in order and behind gaps. Offsets count the stream's bytes from 0. Keeps at most
/// <see cref="MaxRanges"/> ranges behind gaps.
/// </summary>
internal sealed class ReceiveBuffer(BufferPool pool, int capacity)
{
    /// <summary>The largest number of ranges behind gaps.</summary>
    public const int MaxRanges = 512;

    private BlockBuffer _blocks = new(pool);

    // Sorted, not adjacent, all behind Next.
    private Range[] _ranges = [];
    private int _count;
    private uint _stamp;

    // The buffer of the pending read.
    private Memory<byte> _destination;

    /// <summary>The result of storing data.</summary>
    public enum Outcome
    {
        /// <summary>In order: <see cref="Next"/> moved.</summary>
        InOrder,

        /// <summary>Behind a gap, and kept.</summary>
        OutOfOrder,

        /// <summary>All data was received before.</summary>
        Duplicate,

        /// <summary>Not kept, because memory is short or there are too many gaps.</summary>
        Refused,
    }

    /// <summary>The first byte not yet read.</summary>
    public long ReadOffset { get; private set; }

    /// <summary>One past the last byte received in order.</summary>
    public long Next { get; private set; }

    public int Capacity { get; private set; } = capacity;

    public int Readable => (int)(Next - ReadOffset);

    /// <summary>Bytes copied to the pending read that the application has not counted.</summary>
    public int Delivered { get; private set; }

    /// <summary>The number of ranges behind gaps.</summary>
    public int RangeCount => _count;

    /// <summary>Stores data at an offset. Skips bytes before <see cref="Next"/>.</summary>
    public Outcome Insert(long offset, ReadOnlySpan<byte> data)
    {
        var end = offset + data.Length;
        if (end <= Next)
            return Outcome.Duplicate;
        if (offset < Next)
        {
            data = data[(int)(Next - offset)..];
            offset = Next;
        }

        if (offset == Next && _count == 0)
        {
            var delivered = Deliver(data);
            if (!_blocks.TryWrite(Next, data[delivered..]))
                return delivered > 0 ? Outcome.InOrder : Outcome.Refused;
            Next = end;
            return Outcome.InOrder;
        }

        // Data in order fills a gap and is always kept.
        if (offset > Next && pool.IsScarce)
            return Outcome.Refused;
        var at = FindFirstEndingAtOrAfter(offset);
        if (at < _count && _ranges[at].Start <= offset && _ranges[at].End >= end)
        {
            _ranges[at].Stamp = ++_stamp;
            return Outcome.Duplicate;
        }

        var touches = at < _count && _ranges[at].Start <= end;
        if (offset > Next && !touches && _count == MaxRanges)
            return Outcome.Refused;
        if (!_blocks.TryWrite(offset, data))
            return Outcome.Refused;
        if (offset == Next)
        {
            Next = end;
            var merged = 0;
            while (merged < _count && _ranges[merged].Start <= Next)
                Next = Math.Max(Next, _ranges[merged++].End);
            RemoveRanges(0, merged);
            return Outcome.InOrder;
        }

        Merge(at, offset, end);
        return Outcome.OutOfOrder;
    }

    /// <summary>Copies arriving bytes directly into the pending read's buffer, until the application reads.</summary>
    public void DeliverTo(Memory<byte> destination) => _destination = destination;

    /// <summary>Copies bytes in order and counts them as read, bytes in the pending read's buffer first.</summary>
    public int Read(Span<byte> destination)
    {
        var delivered = Delivered;
        var count = Math.Min(destination.Length - delivered, Readable);
        if (count > 0)
        {
            _blocks.Read(ReadOffset, destination.Slice(delivered, count));
            Consume(count);
        }

        count += delivered;
        if (count > 0)
        {
            Delivered = 0;
            _destination = default;
        }

        return count;
    }

    /// <summary>Returns the next bytes in order without copying them.</summary>
    public ReadOnlySpan<byte> Peek() => Readable == 0 ? default : _blocks.Peek(ReadOffset, Readable);

    /// <summary>Counts bytes as read.</summary>
    public void Consume(int count)
    {
        ReadOffset += count;
        _blocks.ReleaseTo(ReadOffset);
        if (ReadOffset == Next && _count == 0)
            _blocks.Clear();
    }

    /// <summary>Returns the ranges behind gaps as sequence numbers, the ranges that changed last first (RFC 2018 section 4).</summary>
    public int CopyRanges(Span<SequenceRange> destination, long firstSequence)
    {
        var written = 0;
        var below = uint.MaxValue;
        while (written < destination.Length && written < _count)
        {
            var newest = -1;
            for (var i = 0; i < _count; i++)
            {
                if (_ranges[i].Stamp < below && (newest < 0 || _ranges[i].Stamp > _ranges[newest].Stamp))
                    newest = i;
            }

            if (newest < 0)
                break;
            below = _ranges[newest].Stamp;
            destination[written++] = new SequenceRange(firstSequence + _ranges[newest].Start, firstSequence + _ranges[newest].End);
        }

        return written;
    }

    /// <summary>Grows to a size if memory is not tight. The buffer never shrinks.</summary>
    public void GrowTo(long size, int limit)
    {
        if (size > Capacity && !pool.IsTight)
            Capacity = Math.Max(Capacity, (int)Math.Min(size, limit));
    }

    /// <summary>Drops the data behind gaps.</summary>
    public void DropOutOfOrder() => _count = 0;

    /// <summary>Returns the memory of an empty buffer.</summary>
    public void Trim()
    {
        _blocks.Trim();
        if (_count == 0)
            _ranges = [];
    }

    /// <summary>Whether there is memory that <see cref="Trim"/> would return.</summary>
    public bool IsTrimmable => _blocks.IsTrimmable || (_count == 0 && _ranges.Length > 0);

    public void Dispose()
    {
        _count = 0;
        ReadOffset = Next;
        _blocks.Dispose();
    }

    // Copies bytes in order directly to the pending read, if no other bytes are before them.
    private int Deliver(ReadOnlySpan<byte> data)
    {
        var count = Readable > 0 ? 0 : Math.Min(_destination.Length - Delivered, data.Length);
        if (count == 0)
            return 0;
        data[..count].CopyTo(_destination.Span[Delivered..]);
        Delivered += count;
        Next += count;
        ReadOffset = Next;
        _blocks.ReleaseTo(Next);
        return count;
    }

    private int FindFirstEndingAtOrAfter(long offset)
    {
        var low = 0;
        var high = _count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].End < offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private void Merge(int at, long start, long end)
    {
        var last = at;
        while (last < _count && _ranges[last].Start <= end)
        {
            start = Math.Min(start, _ranges[last].Start);
            end = Math.Max(end, _ranges[last].End);
            last++;
        }

        if (last == at)
        {
            if (_count == _ranges.Length)
                Array.Resize(ref _ranges, Math.Max(4, _count * 2));
            Array.Copy(_ranges, at, _ranges, at + 1, _count - at);
            _count++;
        }
        else
        {
            RemoveRanges(at + 1, last - at - 1);
        }

        _ranges[at] = new Range { Start = start, End = end, Stamp = ++_stamp };
    }

    private void RemoveRanges(int at, int count)
    {
        if (count == 0)
            return;
        Array.Copy(_ranges, at + count, _ranges, at, _count - at - count);
        _count -= count;
    }

    private struct Range
    {
        public long Start;
        public long End;

        // Grows with every change, so the newest range has the highest value.
        public uint Stamp;
    }
}
