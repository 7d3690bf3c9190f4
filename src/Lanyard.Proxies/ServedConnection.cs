using System.Diagnostics;

namespace Lanyard.Proxies;

/// <summary>
/// A client that is being served, and what else ends with it. It has a time by which it must have got on; whoever is late is cut, whatever it waits
/// for. Any thread.
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
    /// <param name="counters">Where its bytes are counted.</param>
    public ServedConnection(StreamEnd client, LanyardProxyCounters counters)
    {
        Client = client;
        _counters = counters;
        Token = _cut.Token;
    }

    /// <summary>The client.</summary>
    public StreamEnd Client { get; }

    /// <summary>Ends when the connection is cut.</summary>
    public CancellationToken Token { get; }

    /// <summary>Why it was cut, to be counted; null where it was not, or for no fault.</summary>
    public LanyardProxyCounter? CutBecause { get; private set; }

    /// <summary>The time in milliseconds.</summary>
    public static long NowMs => (long)(Stopwatch.GetTimestamp() * (1_000.0 / Stopwatch.Frequency));

    /// <summary>The connection must be done with what it does within a time, whether it gets on or not.</summary>
    public void FinishWithin(TimeSpan time, LanyardProxyCounter lateness)
    {
        _lateness = lateness;
        Volatile.Write(ref _idleMs, 0);
        Volatile.Write(ref _deadlineMs, NowMs + (long)time.TotalMilliseconds);
    }

    /// <summary>From now on the connection must get on at least so often; see <see cref="Touch"/>.</summary>
    public void GetOnWithin(TimeSpan idle, LanyardProxyCounter lateness)
    {
        _lateness = lateness;
        Volatile.Write(ref _idleMs, (long)idle.TotalMilliseconds);
        Touch();
    }

    /// <summary>The rest must be over soon: whatever happens, the connection ends at the latest then, and nothing is counted.</summary>
    public void LastFor(TimeSpan time) => Volatile.Write(ref _lastMs, NowMs + (long)time.TotalMilliseconds);

    /// <summary>The connection got on.</summary>
    public void Touch()
    {
        if (Volatile.Read(ref _idleMs) is > 0 and var idle)
            Volatile.Write(ref _deadlineMs, NowMs + idle);
    }

    /// <summary>The connection got on by bytes that were passed on.</summary>
    public void Carried(LanyardProxyCounter counter, int bytes)
    {
        Touch();
        _counters.Add(counter, bytes);
    }

    /// <summary>Cuts the connection where it is late.</summary>
    public void CutIfLate(long nowMs)
    {
        if (nowMs >= Volatile.Read(ref _lastMs))
            Cut(null);
        else if (nowMs >= Volatile.Read(ref _deadlineMs))
            Cut(_lateness);
    }

    /// <summary>Adds the other end, which ends with the client. If the connection is cut already, it ends at once.</summary>
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
    /// <param name="because">What to count.</param>
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
            // It has just ended by itself.
        }

        Client.Abort();
        other?.Abort();
    }

    /// <summary>Ends both ends in order.</summary>
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
