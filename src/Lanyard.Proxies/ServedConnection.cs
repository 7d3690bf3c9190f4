using System.Diagnostics;

namespace Lanyard.Proxies;

/// <summary>
/// A client that is being served, and the other end, which ends with the client. A client that misses its deadline or is idle for too long is cut off, whatever operation is
/// pending. Thread-safe.
/// </summary>
internal sealed class ServedConnection : IDisposable
{
    private readonly CancellationTokenSource _cut = new();
    private readonly object _lock = new();
    private readonly LanyardProxyCounters _counters;
    private StreamEnd? _other;
    private long _deadlineMs = long.MaxValue;
    private long _lastMs = long.MaxValue;
    private long _idleMs;
    private LanyardProxyCounter _lateness;
    private bool _isCut;

    /// <param name="client">The client.</param>
    /// <param name="counters">The counters for the client's bytes.</param>
    public ServedConnection(StreamEnd client, LanyardProxyCounters counters)
    {
        Client = client;
        _counters = counters;
        Token = _cut.Token;
    }

    /// <summary>The client.</summary>
    public StreamEnd Client { get; }

    /// <summary>Canceled when the connection is cut off.</summary>
    public CancellationToken Token { get; }

    /// <summary>The counter of the reason why the connection was cut off; null if it was not cut off, or was cut off without a fault.</summary>
    public LanyardProxyCounter? CutBecause { get; private set; }

    /// <summary>The time in milliseconds.</summary>
    public static long NowMs => (long)(Stopwatch.GetTimestamp() * (1_000.0 / Stopwatch.Frequency));

    /// <summary>Sets a deadline for the current step, idle or not.</summary>
    /// <param name="time">The time until the deadline.</param>
    /// <param name="lateness">The counter to increment if the connection misses the deadline.</param>
    public void SetDeadline(TimeSpan time, LanyardProxyCounter lateness)
    {
        _lateness = lateness;
        Volatile.Write(ref _idleMs, 0);
        Volatile.Write(ref _deadlineMs, NowMs + (long)time.TotalMilliseconds);
    }

    /// <summary>Replaces the deadline with an idle timeout, which <see cref="Touch"/> restarts.</summary>
    /// <param name="idle">The longest time without a byte in either direction.</param>
    /// <param name="lateness">The counter to increment if the connection exceeds the timeout.</param>
    public void SetIdleTimeout(TimeSpan idle, LanyardProxyCounter lateness)
    {
        _lateness = lateness;
        Volatile.Write(ref _idleMs, (long)idle.TotalMilliseconds);
        Touch();
    }

    /// <summary>Sets a hard deadline: the connection ends then in any case, and no counter is incremented.</summary>
    public void SetHardDeadline(TimeSpan time) => Volatile.Write(ref _lastMs, NowMs + (long)time.TotalMilliseconds);

    /// <summary>Restarts the idle timeout.</summary>
    public void Touch()
    {
        if (Volatile.Read(ref _idleMs) is > 0 and var idle)
            Volatile.Write(ref _deadlineMs, NowMs + idle);
    }

    /// <summary>Counts bytes that were relayed, and restarts the idle timeout.</summary>
    public void Carried(LanyardProxyCounter counter, int bytes)
    {
        Touch();
        _counters.Add(counter, bytes);
    }

    /// <summary>Cuts the connection off if it has missed a deadline or exceeded the idle timeout.</summary>
    public void CutIfLate(long nowMs)
    {
        if (nowMs >= Volatile.Read(ref _lastMs))
            Cut(null);
        else if (nowMs >= Volatile.Read(ref _deadlineMs))
            Cut(_lateness);
    }

    /// <summary>Adds the other end, which ends with the client. If the connection is already cut off, ends it at once.</summary>
    public void Attach(StreamEnd other)
    {
        lock (_lock)
        {
            _other = other;
            if (!_isCut)
                return;
        }

        other.Abort();
    }

    /// <summary>Resets both ends.</summary>
    /// <param name="because">The counter of the reason.</param>
    public void Cut(LanyardProxyCounter? because)
    {
        StreamEnd? other;
        lock (_lock)
        {
            if (_isCut)
                return;
            _isCut = true;
            CutBecause = because;
            other = _other;
        }

        try
        {
            _cut.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection has just ended by itself.
        }

        Client.Abort();
        other?.Abort();
    }

    /// <summary>Closes both ends.</summary>
    public void Dispose()
    {
        StreamEnd? other;
        lock (_lock)
            other = _other;
        Client.Dispose();
        other?.Dispose();
        _cut.Dispose();
    }
}
