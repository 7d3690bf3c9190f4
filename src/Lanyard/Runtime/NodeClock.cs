using System.Diagnostics;

namespace Lanyard;

/// <summary>
/// A node's time: it starts from the wall clock, goes on with the monotonic one and never goes back. Read under the gate, so that the times that the
/// engine and the hosts see are in order.
/// </summary>
internal sealed class NodeClock
{
    private static readonly double MicrosecondsPerTick = 1_000_000.0 / Stopwatch.Frequency;

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _startMs = UnixMs();

    /// <summary>Microseconds since the clock was made.</summary>
    public long Microseconds => (long)((Stopwatch.GetTimestamp() - _start) * MicrosecondsPerTick);

    /// <summary>The time in milliseconds since 1970 that belongs to a reading of <see cref="Microseconds"/>.</summary>
    public long ToMs(long microseconds) => _startMs + (microseconds / 1_000);

    /// <summary>The reading of <see cref="Microseconds"/> at which a time in milliseconds since 1970 begins.</summary>
    public long ToMicroseconds(long ms) => ms >= long.MaxValue / 1_000 ? long.MaxValue : (ms - _startMs) * 1_000;

    /// <summary>
    /// Follows the wall clock where it has run ahead: the machine slept, or its clock was set forward.
    /// </summary>
    /// <returns>How many milliseconds this clock jumped; 0 where it was near enough.</returns>
    public long CatchUp(long thresholdMs)
    {
        var ahead = UnixMs() - ToMs(Microseconds);
        if (ahead < thresholdMs)
            return 0;
        _startMs += ahead;
        return ahead;
    }

    private static long UnixMs() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
}
