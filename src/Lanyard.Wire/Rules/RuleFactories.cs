using Lanyard.Primitives;

namespace Lanyard.Wire;

// Creates rules of each known type from their fields. With() inverts or ORs a match afterwards.
public readonly partial struct Rule
{
    /// <summary>Drops the frame.</summary>
    public static Rule ActionDrop => new(RuleType.ActionDrop, 0);

    /// <summary>Accepts the frame.</summary>
    public static Rule ActionAccept => new(RuleType.ActionAccept, 0);

    /// <summary>Ends the evaluation of this list without a decision.</summary>
    public static Rule ActionBreak => new(RuleType.ActionBreak, 0);

    /// <summary>Accepts the frame into a queue; the wire format does not contain the queue.</summary>
    public static Rule ActionPriority => new(RuleType.ActionPriority, 0);

    /// <summary>Copies the frame, or its first <paramref name="length"/> bytes if that is not 0, to a node.</summary>
    public static Rule ActionTee(NodeAddress node, ushort length = 0, uint flags = 0) => Forward(RuleType.ActionTee, node, length, flags);

    /// <summary>Copies the frame like <see cref="ActionTee"/>, and also on the receiving side.</summary>
    public static Rule ActionWatch(NodeAddress node, ushort length = 0, uint flags = 0) => Forward(RuleType.ActionWatch, node, length, flags);

    /// <summary>Sends the frame to another node instead.</summary>
    public static Rule ActionRedirect(NodeAddress node, uint flags = 0) => Forward(RuleType.ActionRedirect, node, 0, flags);

    /// <summary>Matches the sending node.</summary>
    public static Rule MatchSourceNode(NodeAddress node) => new(RuleType.MatchSourceNode, node.Value << 24);

    /// <summary>Matches the receiving node.</summary>
    public static Rule MatchDestinationNode(NodeAddress node) => new(RuleType.MatchDestinationNode, node.Value << 24);

    /// <summary>Matches a VLAN.</summary>
    public static Rule MatchVlanId(ushort id) => new(RuleType.MatchVlanId, (ulong)id << 48);

    /// <summary>Matches a VLAN priority.</summary>
    public static Rule MatchVlanPriority(byte priority) => new(RuleType.MatchVlanPriority, (ulong)priority << 56);

    /// <summary>Matches a VLAN drop-eligible bit.</summary>
    public static Rule MatchVlanDropEligible(byte bit) => new(RuleType.MatchVlanDropEligible, (ulong)bit << 56);

    /// <summary>Matches the sender's Ethernet address.</summary>
    public static Rule MatchMacSource(MacAddress mac) => new(RuleType.MatchMacSource, mac.Value << 16);

    /// <summary>Matches the receiver's Ethernet address.</summary>
    public static Rule MatchMacDestination(MacAddress mac) => new(RuleType.MatchMacDestination, mac.Value << 16);

    /// <summary>Matches the source's IPv4 or IPv6 network.</summary>
    /// <exception cref="ArgumentException">The prefix is the default value.</exception>
    public static Rule MatchIPSource(InetPrefix prefix) => Network(RuleType.MatchIPv4Source, RuleType.MatchIPv6Source, prefix);

    /// <summary>Matches the destination's IPv4 or IPv6 network.</summary>
    /// <exception cref="ArgumentException">The prefix is the default value.</exception>
    public static Rule MatchIPDestination(InetPrefix prefix) => Network(RuleType.MatchIPv4Destination, RuleType.MatchIPv6Destination, prefix);

    /// <summary>Matches a range, both ends included, of the masked type-of-service byte.</summary>
    public static Rule MatchIPTypeOfService(byte mask, byte start, byte end) =>
        new(RuleType.MatchIPTypeOfService, ((ulong)mask << 56) | ((ulong)start << 48) | ((ulong)end << 40));

    /// <summary>Matches the IP protocol.</summary>
    public static Rule MatchIPProtocol(byte protocol) => new(RuleType.MatchIPProtocol, (ulong)protocol << 56);

    /// <summary>Matches the EtherType.</summary>
    public static Rule MatchEtherType(ushort type) => new(RuleType.MatchEtherType, (ulong)type << 48);

    /// <summary>Matches the ICMP type, and the code if one is given.</summary>
    public static Rule MatchIcmp(byte type, byte? code = null) =>
        new(RuleType.MatchIcmp, ((ulong)type << 56) | ((ulong)code.GetValueOrDefault() << 48) | (code.HasValue ? 1UL << 40 : 0));

    /// <summary>Matches a range, both ends included, of the source port.</summary>
    public static Rule MatchIPSourcePorts(ushort start, ushort end) => Range(RuleType.MatchIPSourcePorts, start, end);

    /// <summary>Matches a range, both ends included, of the destination port.</summary>
    public static Rule MatchIPDestinationPorts(ushort start, ushort end) => Range(RuleType.MatchIPDestinationPorts, start, end);

    /// <summary>Matches frames with any of the given characteristics.</summary>
    public static Rule MatchCharacteristics(FrameCharacteristics any) => new(RuleType.MatchCharacteristics, (ulong)any);

    /// <summary>Matches a range, both ends included, of the frame's length in bytes without its Ethernet header.</summary>
    public static Rule MatchFrameSize(ushort start, ushort end) => Range(RuleType.MatchFrameSize, start, end);

    /// <summary>Matches a random share of frames: a number of 2^32.</summary>
    public static Rule MatchRandom(uint probability) => new(RuleType.MatchRandom, (ulong)probability << 32);

    /// <summary>Creates one of the seven matches on tags.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="type"/> is not a match on tags.</exception>
    public static Rule MatchTag(RuleType type, uint id, uint value) => type is >= RuleType.MatchTagsDifference and <= RuleType.MatchTagReceiver
        ? new(type, ((ulong)id << 32) | value)
        : throw new ArgumentOutOfRangeException(nameof(type), type, "The type must be a match on tags.");

    /// <summary>Matches a range, both ends included, of a number in the frame.</summary>
    /// <param name="start">The minimum value.</param>
    /// <param name="end">The maximum value, at most 0xffffffff above the minimum.</param>
    /// <param name="offset">The offset of the number, in bytes from the end of the Ethernet header.</param>
    /// <param name="bits">Its width, 1 to 64.</param>
    /// <param name="littleEndian">Whether the least significant byte comes first.</param>
    public static Rule MatchIntegerRange(ulong start, ulong end, ushort offset, int bits, bool littleEndian) =>
        new(RuleType.MatchIntegerRange, start, start + (uint)(end - start),
            ((ulong)offset << 48) | ((ulong)((bits - 1) & 63) << 40) | (littleEndian ? 0x80UL << 40 : 0));

    private static Rule Forward(RuleType type, NodeAddress node, ushort length, uint flags) =>
        new(type, node.Value, ((ulong)flags << 32) | ((ulong)length << 16));

    private static Rule Range(RuleType type, ushort start, ushort end) => new(type, ((ulong)start << 48) | ((ulong)end << 32));

    private static Rule Network(RuleType typeV4, RuleType typeV6, InetPrefix prefix) => prefix.Address.Family switch
    {
        InetFamily.IPv4 => new(typeV4, ((ulong)prefix.Address.V4 << 32) | ((ulong)prefix.Bits << 24)),
        InetFamily.IPv6 => new(typeV6, prefix.Address.V6High, prefix.Address.V6Low, (ulong)prefix.Bits << 56),
        _ => throw new ArgumentException("The rule needs an IP network.", nameof(prefix)),
    };
}
