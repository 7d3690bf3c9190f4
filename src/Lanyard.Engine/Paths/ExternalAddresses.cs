using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Paths;

/// <summary>
/// This node's external addresses as roots and peers report them, which are pushed to members so that they can reach this node through a NAT. Only roots and peers
/// on a confirmed path report, a few addresses each. A peer's report counts if a root reports the same IP address, or no root reports any. A changed report of a
/// root means that this node moved to another network.
/// </summary>
internal sealed class ExternalAddresses
{
    /// <summary>The maximum number of addresses pushed to members.</summary>
    public const int MaxAddresses = 16;

    private const long EntryLifeMs = 600_000;
    private const int MaxReporters = 256;
    private const int MaxOfReporter = 4;

    private readonly Dictionary<NodeAddress, List<Entry>> _reports = [];

    /// <summary>Records a report. Returns true if a root's view of this node changed, so that paths of this scope and family must be probed again.</summary>
    public bool Report(long nowMs, NodeAddress reporter, int localSocket, in InetEndpoint reporterEndpoint, in InetEndpoint seenAs, bool isRoot)
    {
        var scope = IpScopes.Of(seenAs.Address);
        if (seenAs.Port == 0 || scope != IpScopes.Of(reporterEndpoint.Address) || scope is IpScope.None or IpScope.Loopback or IpScope.Multicast)
            return false;
        if (!_reports.TryGetValue(reporter, out var entries))
        {
            if (_reports.Count >= MaxReporters)
                Clean(nowMs);
            if (_reports.Count >= MaxReporters && !isRoot)
                return false;
            _reports.Add(reporter, entries = []);
        }

        var entry = new Entry(localSocket, reporterEndpoint, scope, seenAs, nowMs, isRoot);
        var from = reporterEndpoint;
        var index = entries.FindIndex(e => e.LocalSocket == localSocket && e.From == from && e.Scope == scope);
        var hasChanged = false;
        if (index >= 0)
        {
            hasChanged = isRoot && nowMs - entries[index].SeenMs < EntryLifeMs && entries[index].SeenAs.Address != seenAs.Address;
            entries.RemoveAt(index);
        }
        else if (entries.Count >= MaxOfReporter)
        {
            entries.RemoveAt(0);
        }

        if (hasChanged)
            Forget(e => e.Scope == scope && e.From != from);
        entries.Add(entry);
        return hasChanged;
    }

    /// <summary>Adds the distinct addresses reported recently, those of roots first.</summary>
    public void CopyTo(List<InetEndpoint> list)
    {
        var end = list.Count + MaxAddresses;
        foreach (var entry in Entries(ofRoots: true))
            Add(list, entry.SeenAs, end);
        foreach (var entry in Entries(ofRoots: false))
        {
            if (IsConfirmedByRoots(entry))
                Add(list, entry.SeenAs, end);
        }
    }

    /// <summary>Removes expired reports.</summary>
    public void Clean(long nowMs)
    {
        Forget(e => nowMs - e.SeenMs >= EntryLifeMs);
        foreach (var (reporter, entries) in _reports.ToArray())
        {
            if (entries.Count == 0)
                _reports.Remove(reporter);
        }
    }

    private static void Add(List<InetEndpoint> list, in InetEndpoint endpoint, int end)
    {
        if (list.Count < end && !list.Contains(endpoint))
            list.Add(endpoint);
    }

    private IEnumerable<Entry> Entries(bool ofRoots) => _reports.Values.SelectMany(e => e).Where(e => e.IsRoot == ofRoots);

    // Whether a root reports the same IP address, or no root reports one of this scope and family.
    private bool IsConfirmedByRoots(in Entry report)
    {
        var hasRoot = false;
        foreach (var entry in Entries(ofRoots: true))
        {
            if (entry.Scope != report.Scope || entry.SeenAs.Address.Family != report.SeenAs.Address.Family)
                continue;
            if (entry.SeenAs.Address == report.SeenAs.Address)
                return true;
            hasRoot = true;
        }

        return !hasRoot;
    }

    private void Forget(Predicate<Entry> isForgotten)
    {
        foreach (var entries in _reports.Values)
            entries.RemoveAll(isForgotten);
    }

    private readonly record struct Entry(int LocalSocket, InetEndpoint From, IpScope Scope, InetEndpoint SeenAs, long SeenMs, bool IsRoot);
}
