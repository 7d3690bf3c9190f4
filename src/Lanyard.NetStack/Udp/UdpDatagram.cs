using System.Buffers.Binary;

namespace Lanyard.NetStack;

/// <summary>A view of a UDP datagram (RFC 768). Its length is checked, its checksum is not.</summary>
internal readonly ref struct UdpDatagram
{
    public const int HeaderBytes = 8;

    private readonly ReadOnlySpan<byte> _bytes;

    private UdpDatagram(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    public ReadOnlySpan<byte> Payload => _bytes[HeaderBytes..];

    public static bool TryParse(ReadOnlySpan<byte> bytes, out UdpDatagram datagram)
    {
        datagram = default;
        if (bytes.Length < HeaderBytes)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (length < HeaderBytes || length > bytes.Length)
            return false;
        datagram = new UdpDatagram(bytes[..length]);
        return true;
    }

    /// <summary>Whether the checksum is correct, or absent over IPv4, where it is optional.</summary>
    public bool HasValidChecksum(in InboundPacket packet) => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]) == 0
        ? packet.Source.IsV4
        : InternetChecksum.IsValid(InternetChecksum.Sum(_bytes)
            + InternetChecksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Udp, _bytes.Length));

    /// <summary>Writes a header.</summary>
    /// <param name="header">The header's bytes.</param>
    /// <param name="sourcePort">The source port.</param>
    /// <param name="destinationPort">The destination port.</param>
    /// <param name="payloadLength">The payload in bytes.</param>
    /// <param name="sum">The checksum's sum over the pseudo header and the payload.</param>
    public static void WriteHeader(Span<byte> header, ushort sourcePort, ushort destinationPort, int payloadLength, uint sum)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(HeaderBytes + payloadLength));
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], 0);
        var checksum = InternetChecksum.Finish(sum + InternetChecksum.Sum(header[..HeaderBytes]));
        // A field of zero means that there is no checksum.
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], checksum == 0 ? (ushort)0xffff : checksum);
    }
}
