using Lanyard.Engine.Peers;
using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>The networks that this node has joined, and its controller.</summary>
internal sealed class JoinedNetworks : IPeerRoles
{
    private readonly Dictionary<NetworkId, VirtualNetwork> _networks = [];

    /// <summary>This node's controller; null if it is none.</summary>
    public INetworkController? Controller { get; set; }

    public Dictionary<NetworkId, VirtualNetwork>.ValueCollection All => _networks.Values;

    bool IPeerRoles.IsController => Controller is not null;

    public VirtualNetwork? Find(NetworkId id) => _networks.GetValueOrDefault(id);

    public void Add(VirtualNetwork network) => _networks.Add(network.Id, network);

    public bool Remove(NetworkId id) => _networks.Remove(id);

    public bool IsControllerOfJoined(NodeAddress address)
    {
        foreach (var network in _networks.Values)
        {
            if (network.Controller == address)
                return true;
        }

        return false;
    }

    public bool IsHelper(NodeAddress address)
    {
        foreach (var network in _networks.Values)
        {
            if (network.Config is { } config && config.HasRole(address, SpecialistRoles.Anchor | SpecialistRoles.MulticastReplicator))
                return true;
        }

        return false;
    }

    public Identity? FindMember(NodeAddress address) => Controller?.FindIdentity(address);
}
