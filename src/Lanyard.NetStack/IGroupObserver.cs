using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>An Ethernet group that a host wants frames of.</summary>
/// <param name="Mac">The Ethernet group address; for ARP the broadcast address.</param>
/// <param name="ArpAddress">
/// For ARP, the IPv4 address whose questions the host wants to hear: a layer below that does not flood broadcasts can use it to tell the
/// questions apart. <see langword="default"/> for every other group.
/// </param>
public readonly record struct EthernetGroup(MacAddress Mac, InetAddress ArpAddress);

/// <summary>Hears which Ethernet groups a host has joined and left: all-nodes, solicited-node, joined UDP groups, and ARP by
/// address.</summary>
/// <remarks>Called from inside calls into the host; must not call back into it and must not throw.</remarks>
public interface IGroupObserver
{
    /// <summary>The host now wants frames of this group. Called once per group until it is left.</summary>
    /// <param name="group">The group.</param>
    void OnJoined(EthernetGroup group);

    /// <summary>The host no longer wants frames of this group.</summary>
    /// <param name="group">The group.</param>
    void OnLeft(EthernetGroup group);
}
