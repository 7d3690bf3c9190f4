using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Whether an address belongs to the neighbor that claims it.</summary>
public enum AddressClaim : byte
{
    /// <summary>The owner is unknown. The host believes the claim, as on any Ethernet.</summary>
    Unknown = 0,

    /// <summary>It belongs to the claimant.</summary>
    Valid,

    /// <summary>It belongs to another neighbor or to this host. The host drops the claim.</summary>
    Forged,
}

/// <summary>
/// Judges claims of neighbors to addresses, so that no neighbor takes over another's address by ARP, neighbor discovery or ICMP. The layer below must
/// authenticate the source of frames.
/// </summary>
/// <remarks>Called from inside calls into the host; must not call back into it, and must not throw.</remarks>
public interface INeighborAuthority
{
    /// <summary>A number that grows when judgments may change. The host then judges earlier claims again.</summary>
    int Version { get; }

    /// <summary>Judges a claim.</summary>
    /// <param name="address">The IPv4 or IPv6 address.</param>
    /// <param name="claimant">The Ethernet address that claims it.</param>
    AddressClaim Judge(InetAddress address, MacAddress claimant);
}
