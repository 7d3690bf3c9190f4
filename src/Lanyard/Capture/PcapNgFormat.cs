using System.Buffers.Binary;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The blocks of a pcapng file with one Ethernet interface (draft-ietf-opsawg-pcapng), little-endian.</summary>
internal static class PcapNgFormat
{
    /// <summary>The header in front of each packet.</summary>
    public const int EthernetBytes = 14;

    /// <summary>The length of <see cref="WriteStatistics"/>.</summary>
    public const int StatisticsBytes = 24 + 12 + 12 + EndOfOptionsBytes;

    private const uint SectionHeader = 0x0a0d0d0a;
    private const uint InterfaceDescription = 1;
    private const uint InterfaceStatistics = 5;
    private const uint EnhancedPacket = 6;
    private const uint ByteOrderMagic = 0x1a2b3c4d;
    private const ushort LinkTypeEthernet = 1;

    private const ushort OptionUserApplication = 4;
    private const ushort OptionInterfaceName = 2;
    private const ushort OptionMacAddress = 6;
    private const ushort OptionTimeResolution = 9;
    private const ushort OptionReceived = 4;
    private const ushort OptionDropped = 5;
    private const ushort OptionFlags = 2;
    private const byte Microseconds = 6;
    private const uint Inbound = 1;
    private const uint Outbound = 2;

    private const int EndOfOptionsBytes = 4;
    private const int FrameHeaderBytes = 28;
    private const int FrameTailBytes = 8 + EndOfOptionsBytes + 4;

    /// <summary>Writes a file's beginning: the section and its interface. Returns its length.</summary>
    public static int WriteHeader(Span<byte> file, string name, MacAddress mac, int snapLength)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(file[8..], ByteOrderMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(file[12..], 1);
        BinaryPrimitives.WriteInt64LittleEndian(file[16..], -1);
        var at = 24 + WriteOption(file[24..], OptionUserApplication, "Lanyard"u8);
        var length = Close(file, SectionHeader, at);

        var block = file[length..];
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], LinkTypeEthernet);
        BinaryPrimitives.WriteInt32LittleEndian(block[12..], snapLength);
        at = 16 + WriteOption(block[16..], OptionInterfaceName, Encoding.UTF8.GetBytes(name));
        Span<byte> address = stackalloc byte[6];
        mac.Write(address);
        at += WriteOption(block[at..], OptionMacAddress, address);
        at += WriteOption(block[at..], OptionTimeResolution, [Microseconds]);
        return length + Close(block, InterfaceDescription, at);
    }

    /// <summary>The length of a frame's block.</summary>
    /// <param name="packetBytes">The number of payload bytes to keep.</param>
    public static int FrameBytes(int packetBytes) => FrameHeaderBytes + Padded(EthernetBytes + packetBytes) + FrameTailBytes;

    /// <summary>Writes a frame's block.</summary>
    /// <param name="block">As long as <see cref="FrameBytes"/> says.</param>
    /// <param name="time">Microseconds since 1970.</param>
    /// <param name="isOutbound">Whether it was sent rather than received.</param>
    /// <param name="source">Its Ethernet source.</param>
    /// <param name="destination">Its Ethernet destination.</param>
    /// <param name="etherType">Its Ethernet type.</param>
    /// <param name="packet">The payload of the frame.</param>
    /// <param name="kept">The number of payload bytes to keep.</param>
    public static void WriteFrame(Span<byte> block, long time, bool isOutbound, MacAddress source, MacAddress destination, ushort etherType,
        ReadOnlySpan<byte> packet, int kept)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(block[12..], (uint)(time >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(block[16..], (uint)time);
        BinaryPrimitives.WriteInt32LittleEndian(block[20..], EthernetBytes + kept);
        BinaryPrimitives.WriteInt32LittleEndian(block[24..], EthernetBytes + packet.Length);
        var frame = block[FrameHeaderBytes..];
        destination.Write(frame);
        source.Write(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], etherType);
        packet[..kept].CopyTo(frame[EthernetBytes..]);
        var at = Padded(EthernetBytes + kept);
        frame[(EthernetBytes + kept)..at].Clear();
        Span<byte> flags = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(flags, isOutbound ? Outbound : Inbound);
        at += FrameHeaderBytes;
        Close(block, EnhancedPacket, at + WriteOption(block[at..], OptionFlags, flags));
    }

    /// <summary>Writes a file's end: how many frames were captured and dropped. Returns its length.</summary>
    public static int WriteStatistics(Span<byte> block, long received, long dropped)
    {
        block[8..20].Clear();
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, received + dropped);
        var at = 20 + WriteOption(block[20..], OptionReceived, number);
        BinaryPrimitives.WriteInt64LittleEndian(number, dropped);
        return Close(block, InterfaceStatistics, at + WriteOption(block[at..], OptionDropped, number));
    }

    private static int Padded(int length) => (length + 3) & ~3;

    private static int WriteOption(Span<byte> option, ushort code, ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(option, code);
        BinaryPrimitives.WriteUInt16LittleEndian(option[2..], (ushort)value.Length);
        value.CopyTo(option[4..]);
        option[(4 + value.Length)..(4 + Padded(value.Length))].Clear();
        return 4 + Padded(value.Length);
    }

    // The end of the options, and the block's length at both of its ends.
    private static int Close(Span<byte> block, uint type, int at)
    {
        block.Slice(at, EndOfOptionsBytes).Clear();
        var length = at + EndOfOptionsBytes + 4;
        BinaryPrimitives.WriteUInt32LittleEndian(block, type);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], length);
        BinaryPrimitives.WriteInt32LittleEndian(block[(length - 4)..], length);
        return length;
    }
}
