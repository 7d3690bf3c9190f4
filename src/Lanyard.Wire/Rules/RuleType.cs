namespace Lanyard.Wire;

/// <summary>
/// What a rule does or looks at: the low six bits of its first byte on the wire. Values up to 15 are actions, the rest are matches.
/// Other values than these exist in the field or may come; a node passes over them by their length.
/// </summary>
public enum RuleType : byte
{
    /// <summary>Action: the frame is not sent or taken.</summary>
    ActionDrop = 0,

    /// <summary>Action: the frame is sent or taken.</summary>
    ActionAccept = 1,

    /// <summary>Action: a copy of the frame, or of its first bytes, goes to another node as well. Evaluation goes on.</summary>
    ActionTee = 2,

    /// <summary>Action: as <see cref="ActionTee"/>, from the receiving side's accepted frames as well.</summary>
    ActionWatch = 3,

    /// <summary>Action: the frame goes to another node instead.</summary>
    ActionRedirect = 4,

    /// <summary>Action: this list of rules decides nothing; capabilities may.</summary>
    ActionBreak = 5,

    /// <summary>Action: the frame is accepted into a queue of a given priority.</summary>
    ActionPriority = 6,

    /// <summary>Match: the sending node.</summary>
    MatchSourceNode = 24,

    /// <summary>Match: the receiving node.</summary>
    MatchDestinationNode = 25,

    /// <summary>Match: the VLAN's identifier.</summary>
    MatchVlanId = 26,

    /// <summary>Match: the VLAN's priority. Frames carry none on this network, so only 0 matches.</summary>
    MatchVlanPriority = 27,

    /// <summary>Match: the VLAN's drop-eligible bit. Frames carry none on this network, so only 0 matches.</summary>
    MatchVlanDropEligible = 28,

    /// <summary>Match: the sender's Ethernet address.</summary>
    MatchMacSource = 29,

    /// <summary>Match: the receiver's Ethernet address.</summary>
    MatchMacDestination = 30,

    /// <summary>Match: the source's IPv4 network.</summary>
    MatchIPv4Source = 31,

    /// <summary>Match: the destination's IPv4 network.</summary>
    MatchIPv4Destination = 32,

    /// <summary>Match: the source's IPv6 network.</summary>
    MatchIPv6Source = 33,

    /// <summary>Match: the destination's IPv6 network.</summary>
    MatchIPv6Destination = 34,

    /// <summary>Match: a range of the IP type-of-service byte under a mask.</summary>
    MatchIPTypeOfService = 35,

    /// <summary>Match: the protocol over IP.</summary>
    MatchIPProtocol = 36,

    /// <summary>Match: the Ethernet type.</summary>
    MatchEtherType = 37,

    /// <summary>Match: the ICMP or ICMPv6 type, and perhaps code.</summary>
    MatchIcmp = 38,

    /// <summary>Match: a range of the source port of TCP, UDP, SCTP or UDP-Lite.</summary>
    MatchIPSourcePorts = 39,

    /// <summary>Match: a range of the destination port of TCP, UDP, SCTP or UDP-Lite.</summary>
    MatchIPDestinationPorts = 40,

    /// <summary>Match: any of some <see cref="FrameCharacteristics"/>.</summary>
    MatchCharacteristics = 41,

    /// <summary>Match: a range of the frame's length in bytes, without its Ethernet header.</summary>
    MatchFrameSize = 42,

    /// <summary>Match: a share of all frames, by chance.</summary>
    MatchRandom = 43,

    /// <summary>Match: the two members' values of a tag differ by at most so much.</summary>
    MatchTagsDifference = 44,

    /// <summary>Match: the two members' values of a tag, ANDed, are so much.</summary>
    MatchTagsAnd = 45,

    /// <summary>Match: the two members' values of a tag, ORed, are so much.</summary>
    MatchTagsOr = 46,

    /// <summary>Match: the two members' values of a tag, XORed, are so much.</summary>
    MatchTagsXor = 47,

    /// <summary>Match: both members' values of a tag are so much.</summary>
    MatchTagsEqual = 48,

    /// <summary>Match: the sender's value of a tag.</summary>
    MatchTagSender = 49,

    /// <summary>Match: the receiver's value of a tag.</summary>
    MatchTagReceiver = 50,

    /// <summary>Match: a range of a number of 1 to 64 bits somewhere in the frame.</summary>
    MatchIntegerRange = 51,
}

/// <summary>What <see cref="RuleType.MatchCharacteristics"/> can look at.</summary>
[Flags]
public enum FrameCharacteristics : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>TCP FIN.</summary>
    TcpFin = 0x001,

    /// <summary>TCP SYN.</summary>
    TcpSyn = 0x002,

    /// <summary>TCP RST.</summary>
    TcpRst = 0x004,

    /// <summary>TCP PSH.</summary>
    TcpPsh = 0x008,

    /// <summary>TCP ACK.</summary>
    TcpAck = 0x010,

    /// <summary>TCP URG.</summary>
    TcpUrg = 0x020,

    /// <summary>TCP ECE.</summary>
    TcpEce = 0x040,

    /// <summary>TCP CWR.</summary>
    TcpCwr = 0x080,

    /// <summary>TCP NS: the lowest of the four bits after the data offset.</summary>
    TcpNs = 0x100,

    /// <summary>The second of the four bits after the TCP data offset.</summary>
    TcpReserved2 = 0x200,

    /// <summary>The third of the four bits after the TCP data offset.</summary>
    TcpReserved1 = 0x400,

    /// <summary>The highest of the four bits after the TCP data offset.</summary>
    TcpReserved0 = 0x800,

    /// <summary>The sender holds a certificate of ownership for its Ethernet address.</summary>
    SenderMacAuthenticated = 0x0800_0000_0000_0000,

    /// <summary>The sender holds a certificate of ownership for its IP address.</summary>
    SenderIPAuthenticated = 0x1000_0000_0000_0000,

    /// <summary>The frame is for the broadcast address.</summary>
    Broadcast = 0x2000_0000_0000_0000,

    /// <summary>The frame is for a multicast or the broadcast address.</summary>
    Multicast = 0x4000_0000_0000_0000,

    /// <summary>The frame is received, not sent.</summary>
    Inbound = 0x8000_0000_0000_0000,
}
