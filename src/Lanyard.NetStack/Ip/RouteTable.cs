using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The routes of packets: on-link prefixes, and routes by gateways.</summary>
internal sealed class RouteTable(NetworkHost host)
{
    private Route[] _routes = [];

    public IReadOnlyList<Route> Routes => _routes;

    /// <summary>A number that grows with every change of addresses and routes, so that cached hops can be recognized as old.</summary>
    public int Generation { get; private set; }

    public void SetRoutes(IReadOnlyList<Route> routes)
    {
        _routes = [.. routes];
        Generation++;
    }

    public void OnAddressesChanged() => Generation++;

    /// <summary>Whether a neighbor can have the address.</summary>
    public bool IsOnLink(InetAddress address) =>
        TryFindNextHop(address, out var next) && next == address;

    /// <summary>Returns the next hop to a destination.</summary>
    public Hop Route(InetAddress destination)
    {
        if (host.AddressTable.IsLocal(destination))
            return Hop.ToSelf;
        if (destination.IsMulticast)
            return Hop.ToMac(AddressTable.MulticastMac(destination));
        if (host.AddressTable.IsBroadcast(destination))
            return Hop.ToMac(MacAddress.Broadcast);
        return TryFindNextHop(destination, out var next) ? Hop.ToNeighbor(host.Neighbors.Get(next)) : default;
    }

    /// <summary>Returns the on-link address of the next hop to a unicast destination.</summary>
    public bool TryFindNextHop(InetAddress destination, out InetAddress next)
    {
        next = default;
        if (destination.Family == InetFamily.None || destination.IsUnspecified || destination.IsLoopback)
            return false;
        var best = -1;
        var bestMetric = int.MaxValue;
        var addresses = host.AddressTable.Addresses;
        for (var i = 0; i < addresses.Count; i++)
        {
            var address = addresses[i];
            if (address.Bits > best && address.Contains(destination))
            {
                best = address.Bits;
                bestMetric = int.MinValue;
                next = destination;
            }
            else if (best < 0 && destination.IsV6 && destination.IsLinkLocal && address.Address.IsV6)
            {
                best = 10;
                next = destination;
            }
        }

        foreach (var route in _routes)
        {
            if (!route.Destination.Contains(destination) || route.Destination.Bits < best
                || (route.Destination.Bits == best && route.Metric >= bestMetric))
                continue;
            best = route.Destination.Bits;
            bestMetric = route.Metric;
            // A gateway that is this host itself, or of the other family, is no next hop.
            next = route.Gateway.Family == InetFamily.None || host.AddressTable.IsLocal(route.Gateway) ? destination : route.Gateway;
        }

        return best >= 0 && next.Family == destination.Family;
    }

    /// <summary>Selects the source address for a destination with a route; see <see cref="AddressSelection"/>.</summary>
    public bool TrySelectSource(InetAddress destination, out InetAddress source)
    {
        source = default;
        var group = destination.IsMulticast || host.AddressTable.IsBroadcast(destination);
        var next = destination;
        if (!group && !host.AddressTable.IsLocal(destination) && !TryFindNextHop(destination, out next))
            return false;
        return host.Selection.TrySelectSource(destination, next, out source);
    }
}
