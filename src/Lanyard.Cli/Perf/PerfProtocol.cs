using System.Buffers.Binary;

namespace Lanyard.Cli.Perf;

/// <summary>The mode of a stream of a measurement.</summary>
internal enum PerfMode : byte
{
    /// <summary>The client sends; the server counts, and at the end reports the bytes and the duration.</summary>
    Upload = 1,

    /// <summary>The server sends for the requested duration.</summary>
    Download = 2,

    /// <summary>The server echoes all data.</summary>
    Echo = 3,
}

/// <summary>
/// The protocol of a measurement on each TCP stream: the client sends a header of 12 bytes (<c>LYPF</c>, version 1, mode, two zeros, duration
/// in milliseconds), big-endian; after an upload, the server sends 16 bytes (bytes, microseconds).
/// </summary>
internal readonly record struct PerfRequest(PerfMode Mode, TimeSpan Duration)
{
    public const int Size = 12;

    /// <summary>The maximum duration of a measurement.</summary>
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

/// <summary>The server's report of an upload.</summary>
/// <param name="Bytes">The number of received bytes.</param>
/// <param name="Elapsed">The time from the first to the last byte.</param>
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
