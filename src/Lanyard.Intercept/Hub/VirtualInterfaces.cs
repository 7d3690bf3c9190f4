using System.Text;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>The network interfaces that represent virtual networks to programs. Their names and indexes derive from the network IDs.</summary>
internal static class VirtualInterfaces
{
    private const uint IndexMask = 0xfffff;
    private const string NamePrefix = "ly";
    private const int NameDigits = 12;

    /// <summary>Returns the interface index of a network.</summary>
    public static uint IndexOf(LanyardNetwork network)
    {
        var id = network.Id.Value;
        return InterceptProtocol.FirstIndex | (uint)((id ^ (id >> 20) ^ (id >> 40)) & IndexMask);
    }

    /// <summary>Returns the interface name of a network, at most 15 characters.</summary>
    public static string NameOf(LanyardNetwork network) => NamePrefix + network.Id.ToString()[^NameDigits..];

    /// <summary>Finds the network with an own address or an interface index; returns null if there is none.</summary>
    public static LanyardNetwork? Find(IEnumerable<LanyardNetwork> networks, InetAddress own, uint index) => networks.FirstOrDefault(
        network => (index != 0 && IndexOf(network) == index) || network.Addresses.Any(address => address.Address == own));

    /// <summary>Returns the interface of an address on a network.</summary>
    public static InterceptInterface Describe(LanyardNetwork network, InetPrefix address)
    {
        var described = new InterceptInterface { Address = InterceptEndpoint.Of(new InetEndpoint(address.Address, address.Bits)), Mtu = (uint)network.Mtu };
        described.Address.Scope = IndexOf(network);
        Encoding.ASCII.GetBytes(NameOf(network), described.Name);
        network.Mac.Write(described.Mac);
        return described;
    }
}
