using System.Net.NetworkInformation;
using System.Net.Sockets;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A snapshot of this machine's addresses: the addresses to announce to peers, the networks to exclude from paths to peers, the machine's LANs, and its
/// routes to other networks.
/// </summary>
internal sealed record LocalInterfaces(
    IReadOnlyList<InetAddress> Addresses, IReadOnlyList<InetPrefix> ExcludedNetworks, IReadOnlyList<OwnLan> Lans, IReadOnlyList<OwnLan> Routes)
{
    public static LocalInterfaces None { get; } = new([], [], [], []);

    /// <summary>
    /// Whether an exception means that the system, or the framework on it, does not say what its interfaces are. Some frameworks for games
    /// and devices have this part unfinished, and throw <see cref="NotImplementedException"/>.
    /// </summary>
    public static bool IsUnavailable(Exception e) =>
        e is NetworkInformationException or SocketException or PlatformNotSupportedException or NotImplementedException;

    /// <summary>Asks the system. Throws what <see cref="IsUnavailable"/> knows where it does not say.</summary>
    public static LocalInterfaces Read(IReadOnlyList<string> excludedPrefixes)
    {
        var addresses = new List<InetAddress>();
        var excluded = new List<InetPrefix>();
        var lans = new List<OwnLan>();
        var cards = new Dictionary<string, MacAddress>(StringComparer.Ordinal);
        foreach (var card in NetworkInterface.GetAllNetworkInterfaces())
        {
            var isExcluded = excludedPrefixes.Any(prefix => card.Name.StartsWith(prefix, StringComparison.Ordinal));
            var mac = IsPrograms(card.Name) && card.GetPhysicalAddress().GetAddressBytes() is { Length: 6 } bytes ? MacAddress.Read(bytes) : default;

            // The system reports whether a route is up. Do not require the interface to be up: a new interface is reported as up only later.
            if (!isExcluded)
                cards[card.Name] = mac;
            if (card.OperationalStatus is OperationalStatus.Down or OperationalStatus.NotPresent or OperationalStatus.LowerLayerDown)
                continue;
            foreach (var unicast in card.GetIPProperties().UnicastAddresses)
            {
                if (unicast.Address.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
                    continue;
                var address = InetAddress.FromIPAddress(unicast.Address);
                var network = new InetPrefix(address, (byte)Math.Clamp(unicast.PrefixLength, 0, address.Bits));
                if (isExcluded)
                {
                    excluded.Add(network);
                    continue;
                }

                addresses.Add(address);
                if (!address.IsLoopback && network.Bits > 0)
                    lans.Add(new OwnLan(network, mac));
            }
        }

        addresses.Sort();
        var routes = HostRoutes.Read().Where(route => cards.ContainsKey(route.Interface)).Select(route => new OwnLan(route.Network, cards[route.Interface]));
        return new LocalInterfaces(addresses, excluded, lans, [.. routes]);
    }

    // Whether a program is at the other end of an interface, so that it may be a node's port on a virtual network. The Ethernet address alone does not tell: systems
    // choose random ones for containers and virtual machines, and one in 64 of those has the form of a member's address. True where the system does not say.
    private static bool IsPrograms(string card) => !Directory.Exists("/sys/class/net/lo") || File.Exists($"/sys/class/net/{card}/tun_flags");

    /// <summary>Whether two snapshots allow the same paths to peers.</summary>
    public bool IsSameAs(LocalInterfaces other) =>
        Addresses.SequenceEqual(other.Addresses) && ExcludedNetworks.SequenceEqual(other.ExcludedNetworks) && Lans.SequenceEqual(other.Lans);

    /// <summary>Whether an address lies in a network of an excluded interface.</summary>
    public bool Excludes(InetAddress address)
    {
        foreach (var network in ExcludedNetworks)
        {
            if (network.Contains(address))
                return true;
        }

        return false;
    }

    /// <summary>Whether an address lies in a LAN that the machine is on. Another node's port on a virtual network, on the same machine, is none of
    /// that network's.</summary>
    public bool IsOnLan(InetAddress address, NetworkId virtualNetwork)
    {
        foreach (var lan in Lans)
        {
            if (lan.Network.Contains(address) && DerivedAddresses.NodeOf(virtualNetwork, lan.Mac).IsNone)
                return true;
        }

        return false;
    }

    /// <summary>
    /// Whether the machine itself is nearer to an address than a range of a virtual network: the address is on one of its LANs, or the machine has a route to the
    /// address that is at least as specific as the range. The machine's default routes do not count.
    /// </summary>
    public bool IsNearerThan(InetPrefix range, InetAddress address, NetworkId virtualNetwork)
    {
        if (IsOnLan(address, virtualNetwork))
            return true;
        foreach (var route in Routes)
        {
            if (route.Network.Bits >= range.Bits && route.Network.Contains(address) && DerivedAddresses.NodeOf(virtualNetwork, route.Mac).IsNone)
                return true;
        }

        return false;
    }

    /// <summary>Returns the endpoints at which the local endpoints of a transport are reachable: wildcard addresses are expanded.</summary>
    public IReadOnlyList<InetEndpoint> Endpoints(IReadOnlyList<DatagramSender> senders)
    {
        var endpoints = new List<InetEndpoint>();
        foreach (var sender in senders)
        {
            foreach (var address in Addresses)
            {
                var bound = sender.LocalEndpoint.Address;
                if (address == bound || (bound.IsUnspecified && address.Family == bound.Family))
                    endpoints.Add(new InetEndpoint(address, sender.LocalEndpoint.Port));
            }
        }

        return endpoints;
    }
}

/// <summary>A LAN of the machine, or the destination network of a route.</summary>
/// <param name="Network">The machine's address on the LAN, or the route's destination, with the prefix length.</param>
/// <param name="Mac">The Ethernet address of an interface that may be a node's port on a virtual network; the default for all others.</param>
internal readonly record struct OwnLan(InetPrefix Network, MacAddress Mac);
