using System.Buffers.Binary;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>Writes a packet's header, and changes its mutable fields in place. Each call takes a span that begins with the packet.</summary>
public static class PacketHeader
{
    /// <summary>Writes the 28 bytes of a header: no flags, no hops, suite 0, no MAC.</summary>
    /// <param name="packet">The destination; at least <see cref="PacketFormat.HeaderBytes"/>.</param>
    /// <param name="packetId">A number that was never used before between these two nodes: random, or random with a counter in it.</param>
    /// <param name="destination">The receiver.</param>
    /// <param name="source">The sender.</param>
    /// <param name="verb">The verb.</param>
    /// <param name="compressed">Whether the payload is an LZ4 block.</param>
    public static void Write(Span<byte> packet, ulong packetId, NodeAddress destination, NodeAddress source, Verb verb, bool compressed = false)
    {
        packet = packet[..PacketFormat.HeaderBytes];
        BinaryPrimitives.WriteUInt64BigEndian(packet, packetId);
        destination.Write(packet[PacketFormat.DestinationOffset..]);
        source.Write(packet[PacketFormat.SourceOffset..]);
        packet[PacketFormat.FlagsOffset] = 0;
        packet.Slice(PacketFormat.MacOffset, sizeof(ulong)).Clear();
        packet[PacketFormat.VerbOffset] = (byte)((byte)verb | (compressed ? PacketFormat.CompressedFlag : 0));
    }

    /// <summary>Returns the current packet ID. <see cref="CipherSuite.AesGmacSiv"/> changes it: to wait for a reply, read it after armoring.</summary>
    public static ulong GetPacketId(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt64BigEndian(packet);

    /// <summary>Marks the packet as fragmented. The MAC covers the flag: set it before armoring.</summary>
    public static void SetFragmented(Span<byte> packet, bool fragmented)
    {
        ref var flags = ref packet[PacketFormat.FlagsOffset];
        flags = (byte)(fragmented ? flags | PacketFormat.FragmentedFlag : flags & ~PacketFormat.FragmentedFlag);
    }

    /// <summary>Increments the hop count, which the MAC does not cover. Returns false and changes nothing if the count has reached <paramref name="maxHops"/>.</summary>
    /// <param name="packet">The packet, or its head.</param>
    /// <param name="maxHops">The maximum number of hops, at most <see cref="PacketFormat.MaxHops"/>.</param>
    public static bool TryIncrementHops(Span<byte> packet, int maxHops)
    {
        ref var flags = ref packet[PacketFormat.FlagsOffset];
        if ((flags & PacketFormat.HopsMask) >= Math.Min(maxHops, PacketFormat.MaxHops))
            return false;
        flags++;
        return true;
    }

    /// <summary>Marks the packet as sent over a trusted path: neither encrypted nor authenticated.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="pathId">The number of the path, which both ends are configured with.</param>
    public static void SetTrustedPath(Span<byte> packet, ulong pathId)
    {
        SetSuite(packet, CipherSuite.TrustedPath);
        BinaryPrimitives.WriteUInt64BigEndian(packet[PacketFormat.MacOffset..], pathId);
    }

    internal static void SetSuite(Span<byte> packet, CipherSuite suite)
    {
        ref var flags = ref packet[PacketFormat.FlagsOffset];
        flags = (byte)((flags & ~(PacketFormat.CipherMask | PacketFormat.LegacyEncryptedFlag))
            | ((byte)suite << PacketFormat.CipherShift)
            | (suite == CipherSuite.Salsa2012Poly1305 ? PacketFormat.LegacyEncryptedFlag : 0));
    }
}
