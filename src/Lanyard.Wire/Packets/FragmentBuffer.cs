using Lanyard.Primitives;

namespace Lanyard.Wire.Packets;

/// <summary>The result of adding a part to a <see cref="FragmentBuffer"/>.</summary>
public enum FragmentResult : byte
{
    /// <summary>The part is kept until the others have arrived.</summary>
    Waiting,

    /// <summary>The part was the last: the packet is joined.</summary>
    Joined,

    /// <summary>The part is a duplicate; the first copy is kept.</summary>
    Duplicate,

    /// <summary>The part contradicts the others or would make the packet too long; the kept parts of the packet are dropped.</summary>
    Contradiction,

    /// <summary>The part begins a packet of a stranger, and packets of known sources use all the room.</summary>
    Refused,
}

/// <summary>
/// Incomplete packets. Parts may arrive in any order; all parts of one packet come from one source. The buffer stores a
/// fixed number of packets of at most <see cref="PacketFormat.MaxPacketBytes"/> each. If it is full, packets of strangers are replaced before packets of known sources, and among
/// these, packets of the prefix that has most; strangers use at most half of the buffer. It has no clock: the owner drops old packets. Not thread-safe.
/// </summary>
public sealed class FragmentBuffer
{
    /// <summary>The default capacity in packets.</summary>
    public const int DefaultCapacity = 32;

    private readonly Slot?[] _slots;
    private readonly ulong _key;
    private long _begun;

    /// <summary>Creates a buffer for a number of packets. It allocates memory when packets arrive, and keeps it.</summary>
    /// <param name="capacity">The maximum number of incomplete packets; each may take <see cref="PacketFormat.MaxPacketBytes"/>.</param>
    /// <param name="key">A secret number, so that others cannot predict which sources are counted together.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is less than 1.</exception>
    public FragmentBuffer(int capacity = DefaultCapacity, ulong key = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _slots = new Slot?[capacity];
        _key = key;
    }

    /// <summary>The number of incomplete packets.</summary>
    public int Count { get; private set; }

    /// <summary>The number of incomplete packets that newer ones have replaced so far.</summary>
    public long Displaced { get; private set; }

    /// <summary>Adds the head of a packet: a packet with <see cref="PacketView.IsFragmented"/>.</summary>
    /// <param name="head">The head.</param>
    /// <param name="source">The sender's endpoint.</param>
    /// <param name="isKnown">Whether a peer is known at the source; otherwise the source is a stranger.</param>
    /// <param name="time">The time that <see cref="DropOlderThan"/> compares with, in any unit.</param>
    /// <param name="joined">The buffer for the joined packet; <see cref="PacketFormat.MaxPacketBytes"/> are enough.</param>
    /// <param name="length">The length of the joined packet; 0 if it is incomplete.</param>
    /// <exception cref="ArgumentException"><paramref name="joined"/> is too short for the joined packet.</exception>
    public FragmentResult AddHead(PacketView head, InetEndpoint source, bool isKnown, long time, Span<byte> joined, out int length) =>
        Add(head.PacketId, source, isKnown, time, number: 0, total: 0, head.Bytes, joined, out length);

    /// <summary>Adds another part of a packet.</summary>
    /// <param name="fragment">The part.</param>
    /// <param name="source">The sender's endpoint.</param>
    /// <param name="isKnown">Whether a peer is known at the source; otherwise the source is a stranger.</param>
    /// <param name="time">The time that <see cref="DropOlderThan"/> compares with, in any unit.</param>
    /// <param name="joined">The buffer for the joined packet; <see cref="PacketFormat.MaxPacketBytes"/> are enough.</param>
    /// <param name="length">The length of the joined packet; 0 if it is incomplete.</param>
    /// <exception cref="ArgumentException"><paramref name="joined"/> is too short for the joined packet.</exception>
    public FragmentResult AddFragment(FragmentView fragment, InetEndpoint source, bool isKnown, long time, Span<byte> joined, out int length) =>
        Add(fragment.PacketId, source, isKnown, time, fragment.Number, fragment.Total, fragment.Data, joined, out length);

    /// <summary>Drops the packets whose first part arrived before a time, and returns their number.</summary>
    public int DropOlderThan(long time)
    {
        var dropped = 0;
        foreach (var slot in _slots)
        {
            if (slot is not { IsUsed: true } || slot.Time >= time)
                continue;
            Release(slot);
            dropped++;
        }

        return dropped;
    }

