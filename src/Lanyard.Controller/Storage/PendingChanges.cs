using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Changes that are not written yet. Only the latest state of a record is kept, so even with a slow disk there are no more pending changes than
/// records. Not thread-safe.
/// </summary>
internal sealed class PendingChanges
{
    /// <summary>A change of a network: deleted with its members, saved, or first deleted and then saved.</summary>
    public readonly record struct NetworkChange(bool Deleted, NetworkRecord? Saved);

    private readonly Dictionary<NetworkId, NetworkChange> _networks = [];
    private readonly Dictionary<NetworkId, Dictionary<NodeAddress, MemberRecord?>> _members = [];

    public bool IsEmpty => Count == 0;

    /// <summary>The changed networks, to write before the members.</summary>
    public IReadOnlyDictionary<NetworkId, NetworkChange> Networks => _networks;

    /// <summary>The changed members by network; a deleted member has no record.</summary>
    public IReadOnlyDictionary<NetworkId, Dictionary<NodeAddress, MemberRecord?>> Members => _members;

    /// <summary>The upper bound of the timestamps of signed credentials; <see langword="null"/> if unchanged.</summary>
    public long? SignedUntilMs { get; set; }

    /// <summary>The number of pending changes.</summary>
    public int Count => _networks.Count + _members.Values.Sum(members => members.Count) + (SignedUntilMs is null ? 0 : 1);

    public void Save(NetworkRecord network) =>
        _networks[network.Id] = _networks.GetValueOrDefault(network.Id) with { Saved = network };

    public void Save(MemberRecord member) => MembersOf(member.Network)[member.Address] = member;

    public void Delete(NetworkId network)
    {
        _networks[network] = new NetworkChange(Deleted: true, Saved: null);
        _members.Remove(network);
    }

    public void Delete(NetworkId network, NodeAddress member) => MembersOf(network)[member] = null;

    /// <summary>Adds older changes that could not be written. Newer changes of the same record take precedence.</summary>
    public void AddEarlier(PendingChanges earlier)
    {
        SignedUntilMs ??= earlier.SignedUntilMs;
        foreach (var (network, members) in earlier._members)
        {
            // A network that was deleted since was deleted with its members.
            if (_networks.TryGetValue(network, out var since) && since.Deleted)
                continue;
            var newer = MembersOf(network);
            foreach (var (address, member) in members)
                newer.TryAdd(address, member);
        }

        foreach (var (network, change) in earlier._networks)
        {
            if (!_networks.TryGetValue(network, out var since))
                _networks.Add(network, change);
            else if (!since.Deleted)
                _networks[network] = new NetworkChange(change.Deleted, since.Saved ?? change.Saved);
        }
    }

    private Dictionary<NodeAddress, MemberRecord?> MembersOf(NetworkId network)
    {
        if (!_members.TryGetValue(network, out var members))
            _members.Add(network, members = []);
        return members;
    }
}
