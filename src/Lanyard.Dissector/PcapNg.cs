using System.Buffers.Binary;

namespace Lanyard.Dissector;

/// <summary>
/// The pcapng format (draft-ietf-opsawg-pcapng): blocks of type, length, body, and length again. Sections set the byte order, interface
/// descriptions set the link type and the unit of time, packet blocks contain the frames; other blocks are skipped.
/// </summary>
internal static class PcapNg
{
    /// <summary>The type of the first block of a file; the same in either byte order.</summary>
    public const uint SectionHeader = 0x0a0d0d0a;

    private const uint InterfaceDescription = 1;
    private const uint SimplePacket = 3;
    private const uint EnhancedPacket = 6;
    private const uint ByteOrderMagic = 0x1a2b3c4d;
    private const int BlockOverhead = 12;
    private const ushort TimeResolutionOption = 9;
    private const int Microseconds = 6;

    public static List<CapturedFrame> Read(ReadOnlyMemory<byte> file)
    {
        var frames = new List<CapturedFrame>();
        var interfaces = new List<Interface>();
        var fields = default(CaptureFieldReader);
        var position = 0;
        while (file.Length - position >= BlockOverhead)
        {
            var block = file.Span[position..];
            var type = BinaryPrimitives.ReadUInt32LittleEndian(block);
            if (type == SectionHeader)
            {
                fields = new CaptureFieldReader(BinaryPrimitives.ReadUInt32BigEndian(block[8..]) == ByteOrderMagic);
                if (fields.UInt32(block[8..]) != ByteOrderMagic)
                    throw new InvalidDataException($"the section at byte {position} has no valid byte order.");
                interfaces.Clear();
            }

            var length = fields.UInt32(block[4..]);
            if (length < BlockOverhead || length % 4 != 0)
                throw new InvalidDataException($"the block at byte {position} has an invalid length.");
            if (length > file.Length - position)
                break; // The file was interrupted. Keep the frames before it.
            var body = file.Slice(position + 8, (int)length - BlockOverhead);
            switch (fields.UInt32(block))
            {
                case InterfaceDescription when body.Length >= 8:
                    interfaces.Add(ReadInterface(body.Span, fields));
                    break;
                case EnhancedPacket when body.Length >= 20:
                    AddEnhanced(frames, interfaces, body, fields);
                    break;
                case SimplePacket when body.Length >= 4 && interfaces.Count > 0:
                    var whole = fields.UInt32(body.Span);
                    var frame = body.Slice(4, (int)Math.Min(whole, body.Length - 4));
                    frames.Add(new CapturedFrame(DateTimeOffset.UnixEpoch, interfaces[0].LinkType, frame, whole > frame.Length));
                    break;
                default:
                    break;
            }

            position += (int)length;
        }

        return frames;
    }

    // 4 bytes interface, 8 time (its upper half first), 4 captured, 4 length on the wire, the frame.
    private static void AddEnhanced(List<CapturedFrame> frames, List<Interface> interfaces, ReadOnlyMemory<byte> body, CaptureFieldReader fields)
    {
        var span = body.Span;
        var index = fields.UInt32(span);
        var captured = fields.UInt32(span[12..]);
        if (index >= interfaces.Count || captured > body.Length - 20)
            return;
        var source = interfaces[(int)index];
        var time = ((ulong)fields.UInt32(span[4..]) << 32) | fields.UInt32(span[8..]);
        frames.Add(new CapturedFrame(source.TimeOf(time), source.LinkType, body.Slice(20, (int)captured), captured < fields.UInt32(span[16..])));
    }

    // 2 bytes link type, 2 reserved, 4 limit; options of 2 bytes code, 2 length, value padded to 4.
    private static Interface ReadInterface(ReadOnlySpan<byte> body, CaptureFieldReader fields)
    {
        var linkType = (LinkType)fields.UInt16(body);
        var resolution = (byte)Microseconds;
        var options = body[8..];
        while (options.Length >= 4)
        {
            var length = fields.UInt16(options[2..]);
            var padded = 4 + ((length + 3) & ~3);
            if (padded > options.Length)
                break;
            if (fields.UInt16(options) == TimeResolutionOption && length >= 1)
                resolution = options[4];
            options = options[padded..];
        }

        return new Interface(linkType, resolution);
    }

    /// <summary>An interface on which frames were captured.</summary>
    /// <param name="LinkType">The kind of link-layer header.</param>
    /// <param name="Resolution">The unit of time: a negative power of ten or, with the top bit set, of two.</param>
    private readonly record struct Interface(LinkType LinkType, byte Resolution)
    {
        public DateTimeOffset TimeOf(ulong units)
        {
            var exponent = Resolution & 0x7f;
            var unitsPerSecond = Resolution < 0x80 ? Math.Pow(10, Math.Min(exponent, 18)) : Math.Pow(2, Math.Min(exponent, 62));
            var perSecond = (ulong)unitsPerSecond;
            var nanoseconds = (decimal)(units % perSecond) * 1_000_000_000 / perSecond;
            return CaptureFile.TimeOf(units / perSecond, (ulong)nanoseconds);
        }
    }
}
