namespace Lanyard.NetStack;

/// <summary>
/// The host's buffers, in sizes that are powers of two from 256 bytes to 64 KiB. Counts what is out, refuses beyond the limit
/// (<see cref="HostLimits.BufferBytes"/>), and keeps some of what comes back. A buffer belongs to whoever rented it until it is returned.
/// </summary>
internal sealed class BufferPool(long limitBytes)
{
    private const int MinShift = 8;
    private const int MaxShift = 16;
    private const long MaxRetainedBytes = 16 << 20;

    private readonly Stack<byte[]>[] _free = MakeStacks();
    private long _retained;

    /// <summary>The longest buffer there is.</summary>
    public const int MaxLength = 1 << MaxShift;

    /// <summary>Bytes of the buffers that are out.</summary>
    public long Outstanding { get; private set; }

    /// <summary>From half of the limit nothing should grow.</summary>
    public bool IsTight => Outstanding >= limitBytes / 2;

    /// <summary>From three quarters of the limit only what makes progress certain should be kept.</summary>
    public bool IsScarce => Outstanding >= limitBytes / 4 * 3;

    /// <summary>A buffer of at least <paramref name="length"/> bytes with any contents, or null beyond the limit or 64 KiB.</summary>
    public byte[]? Rent(int length)
    {
        var shift = ShiftOf(length);
        var size = 1 << shift;
        if (shift > MaxShift || Outstanding + size > limitBytes)
            return null;
        Outstanding += size;
        if (_free[shift - MinShift].TryPop(out var buffer))
        {
            _retained -= size;
            return buffer;
        }
#if NET
        return GC.AllocateUninitializedArray<byte>(size);
#else
        return new byte[size];
#endif
    }

    /// <summary>Takes back a buffer that <see cref="Rent"/> gave.</summary>
    public void Return(byte[] buffer)
    {
        Outstanding -= buffer.Length;
        if (_retained + buffer.Length > MaxRetainedBytes)
            return;
        _retained += buffer.Length;
        _free[ShiftOf(buffer.Length) - MinShift].Push(buffer);
    }

    private static int ShiftOf(int length)
    {
        var shift = MinShift;
        while (1 << shift < length)
            shift++;
        return shift;
    }

    private static Stack<byte[]>[] MakeStacks()
    {
        var stacks = new Stack<byte[]>[MaxShift - MinShift + 1];
        for (var i = 0; i < stacks.Length; i++)
            stacks[i] = new Stack<byte[]>();
        return stacks;
    }
}
