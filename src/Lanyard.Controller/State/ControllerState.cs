using System.Diagnostics.CodeAnalysis;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// The networks and members of a controller, in memory and in its store. Each method that changes a record reports the change to the store. Guarded by the
/// controller's lock.
/// </summary>
/// <param name="controller">The controller's address.</param>
/// <param name="store">The store, already loaded.</param>
internal sealed class ControllerState(NodeAddress controller, IControllerStore store)
{
    private readonly SortedDictionary<NetworkId, NetworkState> _networks = [];
    private readonly MemberIdentities _identities = new();

    /// <summary>The controller's address.</summary>
    public NodeAddress Controller => controller;

    /// <summary>The number of networks.</summary>
    public int NetworkCount => _networks.Count;

    /// <summary>The networks, by ascending ID.</summary>
    public IEnumerable<NetworkState> Networks => _networks.Values;

    /// <summary>Adds the records that the store, or an import, contains. Does not report them to the store.</summary>
    /// <exception cref="ControllerStoreException">A record belongs to another controller, refers to a missing network, or exceeds a limit.</exception>
    public void Load(StoredRecords records)
    {
        foreach (var network in records.Networks)
        {
            if (network.Id.Controller != controller)
            {
                throw new ControllerStoreException(
                    $"The store contains the network {network.Id} of the controller {network.Id.Controller}, but this node is {controller}. "
                    + "Use the identity that created the networks, or move the store away to start without networks.");
            }

            CheckStored(() => RecordLimits.Check(network), $"network {network.Id}");
            _networks.Add(network.Id, new NetworkState(network, _identities));
        }

        // By age, because the oldest strangers are deleted first.
        foreach (var member in records.Members.OrderBy(member => member.CreationTimeMs))
        {
            if (!_networks.TryGetValue(member.Network, out var network))
                throw new ControllerStoreException($"The store contains the member {member.Address} of the network {member.Network}, but not the network.");
            CheckStored(() => RecordLimits.Check(member), $"member {member.Address} of the network {member.Network}");
            network.Add(member, wasMember: member is { IsAuthorized: true, Identity: not null });
        }
    }

    /// <summary>Saves every record, after an import.</summary>
    public void SaveAll()
    {
        foreach (var network in _networks.Values)
        {
            store.Save(network.Record);
            foreach (var member in network.Members.Values)
                store.Save(member.Record);
        }
    }

    /// <summary>Returns a network; <see langword="null"/> if it does not exist.</summary>
    public NetworkState? Find(NetworkId id) => _networks.GetValueOrDefault(id);

    /// <summary>Returns a member; <see langword="null"/> if it or its network does not exist.</summary>
    public MemberState? Find(NetworkId id, NodeAddress address) => Find(id)?.Members.GetValueOrDefault(address);

    /// <summary>Finds a member and its network.</summary>
    public bool TryFind(NetworkId id, NodeAddress address, [NotNullWhen(true)] out NetworkState? network, [NotNullWhen(true)] out MemberState? member)
    {
        member = null;
        return _networks.TryGetValue(id, out network) && network.Members.TryGetValue(address, out member);
    }

    /// <summary>Returns the identity of an authorized member of any network; <see langword="null"/> if there is none.</summary>
    public Identity? FindIdentity(NodeAddress address) => _identities.Find(address);

    /// <summary>Adds a network, or replaces the record of an existing one.</summary>
    public NetworkState Save(NetworkRecord record)
    {
        if (_networks.TryGetValue(record.Id, out var network))
            network.Record = record;
        else
            _networks.Add(record.Id, network = new NetworkState(record, _identities));
        store.Save(record);
        return network;
    }

    /// <summary>Adds a member, or replaces the record of an existing one.</summary>
    public MemberState Save(NetworkState network, MemberRecord record)
    {
        if (network.Members.TryGetValue(record.Address, out var member))
            network.Replace(member, record);
        else
            member = network.Add(record);
        store.Save(record);
        return member;
    }

    /// <summary>Deletes a network with its members.</summary>
    public void Delete(NetworkState network)
    {
        _networks.Remove(network.Record.Id);
        network.IsDeleted = true;
        foreach (var member in network.Members.Values)
            _identities.Remove(member.Record);
        store.Delete(network.Record.Id);
    }

    /// <summary>Deletes a member.</summary>
    public void Delete(NetworkState network, MemberState member)
    {
        network.Remove(member);
        store.Delete(network.Record.Id, member.Record.Address);
    }

    private static void CheckStored(Action check, string record)
    {
        try
        {
            check();
        }
        catch (ControllerLimitException e)
        {
            throw new ControllerStoreException($"The stored {record} exceeds a limit of this controller: {e.Message} Change it in the program that created it.", e);
        }
    }
}
