using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The path MTUs that ICMP errors report (RFC 1191, RFC 8201), each for ten minutes, at most <see cref="HostLimits.PathMtus"/>.</summary>
internal sealed class PathMtuCache(NetworkHost host)
{
    private const long Lifetime = 600_000_000;
    private const int MinIPv4Mtu = 552;

    private readonly Dictionary<InetAddress, (int Mtu, long Until)> _entries = [];

    /// <summary>Returns the largest packet known to reach a destination, in bytes.</summary>
    public int Get(InetAddress destination)
    {
        if (_entries.Count == 0 || !_entries.TryGetValue(destination, out var entry))
            return int.MaxValue;
        if (host.Now < entry.Until)
            return entry.Mtu;
        _entries.Remove(destination);
        return int.MaxValue;
    }

    /// <summary>Applies a "packet too big" error that quotes a packet of this host. Returns the path MTU.</summary>
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
