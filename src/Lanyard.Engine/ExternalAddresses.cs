using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>
/// What peers say our address looks like from where they are: told to peers that we share a network with, so that they can reach us through
/// a NAT. A root's report that the address changed means that this node moved to another network.
/// </summary>
internal sealed class ExternalAddresses(int capacity)
{
    private const long EntryLifeMs = 600_000;

    private readonly Dictionary<Key, Entry> _entries = [];

    /// <summary>Takes a report. True if a trusted reporter's view of this node changed: paths in this scope and family are to be tried anew.</summary>
    public bool Report(long nowMs, NodeAddress reporter, int localSocket, in InetEndpoint reporterEndpoint, in InetEndpoint seenAs, bool trusted)
    {
        var scope = IpScopes.Of(seenAs.Address);
        if (scope != IpScopes.Of(reporterEndpoint.Address) || scope is IpScope.None or IpScope.Loopback or IpScope.Multicast)
            return false;
        var key = new Key(reporter, localSocket, reporterEndpoint, scope);
        var known = _entries.TryGetValue(key, out var old) && nowMs - old.SeenMs < EntryLifeMs;
        if (!known && _entries.Count >= capacity)
        {
            Clean(nowMs);
            if (_entries.Count >= capacity && !trusted)
                return false;
        }

        var changed = trusted && known && old.SeenAs.Address != seenAs.Address;
        if (changed)
        {
            foreach (var other in _entries.Keys.ToArray())
            {
                if (other.Scope == scope && other.ReporterEndpoint != reporterEndpoint)
                    _entries.Remove(other);
            }
        }

        _entries[key] = new Entry(seenAs, nowMs);
        return changed;
    }

    /// <summary>The distinct addresses under which this node was seen lately.</summary>
    public void CopyTo(List<InetEndpoint> list)
    {
        foreach (var entry in _entries.Values)
        {
            if (!list.Contains(entry.SeenAs))
                list.Add(entry.SeenAs);
        }
    }

    /// <summary>Forgets old reports.</summary>
    public void Clean(long nowMs)
    {
        foreach (var (key, entry) in _entries.ToArray())
        {
            if (nowMs - entry.SeenMs >= EntryLifeMs)
                _entries.Remove(key);
        }
    }

    private readonly record struct Key(NodeAddress Reporter, int LocalSocket, InetEndpoint ReporterEndpoint, IpScope Scope);

    private readonly record struct Entry(InetEndpoint SeenAs, long SeenMs);
}
