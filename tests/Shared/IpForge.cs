using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Tests.Shared;

/// <summary>IP packets from any address, with correct checksums.</summary>
internal static class IpForge
{
    public const byte Fin = 1;
    public const byte Syn = 2;
    public const byte Reset = 4;
    public const byte Push = 8;
    public const byte Acknowledgment = 16;
    public const byte Tcp = 6;
    public const byte Udp = 17;

    private const int TcpHeaderBytes = 20;

    /// <summary>A packet with an empty TCP segment.</summary>
    public static byte[] Segment(InetAddress from, InetAddress to, ushort source, ushort destination, byte flags, uint sequence)
    {
        var segment = new byte[TcpHeaderBytes];
        BinaryPrimitives.WriteUInt16BigEndian(segment, source);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), destination);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(4), sequence);
        (segment[12], segment[13], segment[14]) = (0x50, flags, 0xff);
        var addresses = new byte[from.Bits / 4];
        from.Write(addresses);
        to.Write(addresses.AsSpan(from.Bits / 8));
        // The pseudo-header: both addresses, the protocol and the length.
        WriteChecksum(segment.AsSpan(16), Sum(addresses) + Sum(segment) + Tcp + TcpHeaderBytes);
        return Packet(from, to, Tcp, segment);
    }

    /// <summary>A packet with any payload of less than 200 bytes.</summary>
    public static byte[] Packet(InetAddress from, InetAddress to, byte protocol, ReadOnlySpan<byte> payload)
    {
        byte[] packet;
        if (from.IsV4)
        {
            packet = [0x45, 0, 0, (byte)(20 + payload.Length), 0, 0, 0, 0, 64, protocol, .. new byte[10], .. payload];
            from.Write(packet.AsSpan(12));
            to.Write(packet.AsSpan(16));
            WriteChecksum(packet.AsSpan(10), Sum(packet.AsSpan(0, 20)));
        }
        else
        {
            packet = [0x60, 0, 0, 0, 0, (byte)payload.Length, protocol, 64, .. new byte[32], .. payload];
            from.Write(packet.AsSpan(8));
            to.Write(packet.AsSpan(24));
        }

        return packet;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return sum;
    }

    private static void WriteChecksum(Span<byte> at, uint sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(at, (ushort)~sum);
    }
}
