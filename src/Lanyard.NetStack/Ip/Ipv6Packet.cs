using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>An IPv6 packet in place (RFC 8200 section 3). The lengths are checked; extension headers are part of the payload.</summary>
internal readonly ref struct Ipv6Packet
{
    /// <summary>The fixed header.</summary>
    public const int HeaderBytes = 40;

    /// <summary>The longest payload that one packet carries.</summary>
    public const int MaxPayloadBytes = 65_535;

    /// <summary>The MTU that every IPv6 link has.</summary>
    public const int MinMtu = 1280;

    private readonly ReadOnlySpan<byte> _packet;

    private Ipv6Packet(ReadOnlySpan<byte> packet) => _packet = packet;

    public byte TrafficClass => (byte)(BinaryPrimitives.ReadUInt16BigEndian(_packet) >> 4);

    public byte NextHeader => _packet[6];

    public byte HopLimit => _packet[7];

    public InetAddress Source => InetAddress.FromBytes(_packet.Slice(8, 16));

    public InetAddress Destination => InetAddress.FromBytes(_packet.Slice(24, 16));

    public ReadOnlySpan<byte> Payload => _packet[HeaderBytes..];

    /// <summary>Reads bytes as a packet, without the bytes after its length.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv6Packet packet)
    {
        packet = default;
        if (bytes.Length < HeaderBytes || bytes[0] >> 4 != 6)
            return false;
        var total = HeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (total > bytes.Length)
            return false;
        packet = new Ipv6Packet(bytes[..total]);
        return true;
    }

    /// <summary>Writes a header in front of <paramref name="payloadLength"/> bytes.</summary>
    public static void WriteHeader(Span<byte> packet, InetAddress source, InetAddress destination, byte nextHeader, byte hopLimit,
        byte trafficClass,
        int payloadLength)
    {
        packet = packet[..HeaderBytes];
        BinaryPrimitives.WriteUInt32BigEndian(packet, (6u << 28) | ((uint)trafficClass << 20));
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)payloadLength);
        packet[6] = nextHeader;
        packet[7] = hopLimit;
        source.Write(packet.Slice(8, 16));
        destination.Write(packet.Slice(24, 16));
    }
}

/// <summary>The IPv6 fragment header (RFC 8200 section 4.5).</summary>
internal readonly record struct Ipv6FragmentHeader(byte NextHeader, int Offset, bool MoreFragments, uint Identification)
{
    public const int Bytes = 8;

    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv6FragmentHeader header)
    {
        header = default;
        if (bytes.Length < Bytes)
            return false;
        var word = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        header = new Ipv6FragmentHeader(bytes[0], word & 0xfff8, (word & 1) != 0, BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]));
        return true;
    }

    public void Write(Span<byte> bytes)
    {
        bytes[0] = NextHeader;
        bytes[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)(Offset | (MoreFragments ? 1 : 0)));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Identification);
    }
}
