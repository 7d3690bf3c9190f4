using System.Buffers.Binary;

namespace Lanyard.NetStack;

/// <summary>The options of a segment (RFC 9293 section 3.2, RFC 7323, RFC 2018), in place. Unknown options are skipped.</summary>
internal readonly ref struct TcpSegmentOptions
{
    /// <summary>The length of timestamps with padding in front.</summary>
    public const int TimestampBytes = 12;

    /// <summary>The length of a user timeout.</summary>
    public const int UserTimeoutBytes = 4;

    /// <summary>The number of blocks that fit beside timestamps.</summary>
    public const int MaxSackBlocks = 3;

    /// <summary>The largest shift of the window (RFC 7323 section 2.3).</summary>
    public const int MaxWindowShift = 14;

    private const byte EndKind = 0;
    private const byte NopKind = 1;
    private const byte MssKind = 2;
    private const byte WindowShiftKind = 3;
    private const byte SackPermittedKind = 4;
    private const byte SackKind = 5;
    private const byte TimestampKind = 8;
    private const byte UserTimeoutKind = 28;
    private const int MinutesFlag = 0x8000;
    private const int SackBlockBytes = 8;
    private const uint PaddedTimestampHead = 0x0101_080a;

    private readonly ReadOnlySpan<byte> _sack;

    private TcpSegmentOptions(int mss, int windowShift, bool sackPermitted, bool hasTimestamp, uint timestamp, uint timestampEcho,
        ReadOnlySpan<byte> sack, int userTimeout = 0)
    {
        Mss = mss;
        WindowShift = windowShift;
        SackPermitted = sackPermitted;
        HasTimestamp = hasTimestamp;
        Timestamp = timestamp;
        TimestampEcho = timestampEcho;
        _sack = sack;
        UserTimeoutSeconds = userTimeout;
    }

    /// <summary>The maximum segment size, 0 if not given.</summary>
    public int Mss { get; }

    /// <summary>The window shift, 0 to 14, or -1 if not given.</summary>
    public int WindowShift { get; }

    public bool SackPermitted { get; }

    public bool HasTimestamp { get; }

    public uint Timestamp { get; }

    public uint TimestampEcho { get; }

    /// <summary>The user timeout in seconds, 0 if not given (RFC 5482).</summary>
    public int UserTimeoutSeconds { get; }

    public int SackBlocks => _sack.Length / SackBlockBytes;

    public uint SackStart(int block) => BinaryPrimitives.ReadUInt32BigEndian(_sack[(block * SackBlockBytes)..]);

    public uint SackEnd(int block) => BinaryPrimitives.ReadUInt32BigEndian(_sack[((block * SackBlockBytes) + 4)..]);

    public static bool TryParse(ReadOnlySpan<byte> bytes, out TcpSegmentOptions options)
    {
        if (bytes.Length == TimestampBytes && BinaryPrimitives.ReadUInt32BigEndian(bytes) == PaddedTimestampHead)
        {
            options = new TcpSegmentOptions(0, -1, false, true, BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
                BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]), default);
            return true;
        }

        var mss = 0;
        var windowShift = -1;
        var sackPermitted = false;
        var hasTimestamp = false;
        var timestamp = 0u;
        var timestampEcho = 0u;
        var userTimeout = 0;
        ReadOnlySpan<byte> sack = default;
        options = default;
        while (!bytes.IsEmpty && bytes[0] != EndKind)
        {
            if (bytes[0] == NopKind)
            {
                bytes = bytes[1..];
                continue;
            }

            if (bytes.Length < 2 || bytes[1] < 2 || bytes[1] > bytes.Length)
                return false;
            var value = bytes[2..bytes[1]];
            switch (bytes[0])
            {
                case MssKind when value.Length == 2:
                    mss = BinaryPrimitives.ReadUInt16BigEndian(value);
                    break;
                case WindowShiftKind when value.Length == 1:
                    windowShift = Math.Min((int)value[0], MaxWindowShift);
                    break;
                case SackPermittedKind when value.IsEmpty:
                    sackPermitted = true;
                    break;
                case SackKind when value.Length % SackBlockBytes == 0:
                    sack = value;
                    break;
                case TimestampKind when value.Length == 8:
                    hasTimestamp = true;
                    timestamp = BinaryPrimitives.ReadUInt32BigEndian(value);
                    timestampEcho = BinaryPrimitives.ReadUInt32BigEndian(value[4..]);
                    break;
                case UserTimeoutKind when value.Length == 2:
                    userTimeout = BinaryPrimitives.ReadUInt16BigEndian(value);
                    userTimeout = (userTimeout & MinutesFlag) != 0 ? (userTimeout & ~MinutesFlag) * 60 : userTimeout;
                    break;
                default:
                    break;
            }

            bytes = bytes[bytes[1]..];
        }

        options = new TcpSegmentOptions(mss, windowShift, sackPermitted, hasTimestamp, timestamp, timestampEcho, sack, userTimeout);
        return true;
    }

    /// <summary>Writes a user timeout (RFC 5482 section 3) and returns its length.</summary>
    public static int WriteUserTimeout(Span<byte> options, long seconds)
    {
        var value = seconds < MinutesFlag ? seconds : Math.Min(seconds / 60, MinutesFlag - 1) | MinutesFlag;
        options[0] = UserTimeoutKind;
        options[1] = UserTimeoutBytes;
        BinaryPrimitives.WriteUInt16BigEndian(options[2..], (ushort)value);
        return UserTimeoutBytes;
    }

    /// <summary>Writes the options of a SYN and returns their length, a multiple of 4.</summary>
    public static int WriteSyn(Span<byte> options, int mss, int windowShift, bool sackPermitted, bool hasTimestamp, uint timestamp,
        uint timestampEcho)
    {
        options[0] = MssKind;
        options[1] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(options[2..], (ushort)Math.Min(mss, ushort.MaxValue));
        var length = 4;
        if (sackPermitted)
        {
            options[length] = NopKind;
            options[length + 1] = NopKind;
            options[length + 2] = SackPermittedKind;
            options[length + 3] = 2;
            length += 4;
        }

        if (hasTimestamp)
            length += WriteTimestamp(options[length..], timestamp, timestampEcho);
        if (windowShift >= 0)
        {
            options[length] = NopKind;
            options[length + 1] = WindowShiftKind;
            options[length + 2] = 3;
            options[length + 3] = (byte)windowShift;
            length += 4;
        }

        return length;
    }

    /// <summary>Writes timestamps and returns their length.</summary>
    public static int WriteTimestamp(Span<byte> options, uint timestamp, uint timestampEcho)
    {
        BinaryPrimitives.WriteUInt32BigEndian(options, PaddedTimestampHead);
        BinaryPrimitives.WriteUInt32BigEndian(options[4..], timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(options[8..], timestampEcho);
        return TimestampBytes;
    }

    /// <summary>Returns the length that <see cref="WriteSack"/> writes.</summary>
    public static int SackBytes(int blocks) => blocks == 0 ? 0 : 4 + (blocks * SackBlockBytes);

    /// <summary>Writes selective acknowledgments and returns their length.</summary>
    public static int WriteSack(Span<byte> options, ReadOnlySpan<SequenceRange> blocks)
    {
        if (blocks.IsEmpty)
            return 0;
        options[0] = NopKind;
        options[1] = NopKind;
        options[2] = SackKind;
        options[3] = (byte)(2 + (blocks.Length * SackBlockBytes));
        var at = 4;
        foreach (var block in blocks)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options[at..], (uint)block.Start);
            BinaryPrimitives.WriteUInt32BigEndian(options[(at + 4)..], (uint)block.End);
            at += SackBlockBytes;
        }

        return at;
    }
}
