using System.Buffers.Binary;

namespace Lanyard.Wire.Packets;

/// <summary>
/// A part, other than the first, of a packet that is too long for one datagram. It has no MAC of its own: the joined packet is authenticated.
/// </summary>
/// <remarks>Layout: 8 bytes packet ID, 5 destination, 1 mark (0xff), 1 total (4 bits) and number (4 bits), 1 hops, data.</remarks>
public readonly ref struct FragmentView
{
    private FragmentView(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The complete fragment.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The packet ID, as in the head of the packet.</summary>
    public ulong PacketId => BinaryPrimitives.ReadUInt64BigEndian(Bytes);

    /// <summary>The destination of the packet.</summary>
    public NodeAddress Destination => NodeAddress.Read(Bytes[PacketFormat.DestinationOffset..]);

    /// <summary>The number of this part, 1 to <see cref="Total"/> - 1; the head is number 0.</summary>
    public int Number => Bytes[PacketFormat.FragmentNumberOffset] & 0xf;

    /// <summary>The number of parts of the packet, including its head: 2 to <see cref="PacketFormat.MaxFragments"/>.</summary>
    public int Total => Bytes[PacketFormat.FragmentNumberOffset] >> 4;

    /// <summary>The number of nodes that relayed the fragment, 0 to 7.</summary>
    public int Hops => Bytes[PacketFormat.FragmentHopsOffset] & PacketFormat.HopsMask;

    /// <summary>The data of the part.</summary>
    public ReadOnlySpan<byte> Data => Bytes[PacketFormat.FragmentHeaderBytes..];

    /// <summary>Reads a fragment. Returns false if the bytes are not a fragment, or its numbers are invalid.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out FragmentView fragment)
    {
        fragment = default;
        if (bytes.Length is <= PacketFormat.FragmentHeaderBytes or > PacketFormat.MaxPacketBytes
            || bytes[PacketFormat.FragmentIndicatorOffset] != PacketFormat.FragmentIndicator)
            return false;
        var parsed = new FragmentView(bytes);
        if (parsed.Number == 0 || parsed.Number >= parsed.Total || parsed.Total > PacketFormat.MaxFragments)
            return false;
        fragment = parsed;
        return true;
    }

    /// <summary>Increments the hop count in place. Returns false and changes nothing if the count has reached <paramref name="maxHops"/>.</summary>
    /// <param name="fragment">The fragment.</param>
    /// <param name="maxHops">The maximum number of hops, at most <see cref="PacketFormat.MaxHops"/>.</param>
    public static bool TryIncrementHops(Span<byte> fragment, int maxHops)
    {
        ref var hops = ref fragment[PacketFormat.FragmentHopsOffset];
        if ((hops & PacketFormat.HopsMask) >= Math.Min(maxHops, PacketFormat.MaxHops))
            return false;
        hops++;
        return true;
    }
}
