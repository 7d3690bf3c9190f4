using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Dissector;

/// <summary>The content of a captured frame: a UDP datagram, or the name of other content.</summary>
/// <param name="Time">The time of capture.</param>
/// <param name="From">The sender; none if it is unknown.</param>
/// <param name="To">The receiver; none if it is unknown.</param>
/// <param name="Payload">The UDP payload.</param>
/// <param name="NotUdp">The name of content that is not a complete UDP datagram, such as "ARP"; null for a UDP datagram.</param>
public readonly record struct CapturedDatagram(
    DateTimeOffset Time, InetEndpoint From, InetEndpoint To, ReadOnlyMemory<byte> Payload, string? NotUdp)
{
    private const ushort EtherTypeIPv4 = 0x0800;
    private const ushort EtherTypeIPv6 = 0x86dd;
    private const ushort EtherTypeArp = 0x0806;
    private const byte ProtocolUdp = 17;
    private const int UdpHeaderBytes = 8;

    /// <summary>Parses a frame.</summary>
    /// <param name="frame">The frame.</param>
    public static CapturedDatagram Of(CapturedFrame frame)
    {
        var bytes = frame.Bytes;
        return TryFindNetworkLayer(ref bytes, frame.LinkType, out var etherType) switch
        {
            false => NotUdpOf(frame, $"link type {(int)frame.LinkType}"),
            true => etherType switch
            {
                EtherTypeIPv4 => FromIPv4(frame, bytes),
                EtherTypeIPv6 => FromIPv6(frame, bytes),
                EtherTypeArp => NotUdpOf(frame, "ARP"),
                _ => NotUdpOf(frame, $"EtherType 0x{etherType:x4}"),
            },
        };
    }

    private static CapturedDatagram NotUdpOf(CapturedFrame frame, string what, InetAddress from = default, InetAddress to = default) =>
        new(frame.Time, new InetEndpoint(from, 0), new InetEndpoint(to, 0), frame.Bytes, what);

    private static bool TryFindNetworkLayer(ref ReadOnlyMemory<byte> bytes, LinkType linkType, out ushort etherType)
    {
        etherType = 0;
        var span = bytes.Span;
        switch (linkType)
        {
            case LinkType.Ethernet when span.Length >= 14:
                var start = 14;
                etherType = BinaryPrimitives.ReadUInt16BigEndian(span[12..]);
                while (etherType is 0x8100 or 0x88a8 && span.Length >= start + 4)
                {
                    etherType = BinaryPrimitives.ReadUInt16BigEndian(span[(start + 2)..]);
                    start += 4;
                }

                bytes = bytes[start..];
                return true;
            case LinkType.LinuxSll when span.Length >= 16:
                etherType = BinaryPrimitives.ReadUInt16BigEndian(span[14..]);
                bytes = bytes[16..];
                return true;
            case LinkType.LinuxSll2 when span.Length >= 20:
                etherType = BinaryPrimitives.ReadUInt16BigEndian(span);
                bytes = bytes[20..];
                return true;
            case LinkType.Null or LinkType.Loop when span.Length >= 5:
                bytes = bytes[4..];
                etherType = EtherTypeOf(span[4]);
                return true;
            case LinkType.Raw or LinkType.IPv4 or LinkType.IPv6 when span.Length >= 1:
                etherType = EtherTypeOf(span[0]);
                return true;
            default:
                return false;
        }
    }

    private static ushort EtherTypeOf(byte first) => (first >> 4) switch { 4 => EtherTypeIPv4, 6 => EtherTypeIPv6, _ => 0 };

    private static CapturedDatagram FromIPv4(CapturedFrame frame, ReadOnlyMemory<byte> packet)
    {
        var span = packet.Span;
        var headerBytes = span.Length >= 20 ? (span[0] & 0xf) * 4 : 0;
        if (headerBytes < 20 || span.Length < headerBytes)
            return NotUdpOf(frame, "a malformed IPv4 packet");
        var from = InetAddress.FromBytes(span.Slice(12, 4));
        var to = InetAddress.FromBytes(span.Slice(16, 4));
        if (span[9] != ProtocolUdp)
            return NotUdpOf(frame, NameOfProtocol(span[9]), from, to);
        // More fragments follow, or this is not the first fragment.
        if ((BinaryPrimitives.ReadUInt16BigEndian(span[6..]) & 0x3fff) != 0)
            return NotUdpOf(frame, "a fragment of an IPv4 packet", from, to);
        return FromUdp(frame, packet[headerBytes..], from, to);
    }

    private static CapturedDatagram FromIPv6(CapturedFrame frame, ReadOnlyMemory<byte> packet)
    {
        var span = packet.Span;
        if (span.Length < 40)
            return NotUdpOf(frame, "a malformed IPv6 packet");
        var from = InetAddress.FromBytes(span.Slice(8, 16));
        var to = InetAddress.FromBytes(span.Slice(24, 16));
        return span[6] == ProtocolUdp ? FromUdp(frame, packet[40..], from, to) : NotUdpOf(frame, NameOfProtocol(span[6]), from, to);
    }

    private static CapturedDatagram FromUdp(CapturedFrame frame, ReadOnlyMemory<byte> udp, InetAddress from, InetAddress to)
    {
        var span = udp.Span;
        if (span.Length < UdpHeaderBytes)
            return NotUdpOf(frame, "a malformed UDP datagram", from, to);
        int length = BinaryPrimitives.ReadUInt16BigEndian(span[4..]);
        var datagram = new CapturedDatagram(
            frame.Time,
            new InetEndpoint(from, BinaryPrimitives.ReadUInt16BigEndian(span)),
            new InetEndpoint(to, BinaryPrimitives.ReadUInt16BigEndian(span[2..])),
            default,
            null);
        if (length < UdpHeaderBytes)
            return datagram with { NotUdp = "a malformed UDP datagram" };
        // Ethernet pads short frames: the length in the header counts.
        return length > span.Length
            ? datagram with { Payload = udp[UdpHeaderBytes..], NotUdp = "a UDP datagram that the capture truncated" }
            : datagram with { Payload = udp[UdpHeaderBytes..length] };
    }

    private static string NameOfProtocol(byte protocol) => protocol switch
    {
        1 => "ICMP",
        2 => "IGMP",
        6 => "TCP",
        44 => "a fragment of an IPv6 packet",
        58 => "ICMPv6",
        _ => $"IP protocol {protocol}",
    };
}
