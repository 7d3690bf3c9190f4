using System.Buffers.Binary;

namespace Lanyard.NetStack;

/// <summary>The control bits of a segment (RFC 9293 section 3.1).</summary>
[Flags]
internal enum TcpFlags : byte
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
    Urg = 32,
    Ece = 64,
    Cwr = 128,
}

/// <summary>A TCP segment in place (RFC 9293 section 3.1). Lengths and options are checked; the checksum is not.</summary>
internal readonly ref struct TcpSegment
{
    /// <summary>The header without options.</summary>
    public const int HeaderBytes = 20;

    /// <summary>The most that options can take.</summary>
    public const int MaxOptionBytes = 40;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _headerLength;

    private TcpSegment(ReadOnlySpan<byte> bytes, int headerLength, TcpSegmentOptions options)
    {
        _bytes = bytes;
        _headerLength = headerLength;
        Options = options;
    }

    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    public uint Sequence => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);

    public uint Acknowledgment => BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]);

    public TcpFlags Flags => (TcpFlags)_bytes[13];

    /// <summary>The window field, not scaled.</summary>
    public ushort Window => BinaryPrimitives.ReadUInt16BigEndian(_bytes[14..]);

    public TcpSegmentOptions Options { get; }

    public ReadOnlySpan<byte> Payload => _bytes[_headerLength..];

    /// <summary>The sequence numbers that the segment takes: its payload, SYN and FIN.</summary>
    public int SequenceLength => Payload.Length + (Has(TcpFlags.Syn) ? 1 : 0) + (Has(TcpFlags.Fin) ? 1 : 0);

    public bool Has(TcpFlags flag) => (Flags & flag) != 0;

    public static bool TryParse(ReadOnlySpan<byte> bytes, out TcpSegment segment)
    {
        segment = default;
        if (bytes.Length < HeaderBytes)
            return false;
        var header = (bytes[12] >> 4) * 4;
        if (header < HeaderBytes || header > bytes.Length || !TcpSegmentOptions.TryParse(bytes[HeaderBytes..header], out var options))
            return false;
        segment = new TcpSegment(bytes, header, options);
        return true;
    }

    /// <summary>Writes a header without its checksum; options follow at <see cref="HeaderBytes"/>.</summary>
    public static void WriteHeader(Span<byte> header, ushort sourcePort, ushort destinationPort, uint sequence, uint acknowledgment,
        TcpFlags flags,
        ushort window, int optionBytes)
    {
        header = header[..HeaderBytes];
        BinaryPrimitives.WriteUInt16BigEndian(header, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], acknowledgment);
        header[12] = (byte)((HeaderBytes + optionBytes) / 4 << 4);
        header[13] = (byte)flags;
        BinaryPrimitives.WriteUInt16BigEndian(header[14..], window);
        BinaryPrimitives.WriteUInt32BigEndian(header[16..], 0);
    }

    /// <summary>Writes the checksum of a segment whose checksum field is zero.</summary>
    public static void WriteChecksum(Span<byte> segment, uint pseudoHeaderSum) =>
        BinaryPrimitives.WriteUInt16BigEndian(segment[16..], InternetChecksum.Finish(pseudoHeaderSum + InternetChecksum.Sum(segment)));
}
