namespace Lanyard.Proxies;

/// <summary>What proxies and forwards count.</summary>
public enum LanyardProxyCounter
{
    /// <summary>Clients accepted.</summary>
    Accepted,

    /// <summary>Clients cut off because as many as allowed were being served.</summary>
    OverLimit,

    /// <summary>Clients cut off because their request was not complete in time.</summary>
    GreetingTimedOut,

    /// <summary>Clients cut off because what they sent is no request of a protocol that is spoken here, or is too long.</summary>
    Malformed,

    /// <summary>Requests without the right user and password.</summary>
    NotAuthenticated,

    /// <summary>Destinations refused because they are not on a virtual network.</summary>
    NotAllowed,

    /// <summary>Destinations that could not be reached, or whose names mean nothing.</summary>
    Unreachable,

    /// <summary>Connections that came about.</summary>
    Connected,

    /// <summary>Connections that ended with a reset or another failure of either end.</summary>
    Failed,

    /// <summary>Connections cut because nothing went over them for too long.</summary>
    IdleTimedOut,

    /// <summary>Bytes that clients sent.</summary>
    BytesFromClients,

    /// <summary>Bytes that went to clients.</summary>
    BytesToClients,

    /// <summary>Datagrams of clients passed on.</summary>
    DatagramsFromClients,

    /// <summary>Datagrams passed on to clients.</summary>
    DatagramsToClients,

    /// <summary>Datagrams dropped because they are fragments of SOCKS (FRAG is not 0), which are not put together here.</summary>
    DatagramsDroppedFragment,

    /// <summary>Datagrams dropped because another than the client sent them.</summary>
    DatagramsDroppedSource,

    /// <summary>Datagrams dropped because they are malformed.</summary>
    DatagramsDroppedMalformed,

    /// <summary>Datagrams dropped because their destination is refused, unknown or unreachable.</summary>
    DatagramsDroppedUnreachable,

    /// <summary>Datagrams dropped because too many wait for a name, or too many clients send.</summary>
    DatagramsDroppedOverLimit,
}

/// <summary>The counters of a proxy or a forward. They go on counting; reading takes no lock.</summary>
public sealed class LanyardProxyCounters
{
    private const int Count = (int)LanyardProxyCounter.DatagramsDroppedOverLimit + 1;

    private readonly long[] _values = new long[Count];
    private int _active;

    internal LanyardProxyCounters()
    {
    }

    /// <summary>One of them.</summary>
    public long this[LanyardProxyCounter counter] => Interlocked.Read(ref _values[(int)counter]);

    /// <summary>How many connections, or senders of datagrams, are being served.</summary>
    public int Active => Volatile.Read(ref _active);

    internal void Add(LanyardProxyCounter counter, long count = 1) => Interlocked.Add(ref _values[(int)counter], count);

    internal void AddActive(int count) => Interlocked.Add(ref _active, count);
}
