using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>An Ethernet group that a host has joined.</summary>
/// <param name="Mac">The Ethernet group address; for ARP the broadcast address.</param>
/// <param name="ArpAddress">
/// For ARP, the IPv4 address whose requests the host answers. A layer below that does not flood broadcasts can use it to deliver only those requests.
/// <see langword="default"/> for every other group.
/// </param>
public readonly record struct EthernetGroup(MacAddress Mac, InetAddress ArpAddress);

/// <summary>The handler of Ethernet groups that a host joins and leaves: all-nodes, solicited-node, groups of UDP sockets, and ARP by
/// address.</summary>
/// <remarks>Called from inside calls into the host; must not call back into it, and must not throw.</remarks>
public interface IGroupObserver
{
    /// <summary>Raised when the host joins a group, once until it leaves the group.</summary>
    /// <param name="group">The group.</param>
    void OnJoined(EthernetGroup group);

    /// <summary>Raised when the host leaves a group.</summary>
    /// <param name="group">The group.</param>
    void OnLeft(EthernetGroup group);
}
