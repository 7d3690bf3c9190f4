using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A rule as a JSON object: <c>{"type":"MATCH_ETHERTYPE","etherType":2048,"not":false,"or":false}</c>. Fields that are absent or cannot be
/// read are zero, as the controller API has always taken them, which the answer to a change shows.
/// </summary>
internal static class RuleJson
{
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

    /// <summary>Whether there is a JSON form of rules of this type.</summary>
    public static bool IsKnown(RuleType type) => Names.ContainsKey(type);

    /// <summary>Reads a rule; says no to a type that is not known.</summary>
    public static bool TryRead(JsonElement json, out Rule rule)
    {
        rule = default;
        if (!json.TryGet("type", out var name) || !Types.TryGetValue(name.AsText(), out var type))
            return false;
        rule = Read(json, type);
        if (!rule.IsAction)
            rule = rule.With(not: json.TryGet("not", out var flag) && flag.AsBoolean(), or: json.TryGet("or", out flag) && flag.AsBoolean());
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

    private static Rule Read(JsonElement json, RuleType type) => type switch
    {
        RuleType.ActionDrop => Rule.ActionDrop,
        RuleType.ActionAccept => Rule.ActionAccept,
        RuleType.ActionBreak => Rule.ActionBreak,
        RuleType.ActionTee => Rule.ActionTee(Node(json, "address"), (ushort)Number(json, "length"), (uint)Number(json, "flags")),
        RuleType.ActionWatch => Rule.ActionWatch(Node(json, "address"), (ushort)Number(json, "length"), (uint)Number(json, "flags")),
        RuleType.ActionRedirect => Rule.ActionRedirect(Node(json, "address"), (uint)Number(json, "flags")),
        RuleType.MatchSourceNode => Rule.MatchSourceNode(Node(json, "zt")),
        RuleType.MatchDestinationNode => Rule.MatchDestinationNode(Node(json, "zt")),
        RuleType.MatchVlanId => Rule.MatchVlanId((ushort)Number(json, "vlanId")),
        RuleType.MatchVlanPriority => Rule.MatchVlanPriority((byte)Number(json, "vlanPcp")),
        RuleType.MatchVlanDropEligible => Rule.MatchVlanDropEligible((byte)Number(json, "vlanDei")),
        RuleType.MatchMacSource => Rule.MatchMacSource(Mac(json)),
        RuleType.MatchMacDestination => Rule.MatchMacDestination(Mac(json)),
        RuleType.MatchIPv4Source => Rule.MatchIPSource(Prefix(json, InetAddress.AnyV4)),
        RuleType.MatchIPv4Destination => Rule.MatchIPDestination(Prefix(json, InetAddress.AnyV4)),
        RuleType.MatchIPv6Source => Rule.MatchIPSource(Prefix(json, InetAddress.AnyV6)),
        RuleType.MatchIPv6Destination => Rule.MatchIPDestination(Prefix(json, InetAddress.AnyV6)),
        RuleType.MatchIPTypeOfService => Rule.MatchIPTypeOfService((byte)Number(json, "mask"), (byte)Number(json, "start"), (byte)Number(json, "end")),
        RuleType.MatchIPProtocol => Rule.MatchIPProtocol((byte)Number(json, "ipProtocol")),
        RuleType.MatchEtherType => Rule.MatchEtherType((ushort)Number(json, "etherType")),
        RuleType.MatchIcmp => Rule.MatchIcmp((byte)Number(json, "icmpType"),
            json.TryGet("icmpCode", out var code) && code.ValueKind != JsonValueKind.Null ? (byte)code.AsUnsigned() : null),
        RuleType.MatchIPSourcePorts => Rule.MatchIPSourcePorts((ushort)Number(json, "start"), RangeEnd(json)),
        RuleType.MatchIPDestinationPorts => Rule.MatchIPDestinationPorts((ushort)Number(json, "start"), RangeEnd(json)),
        RuleType.MatchFrameSize => Rule.MatchFrameSize((ushort)Number(json, "start"), RangeEnd(json)),
        RuleType.MatchCharacteristics => Rule.MatchCharacteristics((FrameCharacteristics)HexOrNumber(json, "mask")),
        RuleType.MatchRandom => Rule.MatchRandom((uint)Number(json, "probability")),
        RuleType.MatchIntegerRange => Rule.MatchIntegerRange(HexOrNumber(json, "start"), HexOrNumber(json, "end"), (ushort)Number(json, "idx"),
            (int)((Number(json, "bits", 1) - 1) & 63) + 1, json.TryGet("little", out var little) && little.AsBoolean()),
        _ => Rule.MatchTag(type, (uint)Number(json, "id"), (uint)Number(json, "value")),
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

    private static ulong Number(JsonElement json, string name, ulong missing = 0) => json.TryGet(name, out var value) ? value.AsUnsigned(missing) : missing;

    private static ushort RangeEnd(JsonElement json) => (ushort)Number(json, "end", (ushort)Number(json, "start"));

    private static ulong HexOrNumber(JsonElement json, string name)
    {
        if (!json.TryGet(name, out var value))
            return 0;
        return value.ValueKind == JsonValueKind.String ? ParseHex(value.AsText()) : value.AsUnsigned();
    }

    private static NodeAddress Node(JsonElement json, string name) =>
        new((json.TryGet(name, out var value) ? ParseHex(value.AsText()) : 0) & 0xff_ffff_ffff);

    private static MacAddress Mac(JsonElement json) => json.TryGet("mac", out var value) && MacAddress.TryParse(value.AsText(), out var mac) ? mac : default;

    // An address without a length has length 0, and so matches all: so it has always been taken, and so it is shown.
    private static InetPrefix Prefix(JsonElement json, InetAddress any)
    {
        if (!json.TryGet("ip", out var value) || value.ValueKind != JsonValueKind.String)
            return new InetPrefix(any, 0);
        var text = value.AsText();
        var cut = text.IndexOf('/', StringComparison.Ordinal);
        var bits = 0u;
        if (cut >= 0 && uint.TryParse(text.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            bits = Math.Min(number & 255, (uint)any.Bits);
        return new InetPrefix(value.TryAddress(out var address) && address.Family == any.Family ? address : any, (byte)bits);
    }

    private static ulong ParseHex(string text)
    {
        var length = 0;
        while (length < Math.Min(text.Length, 16) && char.IsAsciiHexDigit(text[length]))
            length++;
        return ulong.TryParse(text.AsSpan(0, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : 0;
    }

    private static string Hex(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
