using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>An IPv4 packet in place (RFC 791 section 3.1). The lengths are checked; the checksum is not.</summary>
internal readonly ref struct Ipv4Packet
{
    /// <summary>The header without options.</summary>
    public const int HeaderBytes = 20;

    /// <summary>The longest payload that one packet without options carries.</summary>
    public const int MaxPayloadBytes = 65_535 - HeaderBytes;

    private const int DontFragmentFlag = 0x4000;
    private const int MoreFragmentsFlag = 0x2000;
    private readonly ReadOnlySpan<byte> _packet;

    private Ipv4Packet(ReadOnlySpan<byte> packet) => _packet = packet;

    public int HeaderLength => (_packet[0] & 15) * 4;

    public ushort Identification => BinaryPrimitives.ReadUInt16BigEndian(_packet[4..]);

    public bool DontFragment => (FragmentWord & DontFragmentFlag) != 0;

    public bool MoreFragments => (FragmentWord & MoreFragmentsFlag) != 0;

    /// <summary>The offset of the payload in the whole datagram, in bytes.</summary>
    public int FragmentOffset => (FragmentWord & 0x1fff) * 8;

    public bool IsFragment => (FragmentWord & (MoreFragmentsFlag | 0x1fff)) != 0;

    public byte TrafficClass => _packet[1];

    public byte HopLimit => _packet[8];

    public byte Protocol => _packet[9];

    public InetAddress Source => InetAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(_packet[12..]));

    public InetAddress Destination => InetAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(_packet[16..]));

    public ReadOnlySpan<byte> Payload => _packet[HeaderLength..];

    public bool HasValidChecksum => InternetChecksum.IsValid(InternetChecksum.Sum(_packet[..HeaderLength]));

    private int FragmentWord => BinaryPrimitives.ReadUInt16BigEndian(_packet[6..]);

    /// <summary>Reads bytes as a packet, without the bytes after its total length.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv4Packet packet)
    {
        packet = default;
        if (bytes.Length < HeaderBytes || bytes[0] >> 4 != 4)
            return false;
        var header = (bytes[0] & 15) * 4;
        var total = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (header < HeaderBytes || total < header || total > bytes.Length)
            return false;
        packet = new Ipv4Packet(bytes[..total]);
        return true;
    }

    /// <summary>Writes a header without options in front of <paramref name="payloadLength"/> bytes.</summary>
    public static void WriteHeader(Span<byte> packet, InetAddress source, InetAddress destination, byte protocol, byte hopLimit,
        byte trafficClass,
        ushort identification, bool dontFragment, bool moreFragments, int fragmentOffset, int payloadLength)
    {
        packet = packet[..HeaderBytes];
        packet[0] = 0x45;
        packet[1] = trafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)(HeaderBytes + payloadLength));
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], identification);
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..],
            (ushort)((dontFragment ? DontFragmentFlag : 0) | (moreFragments ? MoreFragmentsFlag : 0) | (fragmentOffset / 8)));
        packet[8] = hopLimit;
        packet[9] = protocol;
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], source.V4);
        BinaryPrimitives.WriteUInt32BigEndian(packet[16..], destination.V4);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Finish(InternetChecksum.Sum(packet)));
    }
}
