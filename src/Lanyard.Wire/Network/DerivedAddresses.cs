using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>The addresses that derive from a network ID and a node address.</summary>
public static class DerivedAddresses
{
    private const ulong NodeBits = 0xff_ffff_ffff;

    /// <summary>
    /// Returns a member's IPv6 address by RFC 4193: fd, the 64 bits of the network ID, 99 93, the 40 bits of the node address. The prefix of the network
    /// is /88.
    /// </summary>
    public static InetPrefix Rfc4193(NetworkId network, NodeAddress member) =>
        new(InetAddress.FromV6(0xfd00_0000_0000_0000 | (network.Value >> 8), (network.Value << 56) | 0x0099_9300_0000_0000 | member.Value), 88);

    /// <summary>
    /// Returns a member's IPv6 address by 6plane: fc, the network ID folded to 32 bits, the 40 bits of the node address, and a host part of 1. The prefix of the
    /// network is /40; each member may assign the addresses of its own /80.
    /// </summary>
    public static InetPrefix SixPlane(NetworkId network, NodeAddress member)
    {
        var folded = (uint)(network.Value ^ (network.Value >> 32));
        return new(InetAddress.FromV6(0xfc00_0000_0000_0000 | ((ulong)folded << 24) | (member.Value >> 16), (member.Value << 48) | 1), 40);
    }

    /// <summary>
    /// Returns a member's Ethernet address: its node address, masked with bytes of the network ID, after a byte that derives from the last byte of that ID.
    /// </summary>
    public static MacAddress Mac(NetworkId network, NodeAddress member) => new((FirstMacByte(network) << 40) | (member.Value ^ MacMask(network)));

    /// <summary>
    /// Returns the node whose <see cref="Mac"/> on a network is an Ethernet address; none if there is no such node, because the address is behind a bridge.
    /// </summary>
    public static NodeAddress NodeOf(NetworkId network, MacAddress mac)
    {
        if (mac.Value >> 40 != FirstMacByte(network))
            return default;
        var node = new NodeAddress((mac.Value ^ MacMask(network)) & NodeBits);
        return node.IsReserved ? default : node;
    }

    /// <summary>
    /// Returns the node from which an address derives, if it is an RFC 4193 or 6plane address of the network; such an address can be resolved without a request.
    /// Any address of a member's 6plane /80 counts, not only the first.
    /// </summary>
    public static bool TryGetNode(NetworkId network, InetAddress address, out NodeAddress node)
    {
        node = default;
        if (!address.IsV6)
            return false;
        if (Rfc4193(network, default).Contains(address))
            node = new NodeAddress(address.V6Low & NodeBits);
        else if (SixPlane(network, default).Contains(address))
            node = new NodeAddress(((address.V6High & 0xff_ffff) << 16) | (address.V6Low >> 48));
        return !node.IsReserved;
    }

    // Locally administered and not multicast; 52 is avoided because virtual machines' bridges use it.
    private static ulong FirstMacByte(NetworkId network)
    {
        var first = (network.Value & 0xfe) | 0x02;
        return first == 0x52 ? 0x32UL : first;
    }

    // The bytes of the network ID, backwards from the second last.
    private static ulong MacMask(NetworkId network)
    {
        var mask = 0UL;
        for (var shift = 8; shift <= 40; shift += 8)
            mask = (mask << 8) | ((network.Value >> shift) & 0xff);
        return mask;
    }
}
