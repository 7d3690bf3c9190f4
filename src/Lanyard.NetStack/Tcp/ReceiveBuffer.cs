namespace Lanyard.NetStack;

/// <summary>
/// What was received and not yet read, in order and beyond gaps. Offsets count the stream's bytes from 0. At most <see cref="MaxRanges"/>
/// stretches beyond gaps are kept.
/// </summary>
internal sealed class ReceiveBuffer(BufferPool pool, int capacity)
{
    /// <summary>Stretches out of order that are kept.</summary>
    public const int MaxRanges = 512;

    private BlockBuffer _blocks = new(pool);

    // Sorted, not touching each other, all beyond Next.
    private Range[] _ranges = [];
    private int _count;
    private uint _stamp;

    // Where the app waits for bytes.
    private Memory<byte> _destination;

    /// <summary>What became of data.</summary>
    public enum Outcome
    {
        /// <summary>In order: <see cref="Next"/> moved.</summary>
        InOrder,

        /// <summary>Beyond a gap, kept.</summary>
        OutOfOrder,

        /// <summary>All of it had been received before.</summary>
        Duplicate,

        /// <summary>Not kept, for want of memory or because too many gaps were there.</summary>
        Refused,
    }

    /// <summary>The first byte not yet read.</summary>
    public long ReadOffset { get; private set; }

    /// <summary>One past the last byte received in order.</summary>
    public long Next { get; private set; }

    public int Capacity { get; private set; } = capacity;

    public int Readable => (int)(Next - ReadOffset);

    /// <summary>Bytes put where the app waits for them, which it does not know of.</summary>
    public int Delivered { get; private set; }

    /// <summary>Stretches kept beyond gaps.</summary>
    public int RangeCount => _count;

    /// <summary>Stores data at an offset; what lies before <see cref="Next"/> is skipped.</summary>
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

        // Data in order fills a gap and is always let in.
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

    /// <summary>Has bytes put where the app waits for them until it reads some.</summary>
    public void DeliverTo(Memory<byte> destination) => _destination = destination;

    /// <summary>Copies bytes in order and counts them as read; first come those that lie there already.</summary>
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

    /// <summary>The next bytes in order, in place.</summary>
    public ReadOnlySpan<byte> Peek() => Readable == 0 ? default : _blocks.Peek(ReadOffset, Readable);

    /// <summary>Counts bytes as read.</summary>
    public void Consume(int count)
    {
        ReadOffset += count;
        _blocks.ReleaseTo(ReadOffset);
        if (ReadOffset == Next && _count == 0)
            _blocks.Clear();
    }

    /// <summary>The stretches beyond gaps, those that changed last first (RFC 2018 section 4), as sequence numbers.</summary>
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

    /// <summary>Lets the buffer grow to a size if memory is not tight; it never shrinks.</summary>
    public void GrowTo(long size, int limit)
    {
        if (size > Capacity && !pool.IsTight)
            Capacity = Math.Max(Capacity, (int)Math.Min(size, limit));
    }

    /// <summary>Forgets what lies beyond gaps.</summary>
    public void DropOutOfOrder() => _count = 0;

    /// <summary>Gives back memory that an empty buffer has no use for.</summary>
    public void Trim()
    {
        _blocks.Trim();
        if (_count == 0)
            _ranges = [];
    }

    /// <summary>Whether there is memory that <see cref="Trim"/> would give back.</summary>
    public bool IsTrimmable => _blocks.IsTrimmable || (_count == 0 && _ranges.Length > 0);

    public void Dispose()
    {
        _count = 0;
        ReadOffset = Next;
        _blocks.Dispose();
    }

    // What comes in order and need not wait behind other bytes takes no way over the buffer.
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

        // Grows with every change, so the newest has the highest.
        public uint Stamp;
    }
}
