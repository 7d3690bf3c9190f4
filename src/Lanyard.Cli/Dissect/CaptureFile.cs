using System.Buffers.Binary;

namespace Lanyard.Cli.Dissect;

/// <summary>How the frames of a capture begin (the LINKTYPE numbers of tcpdump.org).</summary>
internal enum LinkType
{
    Null = 0,
    Ethernet = 1,
    Raw = 101,
    Loop = 108,
    LinuxSll = 113,
    IPv4 = 228,
    IPv6 = 229,
    LinuxSll2 = 276,
}

/// <summary>One captured frame.</summary>
/// <param name="Time">When it was captured.</param>
/// <param name="LinkType">How it begins.</param>
/// <param name="Bytes">What was captured of it.</param>
/// <param name="IsCut">Whether the capture kept less than the whole frame.</param>
internal readonly record struct CapturedFrame(DateTimeOffset Time, LinkType LinkType, ReadOnlyMemory<byte> Bytes, bool IsCut);

/// <summary>Reads captures as tcpdump and Wireshark write them: pcap with microseconds or nanoseconds in either byte order, and pcapng.</summary>
internal static class CaptureFile
{
    private const uint PcapMicroseconds = 0xa1b2c3d4;
    private const uint PcapNanoseconds = 0xa1b23c4d;
    private const int PcapHeaderBytes = 24;
    private const int PcapRecordBytes = 16;
    private const int NanosecondsPerTick = 100;

    /// <summary>The frames of a capture.</summary>
    /// <exception cref="InvalidDataException">The bytes are no capture; the message says what is wrong and where.</exception>
    public static List<CapturedFrame> Read(ReadOnlyMemory<byte> file)
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
        throw new InvalidDataException("it is neither pcap nor pcapng: make one with `tcpdump -w FILE.pcap udp`.");
    }

    /// <summary>A time from ticks of a clock since 1970.</summary>
    internal static DateTimeOffset TimeOf(ulong seconds, ulong nanoseconds)
    {
        var ticks = (decimal)seconds * TimeSpan.TicksPerSecond + (nanoseconds / NanosecondsPerTick);
        var room = DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks;
        return DateTimeOffset.UnixEpoch.AddTicks((long)Math.Min(ticks, room));
    }

    // 16 bytes: seconds, fraction, length captured, length on the wire.
    private static List<CapturedFrame> ReadPcap(ReadOnlyMemory<byte> file, CaptureFieldReader fields, bool nanoseconds)
    {
        if (file.Length < PcapHeaderBytes)
            throw new InvalidDataException("its header is cut short.");
        // The upper bits of the field say how long a frame check sequence is.
        var linkType = (LinkType)(fields.UInt32(file.Span[20..]) & 0xffff);
        var frames = new List<CapturedFrame>();
        var position = PcapHeaderBytes;
        // A capture that was not ended properly stops in the middle of a record: what came before it counts.
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
