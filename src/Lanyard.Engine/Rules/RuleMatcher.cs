using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Rules;

/// <summary>The result of a match.</summary>
internal enum MatchResult : byte
{
    /// <summary>It does not match; an inverted rule does.</summary>
    No,

    /// <summary>It matches; an inverted rule does not.</summary>
    Yes,

    /// <summary>It cannot be asked of this frame: neither the rule nor its inversion matches.</summary>
    Never,

    /// <summary>It is left to the other side: the rule and its inversion match, and the next drop does not apply.</summary>
    Unknown,
}

/// <summary>Asks a frame each of the questions that rules ask.</summary>
internal readonly ref struct RuleMatcher
{
    private const FrameCharacteristics TcpFlags = (FrameCharacteristics)0xfff;

    private readonly RuleFrame _frame;
    private readonly FrameHeaders _headers;
    private readonly IRuleCredentials _own;
    private readonly IRuleCredentials? _peer;
    private readonly bool _unknownRulesMatch;

    public RuleMatcher(in RuleFrame frame, NetworkFlags flags, IRuleCredentials own, IRuleCredentials? peer)
    {
        _frame = frame;
        _headers = new FrameHeaders(frame.EtherType, frame.Payload);
        _own = own;
        _peer = peer;
        _unknownRulesMatch = (flags & NetworkFlags.UnknownRulesMatch) != 0;
    }

    /// <summary>Asks one question.</summary>
    /// <param name="rule">The rule; whether it is inverted does not matter here.</param>
    /// <param name="index">Its place in the list, by which rules draw different random numbers.</param>
    /// <param name="isTarget">
    /// Whether this node is known to be one that frames are redirected or copied to, and so may lack the tags of both ends.
    /// </param>
    public MatchResult Match(in Rule rule, int index, bool isTarget)
    {
        switch (rule.Type)
        {
            case RuleType.MatchSourceNode:
                return If(rule.Node == _frame.Source);
            case RuleType.MatchDestinationNode:
                return If(rule.Node == _frame.Destination);
            case RuleType.MatchVlanId:
                return If(rule.VlanId == _frame.VlanId);
            case RuleType.MatchVlanPriority or RuleType.MatchVlanDropEligible:
                return If(rule.ByteValue == 0);
            case RuleType.MatchMacSource:
                return If(rule.Mac == _frame.SourceMac);
            case RuleType.MatchMacDestination:
                return If(rule.Mac == _frame.DestinationMac);
            case RuleType.MatchIPv4Source:
                return _headers.IsIPv4 ? If(rule.Prefix.Contains(_headers.Source)) : MatchResult.Never;
            case RuleType.MatchIPv4Destination:
                return _headers.IsIPv4 ? If(rule.Prefix.Contains(_headers.Destination)) : MatchResult.Never;
            case RuleType.MatchIPv6Source:
                return _headers.IsIPv6 ? If(IsOnNetwork(_headers.Source, rule.Prefix)) : MatchResult.Never;
            case RuleType.MatchIPv6Destination:
                return _headers.IsIPv6 ? If(IsOnNetwork(_headers.Destination, rule.Prefix)) : MatchResult.Never;
            case RuleType.MatchIPTypeOfService:
                return _headers.TypeOfService is { } service
                    ? If(IsBetween(service & rule.TypeOfServiceMask, rule.TypeOfServiceStart, rule.TypeOfServiceEnd))
                    : MatchResult.Never;
            case RuleType.MatchIPProtocol:
                return _headers.Protocol is { } protocol ? If(rule.ByteValue == protocol) : MatchResult.Never;
            case RuleType.MatchEtherType:
                return If(rule.EtherType == _frame.EtherType);
            case RuleType.MatchIcmp:
                return MatchIcmp(rule);
            case RuleType.MatchIPSourcePorts or RuleType.MatchIPDestinationPorts:
                return MatchPorts(rule);
            case RuleType.MatchCharacteristics:
                return MatchCharacteristics(rule);
            case RuleType.MatchFrameSize:
                return If(IsBetween(_frame.FrameLength, rule.RangeStart, rule.RangeEnd));
            case RuleType.MatchRandom:
                return If((uint)Scatter(_frame.Random, index) <= rule.Probability);
            case >= RuleType.MatchTagsDifference and <= RuleType.MatchTagsEqual:
                return MatchBothTags(rule, isTarget);
            case RuleType.MatchTagSender:
                return MatchOneTag(rule, isPeers: _frame.IsInbound, isTarget);
            case RuleType.MatchTagReceiver:
                return MatchOneTag(rule, isPeers: !_frame.IsInbound, isTarget);
            case RuleType.MatchIntegerRange:
                var number = ReadInteger(rule);
                return If(number >= rule.IntegerStart && number <= rule.IntegerEnd);
            default:
                return If(_unknownRulesMatch);
        }
    }

    private static MatchResult If(bool condition) => condition ? MatchResult.Yes : MatchResult.No;

    private static bool IsBetween(int value, int start, int end) => value >= start && value <= end;

    // As the protocol's nodes have it: an IPv6 network with bits set after its length contains no address.
    private static bool IsOnNetwork(InetAddress address, InetPrefix prefix) => address.Mask(prefix.Bits) == prefix.Address;

    // The mixing step of SplitMix64, so that several rules on one frame are independent of each other.
    private static ulong Scatter(ulong random, int index)
    {
        var z = random + ((ulong)(index + 1) * 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    // What only the first fragment of a packet shows is not known of the later ones, here and below. They pass as far as it goes: without the first there is
    // no packet, and the whole packet is judged once more.
    private MatchResult MatchIcmp(in Rule rule)
    {
        if (_headers.LacksIcmp)
            return MatchResult.Unknown;
        if (!_headers.TryGetIcmp(out var type, out var code) || type != rule.IcmpType)
            return MatchResult.Never;
        // Without a code to ask for, the inversion of the rule has nothing to invert.
        return rule.IcmpCode is { } wanted ? If(code == wanted) : rule.Not ? MatchResult.No : MatchResult.Yes;
    }

    private MatchResult MatchPorts(in Rule rule)
    {
        if (!_headers.TryGetTransport(out _, out _))
            return MatchResult.Never;
        if (_headers.LacksPorts)
            return MatchResult.Unknown;
        if (!_headers.TryGetPorts(out var source, out var destination))
            return MatchResult.No;
        var port = rule.Type == RuleType.MatchIPSourcePorts ? source : destination;
        // As the protocol's nodes have it: port 0 is in no range over IPv6.
        return If((port != 0 || _headers.IsIPv4) && IsBetween(port, rule.RangeStart, rule.RangeEnd));
    }

    private MatchResult MatchCharacteristics(in Rule rule)
    {
        if ((rule.Characteristics & Characteristics()) != 0)
            return MatchResult.Yes;
        return (rule.Characteristics & TcpFlags) != 0 && _headers.LacksTcpFlags ? MatchResult.Unknown : MatchResult.No;
    }

    private FrameCharacteristics Characteristics()
    {
        var found = (FrameCharacteristics)_headers.TcpFlags;
        if (_frame.IsInbound)
            found |= FrameCharacteristics.Inbound;
        if (_frame.DestinationMac.IsMulticast)
            found |= FrameCharacteristics.Multicast;
        if (_frame.DestinationMac.IsBroadcast)
            found |= FrameCharacteristics.Broadcast;
        // Solicitations carry no address that could be certified; without this exception a rule on certified senders would end IPv6.
        if (_headers.IsNeighborSolicitation)
            found |= FrameCharacteristics.SenderIPAuthenticated;
        if ((_frame.IsInbound ? _peer : _own) is not { } sender)
            return found;
        if (_headers.ClaimedSender is { Family: not InetFamily.None } address && sender.Owns(address))
            found |= FrameCharacteristics.SenderIPAuthenticated;
        if (sender.Owns(_frame.SourceMac))
            found |= FrameCharacteristics.SenderMacAuthenticated;
        return found;
    }

    // What is not known of the receiver's tags before it has shown them is left to the receiver.
    private MatchResult MatchBothTags(in Rule rule, bool isTarget)
    {
        if (!_own.TryGetTag(rule.TagId, out var own))
            return MatchResult.Never;
        var peer = 0u;
        if (_peer?.TryGetTag(rule.TagId, out peer) != true)
            return _frame.IsInbound && !isTarget ? MatchResult.Never : MatchResult.Unknown;
        return If(rule.Type switch
        {
            RuleType.MatchTagsDifference => (own > peer ? own - peer : peer - own) <= rule.TagValue,
            RuleType.MatchTagsAnd => (own & peer) == rule.TagValue,
            RuleType.MatchTagsOr => (own | peer) == rule.TagValue,
            RuleType.MatchTagsXor => (own ^ peer) == rule.TagValue,
            _ => own == rule.TagValue && peer == rule.TagValue,
        });
    }

    private MatchResult MatchOneTag(in Rule rule, bool isPeers, bool isTarget)
    {
        if (isTarget)
            return MatchResult.Unknown;
        var value = 0u;
        if ((isPeers ? _peer : _own)?.TryGetTag(rule.TagId, out value) == true)
            return If(value == rule.TagValue);
        return isPeers && rule.Type == RuleType.MatchTagReceiver ? MatchResult.Unknown : MatchResult.Never;
    }

    // A big-endian number of fewer than 64 bits stands at the end of eight bytes that begin at the offset. One that is cut off reads as 0.
    private ulong ReadInteger(in Rule rule)
    {
        var bytes = (rule.IntegerBits + 7) / 8;
        var start = rule.IntegerOffset + (rule.IntegerIsLittleEndian ? 0 : 8 - bytes);
        if (start + bytes > _frame.Payload.Length)
            return 0;
        var field = _frame.Payload.Slice(start, bytes);
        var number = 0UL;
        for (var i = 0; i < bytes; i++)
            number = (number << 8) | field[rule.IntegerIsLittleEndian ? bytes - 1 - i : i];
        return rule.IntegerIsLittleEndian ? number >> ((8 * bytes) - rule.IntegerBits) : number & (ulong.MaxValue >> (64 - rule.IntegerBits));
    }
}
