namespace Lanyard.NetStack;

/// <summary>
/// A stretch of a byte stream, addressed by stream offset, in blocks from the host's pool. Holds a block only where bytes were written and
/// not yet released, so an idle connection holds none. Gaps are allowed; their contents are undefined until written.
/// </summary>
internal struct BlockBuffer(BufferPool pool)
{
    /// <summary>The size of a block.</summary>
    public const int BlockBytes = 1 << BlockShift;

    private const int BlockShift = 14;
    private const int BlockMask = BlockBytes - 1;

    // A ring of a power of two: the block that holds offset o is at (o >> BlockShift) & (Length - 1). Only indexes in [_first, _end) may
    // be held.
    private byte[]?[] _ring = [];
    private long _first;
    private long _end;

    /// <summary>Copies bytes to an offset at or after the released ones. False, with nothing promised, if the pool gives no
    /// block.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var span = GetWriteSpan(offset);
            if (span.IsEmpty)
                return false;
            var count = Math.Min(span.Length, data.Length);
            data[..count].CopyTo(span);
            data = data[count..];
            offset += count;
        }

        return true;
    }

    /// <summary>The rest of the block at an offset, to write into; empty if the pool gives no block.</summary>
    public Span<byte> GetWriteSpan(long offset)
    {
        var index = offset >> BlockShift;
        if (index >= _end)
        {
            EnsureRing((int)(index - _first) + 1);
            _end = index + 1;
        }

        ref var block = ref _ring[index & (_ring.Length - 1)];
        if (block is null)
        {
            block = pool.Rent(BlockBytes);
            if (block is null)
                return default;
        }

        return block.AsSpan((int)(offset & BlockMask));
    }

    /// <summary>Copies bytes that were written.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var span = Peek(offset, destination.Length);
            span.CopyTo(destination);
            destination = destination[span.Length..];
            offset += span.Length;
        }
    }

    /// <summary>Bytes that were written, in place, up to the end of their block.</summary>
    public ReadOnlySpan<byte> Peek(long offset, int length)
    {
        var block = _ring[(offset >> BlockShift) & (_ring.Length - 1)]!;
        var start = (int)(offset & BlockMask);
        return block.AsSpan(start, Math.Min(length, BlockBytes - start));
    }

    /// <summary>Gives back the blocks before an offset.</summary>
    public void ReleaseTo(long offset)
    {
        var index = offset >> BlockShift;
        for (var i = _first; i < Math.Min(index, _end); i++)
            Return(i);
        _first = Math.Max(_first, index);
        _end = Math.Max(_end, _first);
    }

    /// <summary>Returns every block. Writing continues at or after the offset released last.</summary>
    public void Clear()
    {
        for (var i = _first; i < _end; i++)
            Return(i);
        _end = _first;
    }

    /// <summary>Gives the ring back if no block is held.</summary>
    public void Trim()
    {
        if (IsTrimmable)
            _ring = [];
    }

    /// <summary>Whether there is memory that <see cref="Trim"/> would give back.</summary>
    public bool IsTrimmable => _ring.Length > 0 && _first == _end;

    /// <summary>Gives back every block and the ring.</summary>
    public void Dispose()
    {
        Clear();
        _ring = [];
    }

    private void Return(long index)
    {
        ref var block = ref _ring[index & (_ring.Length - 1)];
        if (block is null)
            return;
        pool.Return(block);
        block = null;
    }

    private void EnsureRing(int blocks)
    {
        if (_ring.Length >= blocks)
            return;
        var length = Math.Max(_ring.Length, 4);
        while (length < blocks)
            length *= 2;
        var ring = new byte[]?[length];
        for (var index = _first; index < _end; index++)
            ring[index & (length - 1)] = _ring[index & (_ring.Length - 1)];
        _ring = ring;
    }
}
