using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Dissector;

/// <summary>Describes an Ethernet payload in a few words.</summary>
internal static class FrameDescriber
{
    public static string Describe(ushort etherType, ReadOnlySpan<byte> data) => etherType switch
    {
        0x0800 when data.Length >= 20 => IPv4(data),
        0x0806 when data.Length >= 28 => Arp(data),
        0x86dd when data.Length >= 40 => IPv6(data),
        _ => $"EtherType {etherType:x4} {data.Length} bytes",
    };

    private static string Arp(ReadOnlySpan<byte> data)
    {
        var sender = InetAddress.FromBytes(data.Slice(14, 4));
        var target = InetAddress.FromBytes(data.Slice(24, 4));
        return BinaryPrimitives.ReadUInt16BigEndian(data[6..]) switch
        {
            1 => $"ARP who has {target}, tell {sender}",
            2 => $"ARP {sender} is at {MacAddress.Read(data[8..])}",
            var operation => $"ARP operation {operation}",
        };
    }

    private static string IPv4(ReadOnlySpan<byte> data)
    {
        var header = Math.Min((data[0] & 0xf) * 4, data.Length);
        var ends = $"{InetAddress.FromBytes(data.Slice(12, 4))} > {InetAddress.FromBytes(data.Slice(16, 4))}";
        var offset = (BinaryPrimitives.ReadUInt16BigEndian(data[6..]) & 0x1fff) * 8;
        return offset > 0
            ? $"IPv4 {ends} fragment at {offset} {data.Length} bytes"
            : $"IPv4 {ends} {Transport(data[9], data[header..])} {data.Length} bytes";
    }

    private static string IPv6(ReadOnlySpan<byte> data)
    {
        var ends = $"{InetAddress.FromBytes(data.Slice(8, 16))} > {InetAddress.FromBytes(data.Slice(24, 16))}";
        return $"IPv6 {ends} {Transport(data[6], data[40..])} {data.Length} bytes";
    }

    private static string Transport(byte protocol, ReadOnlySpan<byte> data) => protocol switch
    {
        1 when data.Length >= 2 => data[0] switch { 8 => "ICMP echo request", 0 => "ICMP echo reply", var type => $"ICMP type {type}" },
        6 when data.Length >= 20 => $"TCP {Ports(data)} {Flags(data[13])}",
        17 when data.Length >= 8 => $"UDP {Ports(data)}",
        44 => "fragment",
        58 when data.Length >= 2 => data[0] switch
        {
            128 => "ICMPv6 echo request",
            129 => "ICMPv6 echo reply",
            133 => "router solicitation",
            134 => "router advertisement",
            135 => "neighbor solicitation",
            136 => "neighbor advertisement",
            143 => "multicast listener report",
            var type => $"ICMPv6 type {type}",
        },
        _ => $"protocol {protocol}",
    };

    private static string Ports(ReadOnlySpan<byte> data) =>
        $"{BinaryPrimitives.ReadUInt16BigEndian(data)} > {BinaryPrimitives.ReadUInt16BigEndian(data[2..])}";

    private static string Flags(byte flags)
    {
        Span<char> text = stackalloc char[6];
        var length = 0;
        var names = "FSRPAU";
        for (var i = 0; i < names.Length; i++)
        {
            if ((flags & (1 << i)) != 0)
                text[length++] = names[i];
        }

        return length == 0 ? "-" : text[..length].ToString();
    }
}
