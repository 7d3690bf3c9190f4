using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Path MTUs that ICMP told of (RFC 1191, RFC 8201), for ten minutes each and within <see cref="HostLimits.PathMtus"/>.</summary>
internal sealed class PathMtuCache(NetworkHost host)
{
    private const long Lifetime = 600_000_000;
    private const int MinIPv4Mtu = 552;

    private readonly Dictionary<InetAddress, (int Mtu, long Until)> _entries = [];

    /// <summary>The largest packet for a destination as far as is known.</summary>
    public int Get(InetAddress destination)
    {
        if (_entries.Count == 0 || !_entries.TryGetValue(destination, out var entry))
            return int.MaxValue;
        if (host.Now < entry.Until)
            return entry.Mtu;
        _entries.Remove(destination);
        return int.MaxValue;
    }

    /// <summary>Heeds a "too big" whose quoted packet was really sent. Returns the MTU that now holds.</summary>
    public int Lower(InetAddress destination, int mtu)
    {
        mtu = Math.Max(mtu, destination.IsV4 ? MinIPv4Mtu : Ipv6Packet.MinMtu);
        var known = Math.Min(Get(destination), host.Mtu);
        if (mtu >= known)
            return known;
        if (_entries.Count >= host.Options.Limits.PathMtus)
            EvictEarliest();
        _entries[destination] = (mtu, host.Now + Lifetime);
        host.Count(HostCounter.PathMtuLowered);
        return mtu;
    }

    private void EvictEarliest()
    {
        InetAddress earliest = default;
        var until = long.MaxValue;
        foreach (var (address, entry) in _entries)
        {
            if (entry.Until < until)
                (earliest, until) = (address, entry.Until);
        }

        _entries.Remove(earliest);
    }
}
