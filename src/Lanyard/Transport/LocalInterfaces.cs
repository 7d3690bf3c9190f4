using System.Net.NetworkInformation;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// This machine's addresses at one moment: those that peers may be told, and the networks that are not to be used to reach peers.
/// </summary>
internal sealed record LocalInterfaces(IReadOnlyList<InetAddress> Addresses, IReadOnlyList<InetPrefix> ExcludedNetworks)
{
    public static LocalInterfaces None { get; } = new([], []);

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
        foreach (var card in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (card.OperationalStatus is OperationalStatus.Down or OperationalStatus.NotPresent or OperationalStatus.LowerLayerDown)
                continue;
            var isExcluded = excludedPrefixes.Any(prefix => card.Name.StartsWith(prefix, StringComparison.Ordinal));
            foreach (var unicast in card.GetIPProperties().UnicastAddresses)
            {
                if (unicast.Address.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
                    continue;
                var address = InetAddress.FromIPAddress(unicast.Address);
                if (isExcluded)
                    excluded.Add(new InetPrefix(address, (byte)Math.Clamp(unicast.PrefixLength, 0, address.Bits)));
                else
                    addresses.Add(address);
            }
        }

        addresses.Sort();
        return new LocalInterfaces(addresses, excluded);
    }

    public bool IsSameAs(LocalInterfaces other) =>
        Addresses.SequenceEqual(other.Addresses) && ExcludedNetworks.SequenceEqual(other.ExcludedNetworks);

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

    /// <summary>Where the sockets are reachable: on the addresses that they are bound to.</summary>
    public IReadOnlyList<InetEndpoint> Endpoints(IReadOnlyList<DatagramSocket> sockets)
    {
        var endpoints = new List<InetEndpoint>();
        foreach (var socket in sockets)
        {
            foreach (var address in Addresses)
            {
                var bound = socket.LocalEndpoint.Address;
                if (address == bound || (bound.IsUnspecified && address.Family == bound.Family))
                    endpoints.Add(new InetEndpoint(address, socket.LocalEndpoint.Port));
            }
        }

        return endpoints;
    }
}
