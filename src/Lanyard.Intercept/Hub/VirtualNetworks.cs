using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Which networks a user's programs see, and which of these an address belongs to.</summary>
internal sealed class VirtualNetworks(LanyardNode node, Func<uint, LanyardNetwork, bool> mayUse)
{
    /// <summary>The networks of a user, or the one of them that was asked for; only those that are up.</summary>
    public IEnumerable<LanyardNetwork> Of(SocketOwner owner) =>
        node.Networks.Where(network => network.IsReady && (owner.Network == 0 || network.Id.Value == owner.Network) && mayUse(owner.User, network));

    /// <summary>
    /// The network that a destination belongs to: by its most specific address or route; null where it is none's, or in this host's own LAN.
    /// </summary>
    public LanyardNetwork? FindFor(InetAddress destination, SocketOwner owner) => destination.Family == InetFamily.None ? null
        : LanyardNode.FindNetwork(Of(owner), destination.ToIPAddress(), preferHostNetwork: true);

    /// <summary>The address that this node speaks to a destination from; none where it does not.</summary>
    public InetAddress SourceFor(InetAddress destination, SocketOwner owner)
    {
        if (FindFor(destination, owner) is not { } network)
            return default;
        var own = network.Addresses.Where(address => address.Address.Family == destination.Family).ToArray();
        return own.FirstOrDefault(address => address.Contains(destination), own.FirstOrDefault()).Address;
    }

    /// <summary>The network on which an address is this node's; null where it is none.</summary>
    public LanyardNetwork? FindOwner(InetAddress address, SocketOwner owner) =>
        Of(owner).FirstOrDefault(network => network.Addresses.Any(own => own.Address == address));
}
