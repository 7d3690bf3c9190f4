namespace Lanyard;

/// <summary>
/// A node's time: it starts from the wall clock, continues with the monotonic clock and never goes back. Read under the gate, so that the engine and the hosts see times
/// in order.
/// </summary>
internal sealed class NodeClock
{
    private readonly TimeProvider _time;
    private readonly double _microsecondsPerTick;
    private readonly long _start;
    private long _startMs;

    public NodeClock(TimeProvider time)
    {
        _time = time;
        _microsecondsPerTick = 1_000_000.0 / time.TimestampFrequency;
        _start = time.GetTimestamp();
        _startMs = UnixMs();
    }

    /// <summary>Microseconds since the clock was created.</summary>
    public long Microseconds => (long)((_time.GetTimestamp() - _start) * _microsecondsPerTick);

    /// <summary>Converts a reading of <see cref="Microseconds"/> to milliseconds since 1970.</summary>
    public long ToMs(long microseconds) => _startMs + (microseconds / 1_000);

    /// <summary>Converts milliseconds since 1970 to the reading of <see cref="Microseconds"/> at which the millisecond begins.</summary>
    public long ToMicroseconds(long ms) => ms >= long.MaxValue / 1_000 ? long.MaxValue : (ms - _startMs) * 1_000;

    /// <summary>Follows the wall clock if it has run ahead: the machine slept, or its clock was set forward.</summary>
    /// <returns>The number of milliseconds that this clock jumped; 0 if it was less than the threshold behind.</returns>
    public long CatchUp(long thresholdMs)
    {
        var ahead = UnixMs() - ToMs(Microseconds);
        if (ahead < thresholdMs)
            return 0;
        _startMs += ahead;
        return ahead;
    }

    private long UnixMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
