using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Whether an address belongs to the neighbor that claims it.</summary>
public enum AddressClaim : byte
{
    /// <summary>Nothing is known about the address; the claim is heeded as on any Ethernet.</summary>
    Unknown = 0,

    /// <summary>It belongs to the claimant.</summary>
    Valid,

    /// <summary>It belongs to another, or to this host: the claim is dropped.</summary>
    Forged,
}

/// <summary>
/// Knows which neighbors own which addresses, so that no other takes one over by ARP, neighbor discovery or ICMP. The layer below guarantees that a
/// frame's source is its sender's.
/// </summary>
/// <remarks>Called from inside calls into the host; must not call back into it and must not throw.</remarks>
public interface INeighborAuthority
{
    /// <summary>Grows whenever more is known: claims that were heeded before are then judged anew.</summary>
    int Version { get; }

    /// <summary>Judges a claim.</summary>
    /// <param name="address">The IPv4 or IPv6 address.</param>
    /// <param name="claimant">The Ethernet address that is said to have it.</param>
    AddressClaim Judge(InetAddress address, MacAddress claimant);
}
