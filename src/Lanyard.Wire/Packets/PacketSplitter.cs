namespace Lanyard.Wire.Packets;

/// <summary>
/// Splits an armored packet for a path: the head is the packet's beginning as it is, the rest goes in fragments. The packet must have been
/// marked as fragmented before it was armored (<see cref="PacketBuilder.Seal"/> does so). It takes as few datagrams as the path allows, all
/// of one length, but for a last one that is a few bytes shorter where they do not come out even: such a run is what systems cut, and join,
/// for the asking.
/// </summary>
public static class PacketSplitter
{
    /// <summary>What splitting adds to a packet at most, in bytes.</summary>
    public const int MaxAddedBytes = (PacketFormat.MaxFragments - 1) * PacketFormat.FragmentHeaderBytes;

    /// <summary>Returns the length of all datagrams of a packet together, in bytes.</summary>
    /// <param name="packetBytes">The length of the packet.</param>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    /// <param name="datagramBytes">The length of every datagram but the last, which may be shorter.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The path's MTU is too small for a header, or the packet would take more than <see cref="PacketFormat.MaxFragments"/> datagrams
    /// (<see cref="PacketFormat.MaxPacketBytesFor"/> is the most).
    /// </exception>
    public static int Measure(int packetBytes, int mtuBytes, out int datagramBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mtuBytes, PacketFormat.HeaderBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(packetBytes, PacketFormat.MaxPacketBytesFor(mtuBytes));
        if (packetBytes <= mtuBytes)
        {
            datagramBytes = packetBytes;
            return packetBytes;
        }

        var dataBytes = mtuBytes - PacketFormat.FragmentHeaderBytes;
        var count = 1 + ((packetBytes - mtuBytes + dataBytes - 1) / dataBytes);
        var total = packetBytes + ((count - 1) * PacketFormat.FragmentHeaderBytes);
        datagramBytes = (total + count - 1) / count;
        return total;
    }

    /// <summary>Splits a packet where it lies, into datagrams one behind the other.</summary>
    /// <param name="buffer">The packet, and behind it room for what splitting adds: <see cref="MaxAddedBytes"/> suffice.</param>
    /// <param name="packetBytes">The length of the packet.</param>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    /// <param name="datagramBytes">The length of every datagram but the last, which may be shorter.</param>
    /// <returns>The length of all datagrams together.</returns>
    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Measure"/>, or there is no room behind the packet.</exception>
    public static int Split(Span<byte> buffer, int packetBytes, int mtuBytes, out int datagramBytes)
    {
        var total = Measure(packetBytes, mtuBytes, out datagramBytes);
        if (total == packetBytes)
            return total;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(total, buffer.Length);
        var count = (total + datagramBytes - 1) / datagramBytes;

        // From the last to the first, so that none is overwritten before it was moved.
        for (var number = count - 1; number > 0; number--)
        {
            var fragment = buffer[(number * datagramBytes)..Math.Min((number + 1) * datagramBytes, total)];
            var start = (number * datagramBytes) - ((number - 1) * PacketFormat.FragmentHeaderBytes);
            buffer.Slice(start, fragment.Length - PacketFormat.FragmentHeaderBytes).CopyTo(fragment[PacketFormat.FragmentHeaderBytes..]);

            // The ID and the destination are where they are in the packet.
            buffer[..PacketFormat.FragmentIndicatorOffset].CopyTo(fragment);
            fragment[PacketFormat.FragmentIndicatorOffset] = PacketFormat.FragmentIndicator;
            fragment[PacketFormat.FragmentNumberOffset] = (byte)((count << 4) | number);
            fragment[PacketFormat.FragmentHopsOffset] = 0;
        }

        return total;
    }

    /// <summary>
    /// Joins a packet where it lies, whose parts came one behind the other, in order and complete, as <see cref="Split"/> leaves them.
    /// </summary>
    /// <param name="run">Datagrams one behind the other; the first is the head of a packet.</param>
    /// <param name="datagramBytes">The length of every datagram but the last, which may be shorter.</param>
    /// <param name="packetBytes">The length of the packet, which then lies at the beginning.</param>
    /// <param name="takenBytes">The length of the datagrams that it was made from.</param>
    /// <returns>Whether they are all there; if not, nothing was changed.</returns>
    public static bool TryJoin(Span<byte> run, int datagramBytes, out int packetBytes, out int takenBytes)
    {
        packetBytes = takenBytes = 0;
        if (run.Length <= datagramBytes || !FragmentView.TryParse(Part(run, datagramBytes, 1), out var first))
            return false;
        var total = first.Total;
        if (run.Length <= (total - 1) * datagramBytes)
            return false;
        for (var number = 1; number < total; number++)
        {
            if (!FragmentView.TryParse(Part(run, datagramBytes, number), out var fragment)
                || fragment.Number != number || fragment.Total != total
                || !run[..PacketFormat.FragmentIndicatorOffset].SequenceEqual(fragment.Bytes[..PacketFormat.FragmentIndicatorOffset]))
                return false;
        }

        takenBytes = Math.Min(total * datagramBytes, run.Length);
        if (takenBytes - ((total - 1) * PacketFormat.FragmentHeaderBytes) > PacketFormat.MaxPacketBytes)
            return false;
        packetBytes = datagramBytes;
        for (var number = 1; number < total; number++)
        {
            var data = Part(run, datagramBytes, number)[PacketFormat.FragmentHeaderBytes..];
            data.CopyTo(run[packetBytes..]);
            packetBytes += data.Length;
        }

        return true;
    }

    private static Span<byte> Part(Span<byte> run, int datagramBytes, int number) =>
        run[(number * datagramBytes)..Math.Min((number + 1) * datagramBytes, run.Length)];
}
