namespace Lanyard.NetStack;

/// <summary>
/// Converts between sequence numbers on the wire and 64-bit numbers that do not wrap. The wire carries the low 32 bits. A number from the wire means the
/// 64-bit number nearest to a known one.
/// </summary>
internal static class SequenceNumber
{
    /// <summary>The first 64-bit number of a connection, far enough from zero that numbers before it are not negative.</summary>
    public static long First(uint wire) => (1L << 32) + wire;

    /// <summary>The 64-bit number nearest to <paramref name="near"/> that has the wire's low 32 bits.</summary>
    public static long Unwrap(uint wire, long near) => near + (int)(wire - (uint)near);
}

/// <summary>A stretch of sequence numbers, the end not included.</summary>
internal readonly record struct SequenceRange(long Start, long End);
