namespace Lanyard.Wire;

/// <summary>
/// The type of a rule: the low six bits of its first byte on the wire. Values up to 15 are actions, the others are matches.
/// Other values exist or may be added; a node skips such rules by their length.
/// </summary>
public enum RuleType : byte
{
    /// <summary>Action: drops the frame.</summary>
    ActionDrop = 0,

    /// <summary>Action: accepts the frame.</summary>
    ActionAccept = 1,

    /// <summary>Action: sends a copy of the frame, or of its first bytes, to another node. Evaluation continues.</summary>
    ActionTee = 2,

    /// <summary>Action: like <see cref="ActionTee"/>, and also copies the frames that the receiver accepts.</summary>
    ActionWatch = 3,

    /// <summary>Action: sends the frame to another node instead.</summary>
    ActionRedirect = 4,

    /// <summary>Action: ends the evaluation of this list of rules without a decision; capabilities may decide.</summary>
    ActionBreak = 5,

    /// <summary>Action: accepts the frame into a queue with a given priority.</summary>
    ActionPriority = 6,

    /// <summary>Match: the sending node.</summary>
    MatchSourceNode = 24,

    /// <summary>Match: the receiving node.</summary>
    MatchDestinationNode = 25,

    /// <summary>Match: the VLAN ID.</summary>
    MatchVlanId = 26,

    /// <summary>Match: the VLAN priority. Frames on this network have none, so only 0 matches.</summary>
    MatchVlanPriority = 27,

    /// <summary>Match: the VLAN drop-eligible bit. Frames on this network have none, so only 0 matches.</summary>
    MatchVlanDropEligible = 28,

    /// <summary>Match: the sender's Ethernet address.</summary>
    MatchMacSource = 29,

    /// <summary>Match: the receiver's Ethernet address.</summary>
    MatchMacDestination = 30,

    /// <summary>Match: the IPv4 network of the source.</summary>
    MatchIPv4Source = 31,

    /// <summary>Match: the IPv4 network of the destination.</summary>
    MatchIPv4Destination = 32,

    /// <summary>Match: the IPv6 network of the source.</summary>
    MatchIPv6Source = 33,

    /// <summary>Match: the IPv6 network of the destination.</summary>
    MatchIPv6Destination = 34,

    /// <summary>Match: a range of the IP type-of-service byte under a mask.</summary>
    MatchIPTypeOfService = 35,

    /// <summary>Match: the IP protocol.</summary>
    MatchIPProtocol = 36,

    /// <summary>Match: the EtherType.</summary>
    MatchEtherType = 37,

    /// <summary>Match: the ICMP or ICMPv6 type, and optionally the code.</summary>
    MatchIcmp = 38,

    /// <summary>Match: a range of the source port of TCP, UDP, SCTP or UDP-Lite.</summary>
    MatchIPSourcePorts = 39,

    /// <summary>Match: a range of the destination port of TCP, UDP, SCTP or UDP-Lite.</summary>
    MatchIPDestinationPorts = 40,

    /// <summary>Match: any of several <see cref="FrameCharacteristics"/>.</summary>
    MatchCharacteristics = 41,

    /// <summary>Match: a range of the frame's length in bytes, without its Ethernet header.</summary>
    MatchFrameSize = 42,

    /// <summary>Match: a random share of all frames.</summary>
    MatchRandom = 43,

    /// <summary>Match: the two members' values of a tag differ by at most a number.</summary>
    MatchTagsDifference = 44,

    /// <summary>Match: the bitwise AND of the two members' values of a tag equals a number.</summary>
    MatchTagsAnd = 45,

    /// <summary>Match: the bitwise OR of the two members' values of a tag equals a number.</summary>
    MatchTagsOr = 46,

    /// <summary>Match: the bitwise XOR of the two members' values of a tag equals a number.</summary>
    MatchTagsXor = 47,

    /// <summary>Match: both members' values of a tag equal a number.</summary>
    MatchTagsEqual = 48,

    /// <summary>Match: the sender's value of a tag.</summary>
    MatchTagSender = 49,

    /// <summary>Match: the receiver's value of a tag.</summary>
    MatchTagReceiver = 50,

    /// <summary>Match: a range of an integer of 1 to 64 bits in the frame.</summary>
    MatchIntegerRange = 51,
}

/// <summary>The characteristics that <see cref="RuleType.MatchCharacteristics"/> checks.</summary>
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
