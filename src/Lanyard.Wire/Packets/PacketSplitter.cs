namespace Lanyard.Wire.Packets;

/// <summary>
/// Splits an armored packet for a path: the head is the packet's beginning as it is, the rest goes in fragments. The packet must have been
/// marked as fragmented before it was armored (<see cref="PacketBuilder.Seal"/> does so). It takes as few datagrams as the path allows, all
/// of one length, but for a last one that is a few bytes shorter where they do not come out even: such a run is what systems cut, and join,
/// for the asking.
/// </summary>
public readonly ref struct PacketSplitter
{
    private readonly ReadOnlySpan<byte> _packet;
    private readonly int _datagramBytes;

    /// <summary>Splits a packet.</summary>
    /// <param name="packet">The packet, armored.</param>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The path's MTU is too small for a header, or the packet would take more than <see cref="PacketFormat.MaxFragments"/> datagrams:
    /// <see cref="PacketFormat.MaxPacketBytesFor"/> is the most.
    /// </exception>
    public PacketSplitter(ReadOnlySpan<byte> packet, int mtuBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mtuBytes, PacketFormat.HeaderBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(packet.Length, PacketFormat.MaxPacketBytesFor(mtuBytes), nameof(packet));
        _packet = packet;
        var dataBytes = mtuBytes - PacketFormat.FragmentHeaderBytes;
        Count = 1 + ((Math.Max(packet.Length - mtuBytes, 0) + dataBytes - 1) / dataBytes);
        _datagramBytes = (packet.Length + ((Count - 1) * PacketFormat.FragmentHeaderBytes) + Count - 1) / Count;
    }

    /// <summary>How many datagrams the packet takes: 1 to <see cref="PacketFormat.MaxFragments"/>.</summary>
    public int Count { get; }

    /// <summary>The first datagram.</summary>
    public ReadOnlySpan<byte> Head => _packet[.._datagramBytes];

    private int DataBytes => _datagramBytes - PacketFormat.FragmentHeaderBytes;

    /// <summary>The length in bytes of one of the datagrams, its header included.</summary>
    /// <param name="number">0 is the head.</param>
    public int LengthOf(int number) => number == 0
        ? Head.Length
        : PacketFormat.FragmentHeaderBytes + Math.Min(DataBytes, _packet.Length - _datagramBytes - ((number - 1) * DataBytes));

    /// <summary>Writes one of the datagrams and returns its length.</summary>
    /// <param name="number">0 is the head, which is only copied.</param>
    /// <param name="destination">At least <see cref="LengthOf"/> bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such part, or no room for it.</exception>
    public int Write(int number, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, Count - 1);
        destination = destination[..LengthOf(number)];
        if (number == 0)
        {
            Head.CopyTo(destination);
            return destination.Length;
        }

        // The ID and the destination are where they are in the packet.
        _packet[..PacketFormat.FragmentIndicatorOffset].CopyTo(destination);
        destination[PacketFormat.FragmentIndicatorOffset] = PacketFormat.FragmentIndicator;
        destination[PacketFormat.FragmentNumberOffset] = (byte)((Count << 4) | number);
        destination[PacketFormat.FragmentHopsOffset] = 0;
        _packet.Slice(_datagramBytes + ((number - 1) * DataBytes), destination.Length - PacketFormat.FragmentHeaderBytes)
            .CopyTo(destination[PacketFormat.FragmentHeaderBytes..]);
        return destination.Length;
    }
}
