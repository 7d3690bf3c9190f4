using Lanyard.Primitives;

namespace Lanyard.Wire.Tests;

public sealed class RuleTests
{
    private static readonly NodeAddress Node = new(0x1122334455);

    public static TheoryData<string, Rule> Forms => new()
    {
        { "00 00", Rule.ActionDrop },
        { "01 00", Rule.ActionAccept },
        { "02 0e 0000001122334455 00000007 0100", Rule.ActionTee(Node, 256, 7) },
        { "03 0e 0000001122334455 00000000 0000", Rule.ActionWatch(Node) },
        { "04 0e 0000001122334455 00000000 0000", Rule.ActionRedirect(Node) },
        { "05 00", Rule.ActionBreak },
        { "06 00", Rule.ActionPriority },
        { "18 05 1122334455", Rule.MatchSourceNode(Node) },
        { "99 05 1122334455", Rule.MatchDestinationNode(Node).With(not: true) },
        { "1a 02 0102", Rule.MatchVlanId(0x102) },
        { "1b 01 03", Rule.MatchVlanPriority(3) },
        { "1c 01 01", Rule.MatchVlanDropEligible(1) },
        { "1d 06 112233445566", Rule.MatchMacSource(new MacAddress(0x112233445566)) },
        { "5e 06 112233445566", Rule.MatchMacDestination(new MacAddress(0x112233445566)).With(or: true) },
        { "1f 05 0a000000 08", Rule.MatchIPSource(InetPrefix.Parse("10.0.0.0/8")) },
        { "20 05 0a000001 20", Rule.MatchIPDestination(InetPrefix.Parse("10.0.0.1/32")) },
        { "21 11 fd000000000000000000000000000001 58", Rule.MatchIPSource(InetPrefix.Parse("fd00::1/88")) },
        { "22 11 fd000000000000000000000000000001 80", Rule.MatchIPDestination(InetPrefix.Parse("fd00::1/128")) },
        { "23 03 fc 10 20", Rule.MatchIPTypeOfService(0xfc, 0x10, 0x20) },
        { "24 01 11", Rule.MatchIPProtocol(17) },
        { "a5 02 0800", Rule.MatchEtherType(0x800).With(not: true) },
        { "26 03 08 00 00", Rule.MatchIcmp(8) },
        { "26 03 03 04 01", Rule.MatchIcmp(3, 4) },
        { "27 04 0050 0051", Rule.MatchIPSourcePorts(80, 81) },
        { "e8 04 0050 0051", Rule.MatchIPDestinationPorts(80, 81).With(not: true, or: true) },
        { "29 08 8000000000000002", Rule.MatchCharacteristics(FrameCharacteristics.Inbound | FrameCharacteristics.TcpSyn) },
        { "2a 04 0000 05dc", Rule.MatchFrameSize(0, 1500) },
        { "2b 04 80000000", Rule.MatchRandom(0x80000000) },
        { "2c 08 000003e8 00000032", Rule.MatchTag(RuleType.MatchTagsDifference, 1000, 50) },
        { "32 08 000003e8 00000032", Rule.MatchTag(RuleType.MatchTagReceiver, 1000, 50) },
        { "33 13 0000000000000005 0000000000000008 000c 8f", Rule.MatchIntegerRange(5, 8, 12, 16, littleEndian: true) },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_rule_has_the_protocols_binary_form(string hex, Rule rule)
    {
        var bytes = TestData.Hex(hex);
        Assert.Equal(bytes, Write([rule]));
        var reader = new ByteReader(bytes);
        Assert.Equal(rule, Rule.Read(ref reader));
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Fields_come_back_out_of_a_rule()
    {
        var tee = Rule.ActionTee(Node, 256, 7);
        Assert.Equal((Node, (ushort)256, 7u), (tee.ForwardTo, tee.ForwardLength, tee.ForwardFlags));
        Assert.True(tee.IsAction);
        Assert.Equal(Node, Rule.MatchSourceNode(Node).Node);
        Assert.Equal(0x102, Rule.MatchVlanId(0x102).VlanId);
        Assert.Equal(3, Rule.MatchVlanPriority(3).ByteValue);
        Assert.Equal("11:22:33:44:55:66", Rule.MatchMacSource(new MacAddress(0x112233445566)).Mac.ToString());
        Assert.Equal("10.0.0.1/8", Rule.MatchIPSource(InetPrefix.Parse("10.0.0.1/8")).Prefix.ToString());
        Assert.Equal("fd00::1/88", Rule.MatchIPDestination(InetPrefix.Parse("fd00::1/88")).Prefix.ToString());
        var service = Rule.MatchIPTypeOfService(1, 2, 3);
        Assert.Equal((1, 2, 3), (service.TypeOfServiceMask, service.TypeOfServiceStart, service.TypeOfServiceEnd));
        Assert.Equal(0x86dd, Rule.MatchEtherType(0x86dd).EtherType);
        Assert.Equal((8, null), (Rule.MatchIcmp(8).IcmpType, Rule.MatchIcmp(8).IcmpCode));
        Assert.Equal<byte?>(0, Rule.MatchIcmp(8, 0).IcmpCode);
        var ports = Rule.MatchIPSourcePorts(1, 65535);
        Assert.Equal((1, 65535), (ports.RangeStart, ports.RangeEnd));
        Assert.Equal(FrameCharacteristics.TcpSyn, Rule.MatchCharacteristics(FrameCharacteristics.TcpSyn).Characteristics);
        Assert.Equal(0x80000000, Rule.MatchRandom(0x80000000).Probability);
        var tag = Rule.MatchTag(RuleType.MatchTagsEqual, 1000, 50).With(not: true, or: true);
        Assert.Equal((1000u, 50u, true, true, RuleType.MatchTagsEqual), (tag.TagId, tag.TagValue, tag.Not, tag.Or, tag.Type));
        var range = Rule.MatchIntegerRange(5, 8, 12, 64, littleEndian: true);
        Assert.Equal((5ul, 8ul, 12, 64, true), (range.IntegerStart, range.IntegerEnd, range.IntegerOffset, range.IntegerBits, range.IntegerIsLittleEndian));
    }

    [Theory]
    [InlineData("07 03 aabbcc")]
    [InlineData("bf ff")]
    [InlineData("25 05 0800 aabbcc")]
    public void An_unknown_or_longer_rule_is_kept_unchanged(string hex)
    {
        var head = TestData.Hex(hex);
        var bytes = head.Concat(TestData.RandomBytes(4, head[1] - (head.Length - 2))).Concat(Write([Rule.ActionAccept])).ToArray();
        var reader = new ByteReader(bytes);
        var rules = Rule.ReadAll(ref reader, 10);
        Assert.Equal(2, rules.Count);
        Assert.Equal(Rule.ActionAccept, rules[1]);
        Assert.Equal(bytes, Write(rules));
    }

    [Theory]
    [InlineData("25 01 08")]
    [InlineData("25 02 08")]
    [InlineData("33 12 000000000000000500000000000000080000")]
    [InlineData("01")]
    public void A_rule_with_too_little_payload_is_malformed(string hex)
    {
        var reader = new ByteReader(TestData.Hex(hex));
        Assert.True(Rule.ReadAll(ref reader, 10).IsEmpty);
        Assert.True(reader.Failed);
    }

    [Fact]
    public void Rules_are_read_up_to_the_limit()
    {
        var reader = new ByteReader(new byte[100]);
        Assert.Equal(7, Rule.ReadAll(ref reader, 7).Count);
        Assert.Equal(14, reader.Position);
    }

    [Fact]
    public void An_integer_range_is_at_most_32_bits_wide()
    {
        var reader = new ByteReader(TestData.Hex("33 13 0000000000000005 0000000200000008 000c 0f"));
        Assert.Equal(8ul, Rule.Read(ref reader).IntegerEnd);
    }

    [Fact]
    public void Hostile_rules_are_refused_or_written_byte_for_byte()
    {
        var good = Forms.SelectMany(row => TestData.Hex(row.Data.Item1)).ToArray();
        foreach (var input in Fuzz.Around(5, good, 20_000))
        {
            var reader = new ByteReader(input);
            var rules = Rule.ReadAll(ref reader, 1000);
            if (!reader.Failed)
                Assert.Equal(input, Write(rules));
        }
    }

    private static byte[] Write(EquatableArray<Rule> rules)
    {
        var writer = new ByteWriter(new byte[1 << 16]);
        Rule.WriteAll(ref writer, rules);
        Assert.False(writer.Failed);
        return writer.Written.ToArray();
    }
}
