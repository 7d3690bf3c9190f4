using System.Buffers.Binary;

namespace Lanyard.Dissector;

/// <summary>The link-layer header of captured frames, by the LINKTYPE numbers of tcpdump.org. A capture may have other numbers than these.</summary>
public enum LinkType
{
    /// <summary>BSD loopback: 4 bytes of address family in the byte order of the machine.</summary>
    Null = 0,

    /// <summary>Ethernet, with or without VLAN tags.</summary>
    Ethernet = 1,

    /// <summary>An IPv4 or IPv6 packet without a header before it.</summary>
    Raw = 101,

    /// <summary>OpenBSD loopback: 4 bytes of address family in network byte order.</summary>
    Loop = 108,

    /// <summary>Linux "cooked" capture, version 1: 16 bytes.</summary>
    LinuxSll = 113,

    /// <summary>An IPv4 packet without a header before it.</summary>
    IPv4 = 228,

    /// <summary>An IPv6 packet without a header before it.</summary>
    IPv6 = 229,

    /// <summary>Linux "cooked" capture, version 2: 20 bytes.</summary>
    LinuxSll2 = 276,
}

/// <summary>A captured frame.</summary>
/// <param name="Time">The time of capture.</param>
/// <param name="LinkType">The kind of link-layer header.</param>
/// <param name="Bytes">The captured bytes.</param>
/// <param name="IsCut">Whether the capture contains less than the whole frame.</param>
public readonly record struct CapturedFrame(DateTimeOffset Time, LinkType LinkType, ReadOnlyMemory<byte> Bytes, bool IsCut);

/// <summary>Reads captures of tcpdump and Wireshark: pcap with microseconds or nanoseconds in either byte order, and pcapng.</summary>
public static class CaptureFile
{
    private const uint PcapMicroseconds = 0xa1b2c3d4;
    private const uint PcapNanoseconds = 0xa1b23c4d;
    private const int PcapHeaderBytes = 24;
    private const int PcapRecordBytes = 16;
    private const int NanosecondsPerTick = 100;

    /// <summary>Reads the frames of a capture. A truncated frame at the end of a capture is ignored.</summary>
    /// <param name="file">The content of the file. The frames refer to it.</param>
    /// <exception cref="InvalidDataException">The bytes are not a capture; the message gives the reason and the position.</exception>
    public static IReadOnlyList<CapturedFrame> Read(ReadOnlyMemory<byte> file)
    {
        if (file.Length < sizeof(uint))
            throw new InvalidDataException("it is too short to be a capture.");
        var first = BinaryPrimitives.ReadUInt32LittleEndian(file.Span);
        if (first == PcapNg.SectionHeader)
            return PcapNg.Read(file);
        var swapped = BinaryPrimitives.ReverseEndianness(first);
        if (first is PcapMicroseconds or PcapNanoseconds)
            return ReadPcap(file, new CaptureFieldReader(isBigEndian: false), first == PcapNanoseconds);
        if (swapped is PcapMicroseconds or PcapNanoseconds)
            return ReadPcap(file, new CaptureFieldReader(isBigEndian: true), swapped == PcapNanoseconds);
        throw new InvalidDataException("it is neither pcap nor pcapng. Make a capture with `tcpdump -w FILE.pcap udp`.");
    }

    /// <summary>Converts a time since 1970.</summary>
    internal static DateTimeOffset TimeOf(ulong seconds, ulong nanoseconds)
    {
        var ticks = (decimal)seconds * TimeSpan.TicksPerSecond + (nanoseconds / NanosecondsPerTick);
        var room = DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks;
        return DateTimeOffset.UnixEpoch.AddTicks((long)Math.Min(ticks, room));
    }

    // 16 bytes: seconds, fraction, captured length, length on the wire.
    private static List<CapturedFrame> ReadPcap(ReadOnlyMemory<byte> file, CaptureFieldReader fields, bool nanoseconds)
    {
        if (file.Length < PcapHeaderBytes)
            throw new InvalidDataException("its header is truncated.");
        // The upper bits of the field give the length of a frame check sequence.
        var linkType = (LinkType)(fields.UInt32(file.Span[20..]) & 0xffff);
        var frames = new List<CapturedFrame>();
        var position = PcapHeaderBytes;
        // A capture that was interrupted ends in the middle of a record. Keep the records before it.
        while (file.Length - position >= PcapRecordBytes)
        {
            var record = file.Span[position..];
            var captured = fields.UInt32(record[8..]);
            if (captured > file.Length - position - PcapRecordBytes)
                break;
            var fraction = fields.UInt32(record[4..]);
            frames.Add(new CapturedFrame(
                TimeOf(fields.UInt32(record), nanoseconds ? fraction : fraction * 1000ul),
                linkType,
                file.Slice(position + PcapRecordBytes, (int)captured),
                captured < fields.UInt32(record[12..])));
            position += PcapRecordBytes + (int)captured;
        }

        return frames;
    }
}

/// <summary>Numbers in the byte order of the machine that wrote the file.</summary>
internal readonly struct CaptureFieldReader(bool isBigEndian)
{
    public ushort UInt16(ReadOnlySpan<byte> bytes) =>
        isBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    public uint UInt32(ReadOnlySpan<byte> bytes) =>
        isBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
