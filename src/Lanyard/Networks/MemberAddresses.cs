using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// Converts between node addresses and the IPv6 addresses that contain them (rfc4193 and 6plane). Such IPv6 addresses need no neighbor discovery.
/// </summary>
internal sealed class MemberAddresses(NetworkId network, NodeAddress self) : INeighborResolver
{
    private const ulong NodeBits = 0xff_ffff_ffff;
    private const int SixPlaneMemberBits = 80;

    private readonly InetPrefix _rfc4193 = DerivedAddresses.Rfc4193(network, self);
    private readonly InetPrefix _sixPlane = DerivedAddresses.SixPlane(network, self);

    /// <summary>Finds the node address in an IPv6 address.</summary>
    public bool TryFindNode(InetAddress address, out NodeAddress node)
    {
        node = default;
        if (_rfc4193.Contains(address))
            node = new NodeAddress(address.V6Low & NodeBits);
        else if (_sixPlane.Contains(address))
            node = new NodeAddress(((address.V6High << 16) | (address.V6Low >> 48)) & NodeBits);
        return !node.IsReserved;
    }

    /// <summary>Finds the IPv6 address of a node, if this node has an address of the same kind.</summary>
    public bool TryFindAddress(NodeAddress node, IReadOnlyList<InetPrefix> ownAddresses, out InetAddress address)
    {
        foreach (var own in ownAddresses)
        {
            if (own.Address == _rfc4193.Address)
            {
                address = DerivedAddresses.Rfc4193(network, node).Address;
                return true;
            }
        }

        foreach (var own in ownAddresses)
        {
            if (own.Address.Mask(SixPlaneMemberBits) == _sixPlane.Address.Mask(SixPlaneMemberBits))
            {
                address = DerivedAddresses.SixPlane(network, node).Address;
                return true;
            }
        }

        address = default;
        return false;
    }

    bool INeighborResolver.TryResolve(InetAddress address, out MacAddress mac)
    {
        mac = default;
        if (!TryFindNode(address, out var node) || node == self)
            return false;
        mac = DerivedAddresses.Mac(network, node);
        return true;
    }
}
