using System.Buffers.Binary;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Fuzz;

/// <summary>Corrects the lengths and checksums of changed packets, so that they are not dropped at the first check.</summary>
internal static class PacketRepair
{
    /// <summary>Returns the IP packet with correct lengths and checksums, if it is long enough to have them.</summary>
    public static byte[] WithChecksums(ushort etherType, ReadOnlySpan<byte> packet)
    {
        var bytes = packet.ToArray();
        if (etherType == NetworkHost.EtherTypeIPv4 && bytes.Length >= Ipv4Packet.HeaderBytes)
        {
            var header = Math.Max((bytes[0] & 15) * 4, Ipv4Packet.HeaderBytes);
            if (header > bytes.Length)
                return bytes;
            bytes[0] = (byte)(0x40 | header / 4);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), 0);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), InternetChecksum.Finish(InternetChecksum.Sum(bytes.AsSpan(0, header))));
            FixTransport(bytes[9], bytes.AsSpan(header), InetAddress.FromBytes(bytes.AsSpan(12, 4)), InetAddress.FromBytes(bytes.AsSpan(16, 4)));
        }
        else if (etherType == NetworkHost.EtherTypeIPv6 && bytes.Length >= Ipv6Packet.HeaderBytes)
        {
            bytes[0] = (byte)(0x60 | bytes[0] & 15);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)(bytes.Length - Ipv6Packet.HeaderBytes));
            var next = bytes[6];
            var payload = bytes.AsSpan(Ipv6Packet.HeaderBytes);
            while (next is IpProtocol.HopByHop or IpProtocol.DestinationOptions or IpProtocol.Routing && payload.Length >= 8 && (payload[1] + 1) * 8 <= payload.Length)
            {
                next = payload[0];
                payload = payload[((payload[1] + 1) * 8)..];
            }

            FixTransport(next, payload, InetAddress.FromBytes(bytes.AsSpan(8, 16)), InetAddress.FromBytes(bytes.AsSpan(24, 16)));
        }

        return bytes;
    }

    /// <summary>Corrects the length and the checksum of a transport message, if it is long enough to have them.</summary>
    public static void FixTransport(byte protocol, Span<byte> payload, InetAddress source, InetAddress destination)
    {
        var (at, least, hasPseudoHeader) = protocol switch
        {
            IpProtocol.Tcp => (16, TcpSegment.HeaderBytes, true),
            IpProtocol.Udp => (6, UdpDatagram.HeaderBytes, true),
            IpProtocol.IcmpV6 => (2, 4, true),
            IpProtocol.Icmp or IpProtocol.Igmp => (2, 4, false),
            _ => (0, int.MaxValue, false),
        };
        if (payload.Length < least)
            return;
        if (protocol == IpProtocol.Udp)
            BinaryPrimitives.WriteUInt16BigEndian(payload[4..], (ushort)payload.Length);
        BinaryPrimitives.WriteUInt16BigEndian(payload[at..], 0);
        var sum = InternetChecksum.Sum(payload);
        if (hasPseudoHeader)
            sum += InternetChecksum.PseudoHeader(source, destination, protocol, payload.Length);
        BinaryPrimitives.WriteUInt16BigEndian(payload[at..], InternetChecksum.Finish(sum));
    }
}
