using System.Net;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>An Ethernet group that a node listens to.</summary>
/// <param name="Mac">The group address; for ARP the broadcast address.</param>
/// <param name="ArpAddress">For ARP, the IPv4 address whose requests the node answers; null for all other groups.</param>
public readonly record struct LanyardMulticastGroup(MacAddress Mac, IPAddress? ArpAddress);
