using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Knows the Ethernet addresses of some neighbors without asking the network; asked before ARP and neighbor discovery.</summary>
/// <remarks>Called from inside calls into the host; must not call back into it, and must not throw.</remarks>
public interface INeighborResolver
{
    /// <summary>Gives the Ethernet address that <paramref name="address"/> embeds or is known to belong to.</summary>
    /// <param name="address">An on-link IPv4 or IPv6 unicast address.</param>
    /// <param name="mac">The neighbor's Ethernet address.</param>
    /// <returns>Whether it is known. The answer is remembered as long as the neighbor is in use.</returns>
    bool TryResolve(InetAddress address, out MacAddress mac);
}
