using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A rule as a JSON object: <c>{"type":"MATCH_ETHERTYPE","etherType":2048,"not":false,"or":false}</c>. An absent field is zero, as in every version of the
/// controller API. The response to a change contains the result.
/// </summary>
internal static class RuleJson
{
    private const ulong MaxNode = 0xff_ffff_ffff;

    private static readonly FrozenDictionary<RuleType, string> Names = new Dictionary<RuleType, string>
    {
        [RuleType.ActionDrop] = "ACTION_DROP",
        [RuleType.ActionAccept] = "ACTION_ACCEPT",
        [RuleType.ActionTee] = "ACTION_TEE",
        [RuleType.ActionWatch] = "ACTION_WATCH",
        [RuleType.ActionRedirect] = "ACTION_REDIRECT",
        [RuleType.ActionBreak] = "ACTION_BREAK",
        [RuleType.MatchSourceNode] = "MATCH_SOURCE_ZEROTIER_ADDRESS",
        [RuleType.MatchDestinationNode] = "MATCH_DEST_ZEROTIER_ADDRESS",
        [RuleType.MatchVlanId] = "MATCH_VLAN_ID",
        [RuleType.MatchVlanPriority] = "MATCH_VLAN_PCP",
        [RuleType.MatchVlanDropEligible] = "MATCH_VLAN_DEI",
        [RuleType.MatchMacSource] = "MATCH_MAC_SOURCE",
        [RuleType.MatchMacDestination] = "MATCH_MAC_DEST",
        [RuleType.MatchIPv4Source] = "MATCH_IPV4_SOURCE",
        [RuleType.MatchIPv4Destination] = "MATCH_IPV4_DEST",
        [RuleType.MatchIPv6Source] = "MATCH_IPV6_SOURCE",
        [RuleType.MatchIPv6Destination] = "MATCH_IPV6_DEST",
        [RuleType.MatchIPTypeOfService] = "MATCH_IP_TOS",
        [RuleType.MatchIPProtocol] = "MATCH_IP_PROTOCOL",
        [RuleType.MatchEtherType] = "MATCH_ETHERTYPE",
        [RuleType.MatchIcmp] = "MATCH_ICMP",
        [RuleType.MatchIPSourcePorts] = "MATCH_IP_SOURCE_PORT_RANGE",
        [RuleType.MatchIPDestinationPorts] = "MATCH_IP_DEST_PORT_RANGE",
        [RuleType.MatchCharacteristics] = "MATCH_CHARACTERISTICS",
        [RuleType.MatchFrameSize] = "MATCH_FRAME_SIZE_RANGE",
        [RuleType.MatchRandom] = "MATCH_RANDOM",
        [RuleType.MatchTagsDifference] = "MATCH_TAGS_DIFFERENCE",
        [RuleType.MatchTagsAnd] = "MATCH_TAGS_BITWISE_AND",
        [RuleType.MatchTagsOr] = "MATCH_TAGS_BITWISE_OR",
        [RuleType.MatchTagsXor] = "MATCH_TAGS_BITWISE_XOR",
        [RuleType.MatchTagsEqual] = "MATCH_TAGS_EQUAL",
        [RuleType.MatchTagSender] = "MATCH_TAG_SENDER",
        [RuleType.MatchTagReceiver] = "MATCH_TAG_RECEIVER",
        [RuleType.MatchIntegerRange] = "INTEGER_RANGE",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, RuleType> Types = Names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>Returns whether rules of this type have a JSON form.</summary>
    public static bool IsKnown(RuleType type) => Names.ContainsKey(type);

    /// <summary>Reads a rule. Refuses an unknown type. An absent field is zero.</summary>
    /// <param name="json">The rule.</param>
    /// <param name="place">The rule's name for error messages.</param>
    /// <param name="fields">Records unreadable fields.</param>
    /// <param name="rule">The rule.</param>
    public static bool TryRead(JsonElement json, string place, FieldReader fields, out Rule rule)
    {
        rule = default;
        if (!json.TryGet("type", out var name) || !Types.TryGetValue(name.AsText(), out var type))
        {
            fields.Refuse(place, "a rule whose \"type\" is known, such as ACTION_ACCEPT or MATCH_ETHERTYPE");
            return false;
        }

        Rule read = default;
        fields.Within(place, () =>
        {
            read = Read(json, type, fields);
            if (read.IsAction)
                return;
            fields.TryFlag(json, "not", false, out var not);
            fields.TryFlag(json, "or", false, out var or);
            read = read.With(not, or);
        });
        rule = read;
        return true;
    }

    /// <summary>Writes a rule, its fields in the order of their names.</summary>
    public static void Write(Utf8JsonWriter writer, in Rule rule)
    {
        writer.WriteStartObject();
        WriteFieldsBeforeNot(writer, rule);
        if (!rule.IsAction)
        {
            writer.WriteBoolean("not", rule.Not);
            writer.WriteBoolean("or", rule.Or);
        }

        WriteFieldsBeforeType(writer, rule);
        if (Names.TryGetValue(rule.Type, out var name))
            writer.WriteString("type", name);
        WriteFieldsAfterType(writer, rule);
        writer.WriteEndObject();
    }

    private static Rule Read(JsonElement json, RuleType type, FieldReader fields) => type switch
    {
        RuleType.ActionDrop => Rule.ActionDrop,
        RuleType.ActionAccept => Rule.ActionAccept,
        RuleType.ActionBreak => Rule.ActionBreak,
        RuleType.ActionTee => Rule.ActionTee(Node(json, "address", fields), (ushort)fields.Bits(json, "length", 16), (uint)fields.Bits(json, "flags", 32)),
        RuleType.ActionWatch => Rule.ActionWatch(Node(json, "address", fields), (ushort)fields.Bits(json, "length", 16), (uint)fields.Bits(json, "flags", 32)),
        RuleType.ActionRedirect => Rule.ActionRedirect(Node(json, "address", fields), (uint)fields.Bits(json, "flags", 32)),
        RuleType.MatchSourceNode => Rule.MatchSourceNode(Node(json, "zt", fields)),
        RuleType.MatchDestinationNode => Rule.MatchDestinationNode(Node(json, "zt", fields)),
        RuleType.MatchVlanId => Rule.MatchVlanId((ushort)fields.Bits(json, "vlanId", 16)),
        RuleType.MatchVlanPriority => Rule.MatchVlanPriority((byte)fields.Bits(json, "vlanPcp", 8)),
        RuleType.MatchVlanDropEligible => Rule.MatchVlanDropEligible((byte)fields.Bits(json, "vlanDei", 8)),
        RuleType.MatchMacSource => Rule.MatchMacSource(Mac(json, fields)),
        RuleType.MatchMacDestination => Rule.MatchMacDestination(Mac(json, fields)),
        RuleType.MatchIPv4Source => Rule.MatchIPSource(Prefix(json, InetAddress.AnyV4, fields)),
        RuleType.MatchIPv4Destination => Rule.MatchIPDestination(Prefix(json, InetAddress.AnyV4, fields)),
        RuleType.MatchIPv6Source => Rule.MatchIPSource(Prefix(json, InetAddress.AnyV6, fields)),
        RuleType.MatchIPv6Destination => Rule.MatchIPDestination(Prefix(json, InetAddress.AnyV6, fields)),
        RuleType.MatchIPTypeOfService => Rule.MatchIPTypeOfService((byte)fields.Bits(json, "mask", 8), (byte)fields.Bits(json, "start", 8), (byte)fields.Bits(json, "end", 8)),
        RuleType.MatchIPProtocol => Rule.MatchIPProtocol((byte)fields.Bits(json, "ipProtocol", 8)),
        RuleType.MatchEtherType => Rule.MatchEtherType((ushort)fields.Bits(json, "etherType", 16)),
        RuleType.MatchIcmp => Rule.MatchIcmp((byte)fields.Bits(json, "icmpType", 8),
            json.TryGet("icmpCode", out var code) && code.ValueKind != JsonValueKind.Null ? (byte)fields.Bits(json, "icmpCode", 8) : null),
        RuleType.MatchIPSourcePorts => Rule.MatchIPSourcePorts((ushort)fields.Bits(json, "start", 16), RangeEnd(json, fields)),
        RuleType.MatchIPDestinationPorts => Rule.MatchIPDestinationPorts((ushort)fields.Bits(json, "start", 16), RangeEnd(json, fields)),
        RuleType.MatchFrameSize => Rule.MatchFrameSize((ushort)fields.Bits(json, "start", 16), RangeEnd(json, fields)),
        RuleType.MatchCharacteristics => Rule.MatchCharacteristics((FrameCharacteristics)HexOrNumber(json, "mask", fields)),
        RuleType.MatchRandom => Rule.MatchRandom((uint)fields.Bits(json, "probability", 32)),
        RuleType.MatchIntegerRange => Rule.MatchIntegerRange(HexOrNumber(json, "start", fields), HexOrNumber(json, "end", fields), (ushort)fields.Bits(json, "idx", 16),
            (int)((fields.Bits(json, "bits", 16, missing: 1) - 1) & 63) + 1, fields.TryFlag(json, "little", false, out var little) && little),
        _ => Rule.MatchTag(type, (uint)fields.Bits(json, "id", 32), (uint)fields.Bits(json, "value", 32)),
    };

    private static void WriteFieldsBeforeNot(Utf8JsonWriter writer, in Rule rule)
    {
        switch (rule.Type)
        {
            case RuleType.ActionTee or RuleType.ActionWatch:
                writer.WriteString("address", rule.ForwardTo.ToString());
                writer.WriteNumber("flags", rule.ForwardFlags);
                writer.WriteNumber("length", rule.ForwardLength);
                break;
            case RuleType.ActionRedirect:
                writer.WriteString("address", rule.ForwardTo.ToString());
                writer.WriteNumber("flags", rule.ForwardFlags);
                break;
            case RuleType.MatchMacSource or RuleType.MatchMacDestination:
                writer.WriteString("mac", rule.Mac.ToString());
                break;
            case RuleType.MatchIPv4Source or RuleType.MatchIPv4Destination or RuleType.MatchIPv6Source or RuleType.MatchIPv6Destination:
                writer.WriteString("ip", rule.Prefix.ToString());
                break;
            case RuleType.MatchIPTypeOfService:
                writer.WriteNumber("end", rule.TypeOfServiceEnd);
                writer.WriteNumber("mask", rule.TypeOfServiceMask);
                break;
            case RuleType.MatchIPProtocol:
                writer.WriteNumber("ipProtocol", rule.ByteValue);
                break;
            case RuleType.MatchEtherType:
                writer.WriteNumber("etherType", rule.EtherType);
                break;
            case RuleType.MatchIcmp:
                if (rule.IcmpCode is { } code)
                    writer.WriteNumber("icmpCode", code);
                else
                    writer.WriteNull("icmpCode");
                writer.WriteNumber("icmpType", rule.IcmpType);
                break;
            case RuleType.MatchIPSourcePorts or RuleType.MatchIPDestinationPorts or RuleType.MatchFrameSize:
                writer.WriteNumber("end", rule.RangeEnd);
                break;
            case RuleType.MatchCharacteristics:
                writer.WriteString("mask", Hex((ulong)rule.Characteristics));
                break;
            case >= RuleType.MatchTagsDifference and <= RuleType.MatchTagReceiver:
                writer.WriteNumber("id", rule.TagId);
                break;
            case RuleType.MatchIntegerRange:
                writer.WriteNumber("bits", rule.IntegerBits);
                writer.WriteString("end", Hex(rule.IntegerEnd));
                writer.WriteNumber("idx", rule.IntegerOffset);
                writer.WriteBoolean("little", rule.IntegerIsLittleEndian);
                break;
            default:
                break;
        }
    }

    private static void WriteFieldsBeforeType(Utf8JsonWriter writer, in Rule rule)
    {
        switch (rule.Type)
        {
            case RuleType.MatchIPTypeOfService:
                writer.WriteNumber("start", rule.TypeOfServiceStart);
                break;
            case RuleType.MatchIPSourcePorts or RuleType.MatchIPDestinationPorts or RuleType.MatchFrameSize:
                writer.WriteNumber("start", rule.RangeStart);
                break;
            case RuleType.MatchRandom:
                writer.WriteNumber("probability", rule.Probability);
                break;
            case RuleType.MatchIntegerRange:
                writer.WriteString("start", Hex(rule.IntegerStart));
                break;
            default:
                break;
        }
    }

    private static void WriteFieldsAfterType(Utf8JsonWriter writer, in Rule rule)
    {
        switch (rule.Type)
        {
            case RuleType.MatchSourceNode or RuleType.MatchDestinationNode:
                writer.WriteString("zt", rule.Node.ToString());
                break;
            case RuleType.MatchVlanId:
                writer.WriteNumber("vlanId", rule.VlanId);
                break;
            case RuleType.MatchVlanPriority:
                writer.WriteNumber("vlanPcp", rule.ByteValue);
                break;
            case RuleType.MatchVlanDropEligible:
                writer.WriteNumber("vlanDei", rule.ByteValue);
                break;
            case >= RuleType.MatchTagsDifference and <= RuleType.MatchTagReceiver:
                writer.WriteNumber("value", rule.TagValue);
                break;
            default:
                break;
        }
    }

    private static ushort RangeEnd(JsonElement json, FieldReader fields) => (ushort)fields.Bits(json, "end", 16, missing: fields.Bits(json, "start", 16));

    private static ulong HexOrNumber(JsonElement json, string name, FieldReader fields)
    {
        if (!json.TryGet(name, out var value) || value.ValueKind != JsonValueKind.String)
            return fields.Bits(json, name, 64);
        if (!TryHex(value.AsText(), out var number))
            fields.Refuse(name, "a string of at most sixteen hexadecimal digits");
        return number;
    }

    private static NodeAddress Node(JsonElement json, string name, FieldReader fields)
    {
        if (!json.TryGet(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return default;
        if (TryHex(value.AsText(), out var number) && number <= MaxNode)
            return new NodeAddress(number);
        fields.Refuse(name, "a node address, ten hexadecimal digits");
        return default;
    }

    private static MacAddress Mac(JsonElement json, FieldReader fields)
    {
        if (!json.TryGet("mac", out var value) || value.ValueKind == JsonValueKind.Null)
            return default;
        if (MacAddress.TryParse(value.AsText(), out var mac))
            return mac;
        fields.Refuse("mac", "an Ethernet address such as 02:00:00:00:00:0f");
        return default;
    }

    // An address without a prefix length has length 0, and so matches all addresses, as in every version of the controller API.
    private static InetPrefix Prefix(JsonElement json, InetAddress any, FieldReader fields)
    {
        if (!json.TryGet("ip", out var value) || value.ValueKind == JsonValueKind.Null)
            return new InetPrefix(any, 0);
        var text = value.AsText();
        var cut = text.IndexOf('/', StringComparison.Ordinal);
        var bits = 0u;
        if (!value.TryAddress(out var address) || address.Family != any.Family
            || (cut >= 0 && !uint.TryParse(text.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out bits)) || bits > any.Bits)
        {
            fields.Refuse("ip", any.IsV4 ? "an IPv4 network such as 10.0.0.0/8" : "an IPv6 network such as fd00::/8");
            return new InetPrefix(any, 0);
        }

        return new InetPrefix(address, (byte)bits);
    }

    private static bool TryHex(string text, out ulong value) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private static string Hex(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
