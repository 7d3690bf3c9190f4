namespace Lanyard.NetStack;

/// <summary>
/// The host's buffers, in sizes that are powers of two from 256 bytes to 64 KiB. Limits the rented bytes (<see cref="HostLimits.BufferBytes"/>), and
/// retains as many returned buffers as were recently rented at the same time. A buffer belongs to its renter until it is returned.
/// </summary>
internal sealed class BufferPool(long limitBytes)
{
    private const int MinShift = 8;
    private const int MaxShift = 16;
    private const long AlwaysKeptBytes = 1 << 20;

    private readonly Shelf[] _shelves = MakeShelves();

    /// <summary>The length of the longest buffer in bytes.</summary>
    public const int MaxLength = 1 << MaxShift;

    /// <summary>The bytes of rented buffers.</summary>
    public long Outstanding { get; private set; }

    /// <summary>The bytes of retained buffers.</summary>
    public long Retained { get; private set; }

    /// <summary>Whether more than 1 MiB is retained, so that <see cref="Trim"/> should be called after a while.</summary>
    public bool IsTrimmable => Retained > AlwaysKeptBytes;

    /// <summary>Whether half of the limit is rented, so that buffers should not grow.</summary>
    public bool IsTight => Outstanding >= limitBytes / 2;

    /// <summary>Whether three quarters of the limit are rented, so that only data that makes progress should be kept.</summary>
    public bool IsScarce => Outstanding >= limitBytes / 4 * 3;

    /// <summary>Rents a buffer of at least <paramref name="length"/> bytes with any contents; null beyond the limit or 64 KiB.</summary>
    public byte[]? Rent(int length)
    {
        var shift = ShiftOf(length);
        var size = 1 << shift;
        if (shift > MaxShift || Outstanding + size > limitBytes)
            return null;
        var shelf = _shelves[shift - MinShift];
        Outstanding += size;
        shelf.Out++;
        shelf.Peak = Math.Max(shelf.Peak, shelf.Out);
        if (shelf.Free.TryPop(out var buffer))
        {
            Retained -= size;
            return buffer;
        }
#if NET
        return GC.AllocateUninitializedArray<byte>(size);
#else
        return new byte[size];
#endif
    }

    /// <summary>Returns a buffer that <see cref="Rent"/> gave out.</summary>
    public void Return(byte[] buffer)
    {
        var shelf = _shelves[ShiftOf(buffer.Length) - MinShift];
        Outstanding -= buffer.Length;
        shelf.Out--;
        if (shelf.Spare >= 0 && Retained + buffer.Length > AlwaysKeptBytes)
            return;
        Retained += buffer.Length;
        shelf.Free.Push(buffer);
    }

    /// <summary>Frees the buffers that were not needed since the call before the last one.</summary>
    public void Trim()
    {
        for (var i = _shelves.Length - 1; i >= 0; i--)
        {
            var shelf = _shelves[i];
            shelf.LastPeak = shelf.Peak;
            shelf.Peak = shelf.Out;
            while (shelf.Spare > 0 && IsTrimmable && shelf.Free.TryPop(out var buffer))
                Retained -= buffer.Length;
        }
    }

    private static int ShiftOf(int length)
    {
        var shift = MinShift;
        while (1 << shift < length)
            shift++;
        return shift;
    }

    private static Shelf[] MakeShelves()
    {
        var shelves = new Shelf[MaxShift - MinShift + 1];
        for (var i = 0; i < shelves.Length; i++)
            shelves[i] = new Shelf();
        return shelves;
    }

    /// <summary>The buffers of one size, counted.</summary>
    private sealed class Shelf
    {
        public readonly Stack<byte[]> Free = new();
        public int Out;

        // The most that were out at a time, between the last two trims and since.
        public int LastPeak;
        public int Peak;

        /// <summary>The number of buffers beyond the maximum that was rented at a time.</summary>
        public int Spare => Out + Free.Count - Math.Max(LastPeak, Peak);
    }
}
