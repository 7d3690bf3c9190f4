namespace Lanyard.NetStack;

/// <summary>
/// Written data that the peer has not acknowledged. Offsets count the stream's bytes from 0. The capacity limits <see cref="Append"/> and grows with the
/// congestion window.
/// </summary>
internal sealed class SendBuffer(BufferPool pool, int capacity, int maxCapacity)
{
    private BlockBuffer _blocks = new(pool);

    /// <summary>The first byte held.</summary>
    public long Start { get; private set; }

    /// <summary>One past the last byte written.</summary>
    public long End { get; private set; }

    public int Capacity { get; private set; } = capacity;

    /// <summary>The size in bytes that the buffer may grow to.</summary>
    public int MaxCapacity { get; set; } = maxCapacity;

    public int Free => (int)Math.Max(0, Capacity - (End - Start));

    /// <summary>Appends as many bytes as there is room for, and returns their number.</summary>
    public int Append(ReadOnlySpan<byte> data)
    {
        var taken = 0;
        while (taken < data.Length)
        {
            var span = GetWriteSpan();
            if (span.IsEmpty)
                break;
            var count = Math.Min(span.Length, data.Length - taken);
            data.Slice(taken, count).CopyTo(span);
            Advance(count);
            taken += count;
        }

        return taken;
    }

    /// <summary>Returns contiguous room behind the last byte; empty if the buffer is full or the pool has no memory.</summary>
    public Span<byte> GetWriteSpan()
    {
        if (Free == 0)
            return default;
        var span = _blocks.GetWriteSpan(End);
        return span[..Math.Min(span.Length, Free)];
    }

    /// <summary>Counts bytes written into <see cref="GetWriteSpan"/>.</summary>
    public void Advance(int count) => End += count;

    /// <summary>Copies bytes to be sent.</summary>
    public void CopyTo(long offset, Span<byte> destination) => _blocks.Read(offset, destination);

    /// <summary>Releases acknowledged bytes.</summary>
    public void Release(long offset)
    {
        Start = offset;
        _blocks.ReleaseTo(offset);
        if (Start == End)
            _blocks.Clear();
    }

    /// <summary>Grows to a size, up to <see cref="MaxCapacity"/>, if memory is not tight. The buffer never shrinks.</summary>
    public void GrowTo(long size)
    {
        if (size > Capacity && !pool.IsTight)
            Capacity = Math.Max(Capacity, (int)Math.Min(size, MaxCapacity));
    }

    /// <summary>Returns the memory of an empty buffer.</summary>
    public void Trim() => _blocks.Trim();

    /// <summary>Whether there is memory that <see cref="Trim"/> would return.</summary>
    public bool IsTrimmable => _blocks.IsTrimmable;

    public void Dispose() => _blocks.Dispose();
}
