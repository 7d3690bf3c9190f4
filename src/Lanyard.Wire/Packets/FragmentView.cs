using System.Buffers.Binary;

namespace Lanyard.Wire.Packets;

/// <summary>
/// A part, other than the first, of a packet too long for one datagram. It carries no code of its own: the joined packet is authenticated.
/// </summary>
/// <remarks>Layout: 8 bytes packet ID, 5 destination, 1 mark (0xff), 1 total (4 bits) and number (4 bits), 1 hops, data.</remarks>
public readonly ref struct FragmentView
{
    private FragmentView(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The whole fragment.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The ID of the packet that this is a part of, as it is in the packet's head.</summary>
    public ulong PacketId => BinaryPrimitives.ReadUInt64BigEndian(Bytes);

    /// <summary>The node that the packet is for.</summary>
    public NodeAddress Destination => NodeAddress.Read(Bytes[PacketFormat.DestinationOffset..]);

    /// <summary>Which part this is, 1 to <see cref="Total"/> - 1; the head is number 0.</summary>
    public int Number => Bytes[PacketFormat.FragmentNumberOffset] & 0xf;

    /// <summary>How many parts the packet has, its head included: 2 to <see cref="PacketFormat.MaxFragments"/>.</summary>
    public int Total => Bytes[PacketFormat.FragmentNumberOffset] >> 4;

    /// <summary>How many nodes relayed the fragment, 0 to 7.</summary>
    public int Hops => Bytes[PacketFormat.FragmentHopsOffset] & PacketFormat.HopsMask;

    /// <summary>The part of the packet.</summary>
    public ReadOnlySpan<byte> Data => Bytes[PacketFormat.FragmentHeaderBytes..];

    /// <summary>Reads a fragment; false where the bytes are none, or its numbers impossible.</summary>
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

    /// <summary>Counts one more hop in place. False, changing nothing, where the count has reached <paramref name="maxHops"/>.</summary>
    /// <param name="fragment">The fragment.</param>
    /// <param name="maxHops">How often a fragment may be relayed, at most <see cref="PacketFormat.MaxHops"/>.</param>
    public static bool TryIncrementHops(Span<byte> fragment, int maxHops)
    {
        ref var hops = ref fragment[PacketFormat.FragmentHopsOffset];
        if ((hops & PacketFormat.HopsMask) >= Math.Min(maxHops, PacketFormat.MaxHops))
            return false;
        hops++;
        return true;
    }
}
