namespace Lanyard.NetStack;

/// <summary>Time spans as the host counts them.</summary>
internal static class Microseconds
{
    public const long PerSecond = 1_000_000;
    public const long PerMillisecond = 1_000;

    /// <summary>A span in microseconds; a negative one counts as none.</summary>
    public static long From(TimeSpan span) => Math.Max(0, span.Ticks / 10);
}
