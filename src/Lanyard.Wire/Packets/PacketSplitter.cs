namespace Lanyard.Wire.Packets;

/// <summary>
/// Splits an armored packet for a path: the head is the unchanged beginning of the packet, and fragments carry the rest. The packet must have been
/// marked as fragmented before it was armored (<see cref="PacketBuilder.Seal"/> does so). Splitting uses as few datagrams as the path allows, all
/// of one length, except that the last may be a few bytes shorter. Operating systems can send and receive such a run in one call (segmentation
/// offload).
/// </summary>
public static class PacketSplitter
{
    /// <summary>The maximum number of bytes that splitting adds to a packet.</summary>
    public const int MaxAddedBytes = (PacketFormat.MaxFragments - 1) * PacketFormat.FragmentHeaderBytes;

    /// <summary>Returns the total length of all datagrams of a packet, in bytes.</summary>
    /// <param name="packetBytes">The length of the packet.</param>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    /// <param name="datagramBytes">The length of every datagram except the last, which may be shorter.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The path's MTU is too small for a header, or the packet would take more than <see cref="PacketFormat.MaxFragments"/> datagrams
    /// (the limit is <see cref="PacketFormat.MaxPacketBytesFor"/>).
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

    /// <summary>Splits a packet in place, into consecutive datagrams.</summary>
    /// <param name="buffer">The packet, followed by room for the bytes that splitting adds: <see cref="MaxAddedBytes"/> are enough.</param>
    /// <param name="packetBytes">The length of the packet.</param>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    /// <param name="datagramBytes">The length of every datagram except the last, which may be shorter.</param>
    /// <returns>The total length of all datagrams.</returns>
    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Measure"/>, or there is too little room after the packet.</exception>
    public static int Split(Span<byte> buffer, int packetBytes, int mtuBytes, out int datagramBytes)
    {
        var total = Measure(packetBytes, mtuBytes, out datagramBytes);
        if (total == packetBytes)
            return total;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(total, buffer.Length);
        var count = (total + datagramBytes - 1) / datagramBytes;

        // Moves the last part first, so that no part is overwritten before it is moved.
        for (var number = count - 1; number > 0; number--)
        {
            var fragment = buffer[(number * datagramBytes)..Math.Min((number + 1) * datagramBytes, total)];
            var start = (number * datagramBytes) - ((number - 1) * PacketFormat.FragmentHeaderBytes);
            buffer.Slice(start, fragment.Length - PacketFormat.FragmentHeaderBytes).CopyTo(fragment[PacketFormat.FragmentHeaderBytes..]);

            // The ID and the destination have the same offsets in packets and fragments.
            buffer[..PacketFormat.FragmentIndicatorOffset].CopyTo(fragment);
            fragment[PacketFormat.FragmentIndicatorOffset] = PacketFormat.FragmentIndicator;
            fragment[PacketFormat.FragmentNumberOffset] = (byte)((count << 4) | number);
            fragment[PacketFormat.FragmentHopsOffset] = 0;
        }

        return total;
    }

    /// <summary>
    /// Joins a packet in place from consecutive datagrams that are complete and in order, as <see cref="Split"/> writes them.
    /// </summary>
    /// <param name="run">Consecutive datagrams; the first is the head of a packet.</param>
    /// <param name="datagramBytes">The length of every datagram except the last, which may be shorter.</param>
    /// <param name="packetBytes">The length of the joined packet, which is at the beginning.</param>
    /// <param name="takenBytes">The total length of the datagrams of the packet.</param>
    /// <returns>Whether all parts are present; if not, nothing was changed.</returns>
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
