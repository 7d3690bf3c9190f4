using System.Buffers.Binary;

namespace Lanyard.Cli.Perf;

/// <summary>What one stream of a measurement is for.</summary>
internal enum PerfMode : byte
{
    /// <summary>The client sends; the server counts and, once the client has finished, says how much came in how long.</summary>
    Upload = 1,

    /// <summary>The server sends for the time that was asked for and then finishes.</summary>
    Download = 2,

    /// <summary>The server sends back what comes.</summary>
    Echo = 3,
}

/// <summary>
/// How the two ends of a measurement speak, on each TCP stream: the client begins with 12 bytes (<c>LYPF</c>, version 1, mode, two zeros, duration
/// in milliseconds), big-endian; an upload ends with 16 bytes of the server (bytes, microseconds).
/// </summary>
internal readonly record struct PerfRequest(PerfMode Mode, TimeSpan Duration)
{
    public const int Size = 12;

    /// <summary>The longest measurement.</summary>
    public static readonly TimeSpan MaxDuration = TimeSpan.FromHours(1);

    private const byte Version = 1;

    private static ReadOnlySpan<byte> Mark => "LYPF"u8;

    public void Write(Span<byte> destination)
    {
        Mark.CopyTo(destination);
        destination[4] = Version;
        destination[5] = (byte)Mode;
        destination[6..8].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], (uint)Duration.TotalMilliseconds);
    }

    public static bool TryRead(ReadOnlySpan<byte> source, out PerfRequest request)
    {
        request = default;
        if (source.Length < Size || !source.StartsWith(Mark) || source[4] != Version || source[5] is < (byte)PerfMode.Upload or > (byte)PerfMode.Echo)
            return false;
        request = new PerfRequest((PerfMode)source[5], TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32BigEndian(source[8..])));
        return request.Duration <= MaxDuration;
    }
}

/// <summary>What the server says of an upload.</summary>
/// <param name="Bytes">How many bytes came.</param>
/// <param name="Elapsed">From the first to the last.</param>
internal readonly record struct PerfReceipt(long Bytes, TimeSpan Elapsed)
{
    public const int Size = 16;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, Bytes);
        BinaryPrimitives.WriteInt64BigEndian(destination[8..], (long)Elapsed.TotalMicroseconds);
    }

    public static PerfReceipt Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadInt64BigEndian(source), TimeSpan.FromMicroseconds(BinaryPrimitives.ReadInt64BigEndian(source[8..])));
}
