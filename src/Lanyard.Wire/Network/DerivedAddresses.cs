using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>The addresses on a network that follow from its and a member's numbers alone.</summary>
public static class DerivedAddresses
{
    private const ulong NodeBits = 0xff_ffff_ffff;

    /// <summary>
    /// A member's IPv6 address by RFC 4193: fd, the network's 64 bits, 99 93, the member's 40 bits. Its prefix, /88, is all the network's
    /// members.
    /// </summary>
    public static InetPrefix Rfc4193(NetworkId network, NodeAddress member) =>
        new(InetAddress.FromV6(0xfd00_0000_0000_0000 | (network.Value >> 8), (network.Value << 56) | 0x0099_9300_0000_0000 | member.Value), 88);

    /// <summary>
    /// A member's IPv6 address by 6plane: fc, 32 bits folded from the network's number, the member's 40 bits, a host part of 1. Its prefix,
    /// /40, is all the network's members; the /80 below an address is the member's to hand out.
    /// </summary>
    public static InetPrefix SixPlane(NetworkId network, NodeAddress member)
    {
        var folded = (uint)(network.Value ^ (network.Value >> 32));
        return new(InetAddress.FromV6(0xfc00_0000_0000_0000 | ((ulong)folded << 24) | (member.Value >> 16), (member.Value << 48) | 1), 40);
    }

    /// <summary>
    /// A member's Ethernet address: its node address, masked with bytes of the network's number, after a byte of that number's last.
    /// </summary>
    public static MacAddress Mac(NetworkId network, NodeAddress member) => new((FirstMacByte(network) << 40) | (member.Value ^ MacMask(network)));

    /// <summary>
    /// The node whose <see cref="Mac"/> on a network an Ethernet address is, or none if it is none's: then it lies behind a bridge.
    /// </summary>
    public static NodeAddress NodeOf(NetworkId network, MacAddress mac)
    {
        if (mac.Value >> 40 != FirstMacByte(network))
            return default;
        var node = new NodeAddress((mac.Value ^ MacMask(network)) & NodeBits);
        return node.IsReserved ? default : node;
    }

    /// <summary>
    /// The node that an address was derived from, if it is an rfc4193 or 6plane address of the network: such an address needs no question to
    /// others to be resolved. Any address of a member's 6plane /80 counts, not only its first.
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

    // The network's bytes from the second last backwards.
    private static ulong MacMask(NetworkId network)
    {
        var mask = 0UL;
        for (var shift = 8; shift <= 40; shift += 8)
            mask = (mask << 8) | ((network.Value >> shift) & 0xff);
        return mask;
    }
}
