using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>An ARP packet for IPv4 over Ethernet (RFC 826).</summary>
internal readonly record struct ArpPacket(bool IsReply, MacAddress SenderMac, InetAddress SenderAddress, MacAddress TargetMac,
    InetAddress TargetAddress)
{
    public const int Bytes = 28;

    private const ulong EthernetIPv4 = 0x0001_0800_0604;

    public static bool TryParse(ReadOnlySpan<byte> bytes, out ArpPacket packet)
    {
        packet = default;
        if (bytes.Length < Bytes || BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16 != EthernetIPv4)
            return false;
        var operation = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
        if (operation is not (1 or 2))
            return false;
        packet = new ArpPacket(operation == 2, MacAddress.Read(bytes[8..]), InetAddress.FromBytes(bytes.Slice(14, 4)),
            MacAddress.Read(bytes[18..]), InetAddress.FromBytes(bytes.Slice(24, 4)));
        return true;
    }

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (EthernetIPv4 << 16) | (IsReply ? 2u : 1u));
        SenderMac.Write(bytes[8..]);
        SenderAddress.Write(bytes[14..]);
        TargetMac.Write(bytes[18..]);
        TargetAddress.Write(bytes[24..]);
    }
}
