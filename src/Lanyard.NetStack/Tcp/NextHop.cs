using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The next hop to one destination, cached until the routes change.</summary>
internal struct NextHop()
{
    private Hop _hop;
    private int _generation = -1;

    /// <summary>The neighbor of the hop found last; null if the hop is no neighbor or was not looked up yet.</summary>
    public readonly NeighborEntry? Neighbor => _hop.Neighbor;

    /// <summary>Looks up the route again before the next packet.</summary>
    public void Forget() => _generation = -1;

    /// <summary>Returns the next hop.</summary>
    /// <param name="routes">The host's routes.</param>
    /// <param name="destination">The destination, always the same.</param>
    public Hop Find(RouteTable routes, InetAddress destination)
    {
        if (_generation != routes.Generation || !_hop.IsCurrent)
        {
            _hop = routes.Route(destination);
            _generation = routes.Generation;
        }

        return _hop;
    }

    /// <summary>Whether packets currently go to an Ethernet address: a neighbor's, or the host's own.</summary>
    /// <param name="mac">The Ethernet address.</param>
    /// <param name="own">The host's own Ethernet address.</param>
    public readonly bool Is(MacAddress mac, MacAddress own) => (_hop.Kind == HopKind.Loopback ? own : _hop.Neighbor?.Mac ?? _hop.Mac) == mac;
}
