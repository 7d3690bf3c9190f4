using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Changes that wait to be written. Of one record only the latest state is kept, so however slow the disk is, no more waits than there are
/// records. Not safe for use by several threads.
/// </summary>
internal sealed class PendingChanges
{
    /// <summary>What happened to a network: it was deleted (and its members with it), saved, or first the one and then the other.</summary>
    public readonly record struct NetworkChange(bool Deleted, NetworkRecord? Saved);

    private readonly Dictionary<NetworkId, NetworkChange> _networks = [];
    private readonly Dictionary<NetworkId, Dictionary<NodeAddress, MemberRecord?>> _members = [];

    public bool IsEmpty => Count == 0;

    /// <summary>To be written before the members.</summary>
    public IReadOnlyDictionary<NetworkId, NetworkChange> Networks => _networks;

    /// <summary>By network: the members that were saved or, without a record, deleted.</summary>
    public IReadOnlyDictionary<NetworkId, Dictionary<NodeAddress, MemberRecord?>> Members => _members;

    /// <summary>The upper bound of the timestamps of signed credentials; <see langword="null"/> if unchanged.</summary>
    public long? SignedUntilMs { get; set; }

    /// <summary>How many records wait.</summary>
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

    /// <summary>Puts changes that could not be written back before these.</summary>
    public void AddEarlier(PendingChanges earlier)
    {
        SignedUntilMs ??= earlier.SignedUntilMs;
        foreach (var (network, members) in earlier._members)
        {
            // A network that was deleted since took its members along.
            if (_networks.TryGetValue(network, out var since) && since.Deleted)
                continue;
            var waiting = MembersOf(network);
            foreach (var (address, member) in members)
                waiting.TryAdd(address, member);
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