    // The head of a packet does not contain the number of parts: its total is 0.
    private FragmentResult Add(
        ulong packetId, InetEndpoint source, bool isKnown, long time, int number, int total, ReadOnlySpan<byte> data, Span<byte> joined, out int length)
    {
        length = 0;
        var slot = Find(packetId, source) ?? Begin(packetId, source, isKnown, time);
        if (slot is null)
            return FragmentResult.Refused;
        if (slot.Has(number))
            return FragmentResult.Duplicate;
        if (!slot.TryAdd(number, total, data))
        {
            Release(slot);
            return FragmentResult.Contradiction;
        }

        if (!slot.IsComplete)
            return FragmentResult.Waiting;
        length = slot.Join(joined);
        Release(slot);
        return FragmentResult.Joined;
    }

    private Slot? Find(ulong packetId, InetEndpoint source)
    {
        foreach (var slot in _slots)
        {
            if (slot is { IsUsed: true } && slot.PacketId == packetId && slot.Source == source)
                return slot;
        }

        return null;
    }

    // Returns null if there is no room for a stranger.
    private Slot? Begin(ulong packetId, InetEndpoint source, bool isKnown, long time)
    {
        var free = -1;
        var strangers = 0;
        for (var i = 0; i < _slots.Length; i++)
        {
            if (_slots[i] is not { IsUsed: true } slot)
                free = free < 0 ? i : free;
            else if (!slot.IsKnown)
                strangers++;
        }

        var isOverHalf = !isKnown && strangers >= Math.Max(_slots.Length / 2, 1);
        Slot? taken;
        if (free >= 0 && !isOverHalf)
        {
            taken = _slots[free] ??= new Slot();
        }
        else
        {
            taken = FindHeaviest(areKnown: isKnown && strangers == 0);
            if (taken is null)
                return null;
            Release(taken);
            Displaced++;
        }

        taken.Begin(packetId, source, isKnown, time, _begun++);
        Count++;
        return taken;
    }

    // Returns the oldest packet of the prefix that has most incomplete packets.
    private Slot? FindHeaviest(bool areKnown)
    {
        var tally = new PrefixTally(stackalloc ushort[PrefixTally.Slots], _key);
        foreach (var slot in _slots)
        {
            if (slot is { IsUsed: true } && slot.IsKnown == areKnown)
                tally.Add(slot.Source.Address);
        }

        Slot? heaviest = null;
        var most = 0;
        foreach (var slot in _slots)
        {
            if (slot is not { IsUsed: true } || slot.IsKnown != areKnown)
                continue;
            var count = tally.CountOf(slot.Source.Address);
            if (heaviest is null || count > most || (count == most && slot.Order < heaviest.Order))
                (heaviest, most) = (slot, count);
        }

        return heaviest;
    }

    private void Release(Slot slot)
    {
        slot.IsUsed = false;
        Count--;
    }

    // One incomplete packet. Its parts are stored one after another in order of arrival.
    private sealed class Slot
    {
        private readonly byte[] _data = new byte[PacketFormat.MaxPacketBytes];
        private readonly (int Start, int Length)[] _parts = new (int, int)[PacketFormat.MaxFragments];
        private int _used;
        private int _total;
        private int _have;

        public bool IsUsed { get; set; }

        public ulong PacketId { get; private set; }

        public InetEndpoint Source { get; private set; }

        public bool IsKnown { get; private set; }

        public long Time { get; private set; }

        public long Order { get; private set; }

        public bool IsComplete => _total > 0 && _have == (1 << _total) - 1;

        public void Begin(ulong packetId, InetEndpoint source, bool isKnown, long time, long order)
        {
            (PacketId, Source, IsKnown, Time, Order, IsUsed) = (packetId, source, isKnown, time, order, true);
            _used = _total = _have = 0;
        }

        public bool Has(int number) => (_have & (1 << number)) != 0;

        public bool TryAdd(int number, int total, ReadOnlySpan<byte> data)
        {
            if (total > 0 && _total > 0 && total != _total)
                return false;
            if (data.Length > _data.Length - _used)
                return false;
            if (total > 0)
                _total = total;
            data.CopyTo(_data.AsSpan(_used));
            _parts[number] = (_used, data.Length);
            _used += data.Length;
            _have |= 1 << number;
            return true;
        }

        public int Join(Span<byte> destination)
        {
            for (var i = 0; i < _total; i++)
            {
                var (start, length) = _parts[i];
                _data.AsSpan(start, length).CopyTo(destination);
                destination = destination[length..];
            }

            return _used;
        }
    }
}
