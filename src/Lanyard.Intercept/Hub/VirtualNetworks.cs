using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Finds the networks that a user's programs may use, and the network of an address.</summary>
internal sealed class VirtualNetworks(LanyardNode node, Func<uint, LanyardNetwork, bool> mayUse)
{
    /// <summary>Returns the networks that are up and that an owner may use.</summary>
    public IEnumerable<LanyardNetwork> Of(SocketOwner owner) =>
        node.Networks.Where(network => network.IsReady && (owner.Network == 0 || network.Id.Value == owner.Network) && mayUse(owner.User, network));

    /// <summary>
    /// Finds the network that leads to a destination: see <see cref="LanyardNode.FindNetwork(IEnumerable{LanyardNetwork}, System.Net.IPAddress, bool)"/>.
    /// Returns null if there is none, or if the destination is in this host's own LAN.
    /// </summary>
    public LanyardNetwork? FindFor(InetAddress destination, SocketOwner owner) => destination.Family == InetFamily.None ? null
        : LanyardNode.FindNetwork(Of(owner), destination.ToIPAddress(), preferHostNetwork: true);

    /// <summary>Returns this node's source address for a destination; none if no network leads there.</summary>
    public InetAddress SourceFor(InetAddress destination, SocketOwner owner)
    {
        if (FindFor(destination, owner) is not { } network)
            return default;
        var own = network.Addresses.Where(address => address.Address.Family == destination.Family).ToArray();
        return own.FirstOrDefault(address => address.Contains(destination), own.FirstOrDefault()).Address;
    }

    /// <summary>Finds the network on which an address belongs to this node; returns null if there is none.</summary>
    public LanyardNetwork? FindOwner(InetAddress address, SocketOwner owner) =>
        Of(owner).FirstOrDefault(network => network.Addresses.Any(own => own.Address == address));
}
