namespace Lanyard.Proxies;

/// <summary>The counters of proxies and forwards.</summary>
public enum LanyardProxyCounter
{
    /// <summary>Clients accepted.</summary>
    Accepted,

    /// <summary>Clients cut off because the limit of clients was reached.</summary>
    OverLimit,

    /// <summary>Clients cut off because their request was not complete in time.</summary>
    GreetingTimedOut,

    /// <summary>Clients cut off because their request is invalid, too long, or of a protocol that the proxy does not serve.</summary>
    Malformed,

    /// <summary>Requests without the right user and password.</summary>
    NotAuthenticated,

    /// <summary>Destinations refused because they are not on a virtual network.</summary>
    NotAllowed,

    /// <summary>Destinations that could not be reached, or whose names do not exist.</summary>
    Unreachable,

    /// <summary>Opened connections.</summary>
    Connected,

    /// <summary>Connections that ended with a reset or another failure of either end.</summary>
    Failed,

    /// <summary>Connections cut because they were idle for too long.</summary>
    IdleTimedOut,

    /// <summary>Bytes received from clients.</summary>
    BytesFromClients,

    /// <summary>Bytes sent to clients.</summary>
    BytesToClients,

    /// <summary>Datagrams forwarded from clients.</summary>
    DatagramsFromClients,

    /// <summary>Datagrams forwarded to clients.</summary>
    DatagramsToClients,

    /// <summary>Datagrams dropped because they are SOCKS fragments (FRAG is not 0), which the proxy does not reassemble.</summary>
    DatagramsDroppedFragment,

    /// <summary>Datagrams dropped because their sender is not the client.</summary>
    DatagramsDroppedSource,

    /// <summary>Datagrams dropped because they are malformed.</summary>
    DatagramsDroppedMalformed,

    /// <summary>Datagrams dropped because their destination is refused, unknown or unreachable.</summary>
    DatagramsDroppedUnreachable,

    /// <summary>Datagrams dropped because too many are queued for a name, or too many clients send.</summary>
    DatagramsDroppedOverLimit,
}

/// <summary>The counters of a proxy or a forward. They are never reset; reading takes no lock.</summary>
public sealed class LanyardProxyCounters
{
    private const int Count = (int)LanyardProxyCounter.DatagramsDroppedOverLimit + 1;

    private readonly long[] _values = new long[Count];
    private int _active;

    internal LanyardProxyCounters()
    {
    }

    /// <summary>Returns a counter.</summary>
    public long this[LanyardProxyCounter counter] => Interlocked.Read(ref _values[(int)counter]);

    /// <summary>The number of connections, or senders of datagrams, that are being served.</summary>
    public int Active => Volatile.Read(ref _active);

    internal void Add(LanyardProxyCounter counter, long count = 1) => Interlocked.Add(ref _values[(int)counter], count);

    internal void AddActive(int count) => Interlocked.Add(ref _active, count);
}
