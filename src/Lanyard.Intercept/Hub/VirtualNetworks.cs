using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Which networks a user's programs see, and which of these an address belongs to.</summary>
internal sealed class VirtualNetworks(LanyardNode node, Func<uint, LanyardNetwork, bool> mayUse)
{
    /// <summary>The networks that are up and that an owner may use.</summary>
    public IEnumerable<LanyardNetwork> Of(SocketOwner owner) =>
        node.Networks.Where(network => network.IsReady && (owner.Network == 0 || network.Id.Value == owner.Network) && mayUse(owner.User, network));

    /// <summary>
    /// The network that leads to a destination: see <see cref="LanyardNode.FindNetwork(IEnumerable{LanyardNetwork}, System.Net.IPAddress, bool)"/>. Null if there is none, or
    /// if the destination is in this host's own LAN.
    /// </summary>
    public LanyardNetwork? FindFor(InetAddress destination, SocketOwner owner) => destination.Family == InetFamily.None ? null
        : LanyardNode.FindNetwork(Of(owner), destination.ToIPAddress(), preferHostNetwork: true);

    /// <summary>This node's source address towards a destination; none if no network leads there.</summary>
    public InetAddress SourceFor(InetAddress destination, SocketOwner owner)
    {
        if (FindFor(destination, owner) is not { } network)
            return default;
        var own = network.Addresses.Where(address => address.Address.Family == destination.Family).ToArray();
        return own.FirstOrDefault(address => address.Contains(destination), own.FirstOrDefault()).Address;
    }

    /// <summary>The network on which an address is this node's; null if there is none.</summary>
    public LanyardNetwork? FindOwner(InetAddress address, SocketOwner owner) =>
        Of(owner).FirstOrDefault(network => network.Addresses.Any(own => own.Address == address));
}
