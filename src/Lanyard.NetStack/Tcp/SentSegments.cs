namespace Lanyard.NetStack;

/// <summary>The state of a segment in flight.</summary>
[Flags]
internal enum SentState : byte
{
    /// <summary>Sent once, not acknowledged.</summary>
    None = 0,

    /// <summary>Selectively acknowledged.</summary>
    Sacked = 1,

    /// <summary>Counts as lost.</summary>
    Lost = 2,

    /// <summary>Retransmitted, and the retransmission counts as in flight.</summary>
    Retransmitted = 4,

    /// <summary>Retransmitted at any time, so that it does not measure the round-trip time (Karn).</summary>
    EverRetransmitted = 8,

    /// <summary>The last sequence number is the FIN.</summary>
    Fin = 16,

    /// <summary>Sent while the application, not the path, limited the rate.</summary>
    AppLimited = 32,
}

/// <summary>A segment sent and not acknowledged.</summary>
internal struct SentSegment
{
    public long Start;
    public int Length;
    public SentState State;

    /// <summary>The time it was sent last, in microseconds.</summary>
    public long SentAt;

    /// <summary>The time it was sent first, in microseconds.</summary>
    public long FirstSentAt;

    /// <summary>The bytes delivered before it was sent last, the time of that delivery, and the time at which the flight that it measures began
    /// (<see cref="DeliveryRate"/>).</summary>
    public long Delivered;
    public long DeliveredAt;
    public long FlightSentAt;

    public readonly long End => Start + Length;

    public readonly bool Is(SentState state) => (State & state) != 0;
}

/// <summary>
/// The segments in flight by sequence number, each with its state (the scoreboard of RFC 6675), and the sums over them. State changes only through
/// this class, so that the sums stay right.
/// </summary>
internal sealed class SentSegments
{
    private const int InitialCapacity = 8;

    private SentSegment[] _ring = [];
    private int _head;

    public int Count { get; private set; }

    /// <summary>Bytes selectively acknowledged.</summary>
    public long Sacked { get; private set; }

    /// <summary>Bytes that count as lost.</summary>
    public long Lost { get; private set; }

    /// <summary>Bytes of <see cref="Lost"/> that were not retransmitted.</summary>
    public long LostUnsent { get; private set; }

    /// <summary>All bytes that ever counted as lost, once for each time.</summary>
    public long LostEver { get; private set; }

    /// <summary>Retransmitted bytes that count as in flight.</summary>
    public long Retransmitted { get; private set; }

    public ref SentSegment this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

    /// <summary>Adds a segment behind the others. The caller sets every field, and no state that the sums count.</summary>
    public ref SentSegment Add()
    {
        EnsureRoom();
        Count++;
        return ref this[Count - 1];
    }

    public void RemoveFirst()
    {
        Account(this[0], -1);
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
    }

    /// <summary>Removes the bytes of the first segment before <paramref name="start"/>.</summary>
    public void TrimFirst(long start)
    {
        ref var first = ref this[0];
        Account(first, -1);
        first.Length = (int)(first.End - start);
        first.Start = start;
        Account(first, 1);
    }

    /// <summary>Splits a segment after <paramref name="length"/> bytes.</summary>
    public void Split(int index, int length)
    {
        EnsureRoom();
        Count++;
        for (var i = Count - 1; i > index; i--)
            this[i] = this[i - 1];
        ref var first = ref this[index];
        ref var second = ref this[index + 1];
        second.Start += length;
        second.Length -= length;
        first.Length = length;
        first.State &= ~SentState.Fin;
    }

    /// <summary>Changes a segment's state.</summary>
    public void Change(ref SentSegment segment, SentState set, SentState clear)
    {
        Account(segment, -1);
        if ((set & SentState.Lost) != 0 && (segment.State & (SentState.Lost | SentState.Retransmitted)) != SentState.Lost)
            LostEver += segment.Length;
        segment.State = (segment.State & ~clear) | set;
        Account(segment, 1);
    }

    /// <summary>Returns the index of the first segment that ends after a sequence number; <see cref="Count"/> if none does.</summary>
    public int FindEndingAfter(long sequence)
    {
        var low = 0;
        var high = Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (this[middle].End <= sequence)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>Returns the memory if nothing is in flight.</summary>
    public void Trim()
    {
        if (Count == 0)
            Clear();
    }

    /// <summary>Whether there is memory that <see cref="Trim"/> would return.</summary>
    public bool IsTrimmable => Count == 0 && _ring.Length > 0;

    /// <summary>Removes all segments and returns their memory.</summary>
    public void Clear()
    {
        _ring = [];
        _head = 0;
        Count = 0;
        Sacked = Lost = LostUnsent = Retransmitted = 0;
    }

    private void Account(in SentSegment segment, int sign)
    {
        var amount = sign * segment.Length;
        if (segment.Is(SentState.Sacked))
            Sacked += amount;
        if (segment.Is(SentState.Retransmitted))
            Retransmitted += amount;
        if (!segment.Is(SentState.Lost))
            return;
        Lost += amount;
        if (!segment.Is(SentState.Retransmitted))
            LostUnsent += amount;
    }

    private void EnsureRoom()
    {
        if (Count < _ring.Length)
            return;
        var larger = new SentSegment[Math.Max(InitialCapacity, _ring.Length * 2)];
        for (var i = 0; i < Count; i++)
            larger[i] = this[i];
        _ring = larger;
        _head = 0;
    }
}
