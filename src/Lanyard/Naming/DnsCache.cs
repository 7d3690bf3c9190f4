using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// Caches the answers of a network's DNS servers for their lifetime (RFC 1035 section 3.2.1; RFC 2308 section 5 for missing names and types). The size is bounded. A
/// change of the network's DNS configuration clears the cache. Thread-safe.
/// </summary>
/// <param name="clock">A monotonic clock in seconds.</param>
internal sealed class DnsCache(Func<long> clock)
{
    /// <summary>The maximum number of cached names. Beyond it, the name that expires first makes room.</summary>
    public const int MaxNames = 512;

    /// <summary>The maximum lifetime of an answer in seconds: one hour.</summary>
    public const uint MaxSeconds = 3_600;

    private readonly Dictionary<string, (InetAddress[] Addresses, long Until)> _names = new(StringComparer.Ordinal);
    private NetworkDns? _dns;

    /// <summary>The number of cached names.</summary>
    public int Count
    {
        get
        {
            lock (_names)
                return _names.Count;
        }
    }

    /// <summary>Finds the cached addresses of a name; returns an empty array if the name has none, and null if the servers must be asked.</summary>
    /// <param name="dns">The network's DNS configuration.</param>
    /// <param name="name">The name in lower case, with the requested record types.</param>
    public InetAddress[]? Find(NetworkDns dns, string name)
    {
        lock (_names)
        {
            ForgetOthers(dns);
            if (!_names.TryGetValue(name, out var entry))
                return null;
            if (clock() < entry.Until)
                return entry.Addresses;
            _names.Remove(name);
            return null;
        }
    }

    /// <summary>Caches an answer.</summary>
    /// <param name="dns">The DNS configuration that gave the answer.</param>
    /// <param name="name">The name, as for <see cref="Find"/>.</param>
    /// <param name="addresses">The addresses; empty if the name does not exist or has none.</param>
    /// <param name="seconds">The lifetime in seconds; 0 does not cache the answer.</param>
    public void Keep(NetworkDns dns, string name, InetAddress[] addresses, uint seconds)
    {
        if (seconds == 0)
            return;
        lock (_names)
        {
            ForgetOthers(dns);
            if (_names.Count >= MaxNames && !_names.ContainsKey(name))
                ForgetFirst();
            _names[name] = (addresses, clock() + Math.Min(seconds, MaxSeconds));
        }
    }

    private void ForgetOthers(NetworkDns dns)
    {
        if (dns.Equals(_dns))
            return;
        _dns = dns;
        _names.Clear();
    }

    private void ForgetFirst()
    {
        var first = "";
        var until = long.MaxValue;
        foreach (var (name, entry) in _names)
        {
            if (entry.Until < until)
                (first, until) = (name, entry.Until);
        }

        _names.Remove(first);
    }
}
