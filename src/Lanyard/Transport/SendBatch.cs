using Lanyard.Engine.Packets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// Datagrams to be sent. They are added under the gate, and sealed and sent after the gate is left. Datagrams to one destination lie one behind the other in groups,
/// which some systems send with one call.
/// </summary>
internal sealed class SendBatch
{
    /// <summary>The maximum number of groups.</summary>
    public const int MaxGroups = 64;

    private const int MaxDatagramsInGroup = 64;
    private const int MaxGroupBytes = 65_000;
    private const int MaxSeals = 512;

    // Kept free behind a room: other datagrams may be sent while a frame is built in it.
    private const int ReserveBytes = 32 * 1024;
    private const int ReserveGroups = 16;

    private readonly Group[] _groups = new Group[MaxGroups];
    private readonly (int Offset, PacketSeal Seal)[] _seals = new (int, PacketSeal)[MaxSeals];
    private int _groupCount;
    private int _sealCount;
    private int _used;
    private int _roomStart = -1;
    private int _roomEnd;

    /// <summary>Creates an empty batch.</summary>
    /// <param name="bytes">The size in bytes, at least 64 KiB.</param>
    public SendBatch(int bytes)
    {
#if NET
        Bytes = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
#else
        Bytes = new byte[bytes];
#endif
    }

    /// <summary>The array of all datagrams. It does not move in memory on .NET.</summary>
    public byte[] Bytes { get; }

    public bool IsEmpty => _groupCount == 0;

    public ReadOnlySpan<Group> Groups => _groups.AsSpan(0, _groupCount);

    /// <summary>
    /// Reserves room to build a packet in, from where it is sent without a copy. The next call, or <see cref="Clear"/> without <c>keepsRoom</c>, takes the room back.
    /// Returns false if the batch must be sent first.
    /// </summary>
    /// <param name="bytes">The size in bytes, at most 16 KiB.</param>
    /// <param name="offset">The start of the room in <see cref="Bytes"/>.</param>
    public bool TryTakeRoom(int bytes, out int offset)
    {
        offset = _used;
        if (_used + bytes + ReserveBytes > Bytes.Length || _groupCount + ReserveGroups > MaxGroups || _sealCount + ReserveGroups > MaxSeals)
            return false;
        _roomStart = _used;
        _roomEnd = _used + bytes;
        return true;
    }

    /// <summary>Adds a copy of a datagram. Returns false if the batch must be sent first.</summary>
    public bool TryAdd(in InetEndpoint destination, ReadOnlySpan<byte> datagram, bool isExtensible)
    {
        var offset = FreeOffset;
        if (offset + datagram.Length > Bytes.Length || _groupCount == MaxGroups)
            return false;
        datagram.CopyTo(Bytes.AsSpan(offset));
        Append(destination, offset, datagram.Length, datagram.Length, isExtensible);
        return true;
    }

    /// <summary>Adds a packet: where it lies if that is the room of this batch, otherwise a copy. Returns false if the batch must be sent first.</summary>
    public bool TryAdd(in InetEndpoint destination, in UnsealedPacket packet, bool isExtensible)
    {
        var total = packet.Seal.TotalBytes;
        var isInRoom = ReferenceEquals(packet.Room, this) && packet.RoomStart == _roomStart;
        var offset = isInRoom ? _roomStart : FreeOffset;
        if (offset + total > Bytes.Length || _groupCount == MaxGroups || _sealCount == MaxSeals)
            return false;
        if (!isInRoom)
            packet.Bytes.CopyTo(Bytes.AsSpan(offset));
        _seals[_sealCount++] = (offset, packet.Seal);
        Append(destination, offset, total, packet.Seal.DatagramBytes, isExtensible);
        return true;
    }

    /// <summary>Seals all packets where they lie. Not under the gate.</summary>
    public void Seal()
    {
        for (var i = 0; i < _sealCount; i++)
        {
            ref readonly var entry = ref _seals[i];
            entry.Seal.Apply(Bytes.AsSpan(entry.Offset, entry.Seal.TotalBytes));
        }

        // Keys of peers that are gone must not stay in memory.
        Array.Clear(_seals, 0, _sealCount);
        _sealCount = 0;
    }

    /// <summary>Removes all datagrams.</summary>
    /// <param name="keepsRoom">Whether a packet is being built in the room.</param>
    public void Clear(bool keepsRoom)
    {
        _groupCount = _sealCount = 0;
        if (!keepsRoom)
            _roomStart = -1;
        _used = _roomStart >= 0 ? _roomStart : 0;
    }

    private int FreeOffset => _roomStart == _used ? _roomEnd : _used;

    // Adds the datagrams of one packet, or one datagram.
    private void Append(in InetEndpoint destination, int offset, int totalBytes, int datagramBytes, bool isExtensible)
    {
        _used = Math.Max(_used, offset + totalBytes);
        if (offset == _roomStart)
            _roomStart = -1;
        if (_groupCount > 0 && _groups[_groupCount - 1].TryAdd(destination, offset, totalBytes, datagramBytes))
            return;
        _groups[_groupCount++] = new Group(destination, offset, totalBytes, datagramBytes, isExtensible);
    }

    /// <summary>Datagrams to one destination, one behind the other; all have one length, but for a shorter last one.</summary>
    public struct Group(InetEndpoint destination, int offset, int totalBytes, int datagramBytes, bool isExtensible)
    {
        private bool _isExtensible = isExtensible && totalBytes % Math.Max(datagramBytes, 1) == 0;

        public readonly InetEndpoint Destination = destination;

        /// <summary>The start of the group in the batch.</summary>
        public readonly int Offset = offset;

        /// <summary>The length of each datagram but the last.</summary>
        public readonly int DatagramBytes = datagramBytes;

        /// <summary>The length of all datagrams together.</summary>
        public int TotalBytes = totalBytes;

        /// <summary>The number of datagrams.</summary>
        public readonly int Datagrams => DatagramBytes == 0 ? 1 : (TotalBytes + DatagramBytes - 1) / DatagramBytes;

        internal bool TryAdd(in InetEndpoint destination, int offset, int totalBytes, int datagramBytes)
        {
            if (!_isExtensible || totalBytes == 0 || offset != Offset + TotalBytes || destination != Destination
                || (datagramBytes != DatagramBytes && (datagramBytes > DatagramBytes || totalBytes > datagramBytes))
                || TotalBytes + totalBytes > MaxGroupBytes || Datagrams + ((totalBytes + datagramBytes - 1) / datagramBytes) > MaxDatagramsInGroup)
                return false;
            TotalBytes += totalBytes;
            _isExtensible = totalBytes % DatagramBytes == 0;
            return true;
        }
    }
}
