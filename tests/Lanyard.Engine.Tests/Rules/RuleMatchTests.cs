using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Rules;

public sealed class RuleMatchTests
{
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const ushort EtherTypeIPv6 = 0x86dd;
    private static readonly TestFrame V4 = new();
    private static readonly TestFrame V6 = new() { EtherType = EtherTypeIPv6, Payload = TestFrame.IPv6(Udp, [0, 1, 0, 2, 0, 8, 0, 0]) };
    private static readonly TestFrame Arp = new() { EtherType = 0x0806, Payload = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2] };

    [Fact]
    public void Nodes_and_Ethernet_fields_match_by_value()
    {
        MatchesAndInverts(V4, Rule.MatchSourceNode(TestFrame.Alice), Rule.MatchSourceNode(TestFrame.Bob));
        MatchesAndInverts(V4, Rule.MatchDestinationNode(TestFrame.Bob), Rule.MatchDestinationNode(TestFrame.Alice));
        MatchesAndInverts(V4, Rule.MatchMacSource(V4.SourceMac), Rule.MatchMacSource(V4.DestinationMac));
        MatchesAndInverts(V4, Rule.MatchMacDestination(V4.DestinationMac), Rule.MatchMacDestination(V4.SourceMac));
        MatchesAndInverts(V4, Rule.MatchEtherType(0x0800), Rule.MatchEtherType(0x0806));
        MatchesAndInverts(V4 with { VlanId = 7 }, Rule.MatchVlanId(7), Rule.MatchVlanId(8));
        MatchesAndInverts(V4, Rule.MatchVlanPriority(0), Rule.MatchVlanPriority(1));
        MatchesAndInverts(V4, Rule.MatchVlanDropEligible(0), Rule.MatchVlanDropEligible(1));
        MatchesAndInverts(V4, Rule.MatchFrameSize(28, 28), Rule.MatchFrameSize(29, 100));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "11.0.0.0/8")]
    [InlineData("10.0.0.1/32", "10.0.0.3/32")]
    [InlineData("10.0.0.99/24", "10.0.1.1/24")]
    [InlineData("0.0.0.0/0", "10.0.0.3/32")]
    public void IPv4_networks_match(string yes, string no)
    {
        MatchesAndInverts(V4, Rule.MatchIPSource(InetPrefix.Parse(yes)), Rule.MatchIPSource(InetPrefix.Parse(no)));
        var answer = V4 with { Payload = [.. V4.Payload[..12], .. V4.Payload[16..20], .. V4.Payload[12..16]] };
        MatchesAndInverts(answer, Rule.MatchIPDestination(InetPrefix.Parse(yes)), Rule.MatchIPDestination(InetPrefix.Parse(no)));
    }

    [Theory]
    [InlineData("fd00::/8", "fc00::/8")]
    [InlineData("fd00::1/128", "fd00::3/128")]
    [InlineData("::/0", "fd00::99/64")]
    public void IPv6_networks_match_unless_bits_after_their_length_are_set(string yes, string no)
    {
        MatchesAndInverts(V6, Rule.MatchIPSource(InetPrefix.Parse(yes)), Rule.MatchIPSource(InetPrefix.Parse(no)));
        var answer = V6 with { Payload = [.. V6.Payload[..8], .. V6.Payload[24..40], .. V6.Payload[8..24]] };
        MatchesAndInverts(answer, Rule.MatchIPDestination(InetPrefix.Parse(yes)), Rule.MatchIPDestination(InetPrefix.Parse(no)));
    }

    [Fact]
    public void Questions_about_IP_never_match_another_protocol_nor_does_their_inversion()
    {
        foreach (var frame in new[] { Arp, V4 with { Payload = V4.Payload[..19] }, V6 with { Payload = V6.Payload[..39] } })
        {
            NeverMatches(frame, Rule.MatchIPSource(InetPrefix.Parse("0.0.0.0/0")));
            NeverMatches(frame, Rule.MatchIPDestination(InetPrefix.Parse("0.0.0.0/0")));
            NeverMatches(frame, Rule.MatchIPSource(InetPrefix.Parse("::/0")));
            NeverMatches(frame, Rule.MatchIPDestination(InetPrefix.Parse("::/0")));
            NeverMatches(frame, Rule.MatchIPTypeOfService(0, 0, 255));
            NeverMatches(frame, Rule.MatchIPProtocol(Udp));
            NeverMatches(frame, Rule.MatchIcmp(8));
            NeverMatches(frame, Rule.MatchIPSourcePorts(0, 65535));
            NeverMatches(frame, Rule.MatchIPDestinationPorts(0, 65535));
        }
    }

    [Fact]
    public void The_type_of_service_matches_under_its_mask()
    {
        var v4 = V4 with { Payload = TestFrame.IPv4(Udp, [], service: 0xb9) };
        var v6 = V6 with { Payload = TestFrame.IPv6(Udp, [], trafficClass: 0xb9) };
        foreach (var frame in new[] { v4, v6 })
        {
            MatchesAndInverts(frame, Rule.MatchIPTypeOfService(0xff, 0xb9, 0xb9), Rule.MatchIPTypeOfService(0xff, 0xba, 0xff));
            MatchesAndInverts(frame, Rule.MatchIPTypeOfService(0xfc, 0xb8, 0xb8), Rule.MatchIPTypeOfService(0xfc, 0xb9, 0xb9));
        }
    }

    [Fact]
    public void The_protocol_over_IP_matches_behind_extension_headers()
    {
        MatchesAndInverts(V4, Rule.MatchIPProtocol(Udp), Rule.MatchIPProtocol(Tcp));
        // Hop-by-hop options of 8 bytes, then destination options of 16.
        byte[] options = [60, 0, .. new byte[6], Udp, 1, .. new byte[14], 0, 1, 0, 2, 0];
        var frame = V6 with { Payload = TestFrame.IPv6(0, options) };
        MatchesAndInverts(frame, Rule.MatchIPProtocol(Udp), Rule.MatchIPProtocol(0));
        MatchesAndInverts(frame, Rule.MatchIPSourcePorts(1, 1), Rule.MatchIPSourcePorts(2, 2));
        NeverMatches(frame with { Payload = frame.Payload[..47] }, Rule.MatchIPProtocol(0));
        NeverMatches(frame with { Payload = frame.Payload[..60] }, Rule.MatchIPProtocol(60));
    }

    [Fact]
    public void ICMP_matches_by_type_and_code()
    {
        var v4 = V4 with { Payload = TestFrame.IPv4(1, [3, 4, 0, 0], optionBytes: 4) };
        var v6 = V6 with { Payload = TestFrame.IPv6(58, [3, 4, 0, 0]) };
        foreach (var frame in new[] { v4, v6 })
        {
            MatchesAndInverts(frame, Rule.MatchIcmp(3, 4), Rule.MatchIcmp(3, 5));
            NeverMatches(frame, Rule.MatchIcmp(4));
            NeverMatches(frame, Rule.MatchIcmp(4, 4));
            Assert.True(frame.Matches(Rule.MatchIcmp(3)));
            Assert.True(frame.Matches(Rule.MatchIcmp(3).With(not: true)));
            NeverMatches(frame with { Payload = frame.Payload[..^3] }, Rule.MatchIcmp(3));
        }

        NeverMatches(V4, Rule.MatchIcmp(0));
        NeverMatches(V4 with { Payload = TestFrame.IPv4(58, [3, 4]) }, Rule.MatchIcmp(3));
    }

    [Theory]
    [InlineData(6)]
    [InlineData(17)]
    [InlineData(132)]
    [InlineData(136)]
    public void Ports_match_in_ranges(byte protocol)
    {
        byte[] segment = [0x12, 0x34, 0, 80, 0, 0, 0, 0];
        var v4 = V4 with { Payload = TestFrame.IPv4(protocol, segment, optionBytes: 8) };
        var v6 = V6 with { Payload = TestFrame.IPv6(protocol, segment) };
        foreach (var frame in new[] { v4, v6 })
        {
            MatchesAndInverts(frame, Rule.MatchIPSourcePorts(0x1234, 0x1234), Rule.MatchIPSourcePorts(0x1235, 0xffff));
            MatchesAndInverts(frame, Rule.MatchIPDestinationPorts(1, 100), Rule.MatchIPDestinationPorts(1, 79));
            MatchesAndInverts(frame with { Payload = frame.Payload[..^4] }, Rule.MatchIPProtocol(protocol), Rule.MatchIPSourcePorts(0, 65535));
        }
    }

    [Fact]
    public void Port_0_is_in_no_range_over_IPv6()
    {
        byte[] segment = [0, 0, 0, 0, 0, 0, 0, 0];
        Assert.True((V4 with { Payload = TestFrame.IPv4(Udp, segment) }).Matches(Rule.MatchIPSourcePorts(0, 0)));
        Assert.False((V6 with { Payload = TestFrame.IPv6(Udp, segment) }).Matches(Rule.MatchIPSourcePorts(0, 0)));
    }

    [Fact]
    public void A_protocol_without_ports_has_none() =>
        MatchesAndInverts(V4 with { Payload = TestFrame.IPv4(47, new byte[20]) }, Rule.MatchIPProtocol(47), Rule.MatchIPDestinationPorts(0, 65535));

    [Fact]
    public void TCP_flags_are_characteristics()
    {
        foreach (var flags in new ushort[] { 0x001, 0x002, 0x010, 0x080, 0x100, 0x800 })
        {
            var v4 = V4 with { Payload = TestFrame.IPv4(Tcp, TestFrame.Tcp(flags), optionBytes: 4) };
            var v6 = V6 with { Payload = TestFrame.IPv6(Tcp, TestFrame.Tcp(flags)) };
            foreach (var frame in new[] { v4, v6 })
                MatchesAndInverts(frame, Rule.MatchCharacteristics((FrameCharacteristics)flags), Rule.MatchCharacteristics((FrameCharacteristics)(0xfff & ~flags)));
            Assert.False((v4 with { Payload = v4.Payload[..37] }).Matches(Rule.MatchCharacteristics((FrameCharacteristics)0xfff)));
        }

        Assert.False((V4 with { Payload = TestFrame.IPv4(Udp, TestFrame.Tcp(0xfff)) }).Matches(Rule.MatchCharacteristics((FrameCharacteristics)0xfff)));
    }

    [Fact]
    public void Direction_and_multicast_are_characteristics()
    {
        MatchesAndInverts(V4.Received(), Rule.MatchCharacteristics(FrameCharacteristics.Inbound), Rule.MatchCharacteristics(FrameCharacteristics.Multicast));
        Assert.False(V4.Matches(Rule.MatchCharacteristics(FrameCharacteristics.Inbound)));
        var multicast = V4 with { DestinationMac = new MacAddress(0x3333_0000_0001) };
        MatchesAndInverts(multicast, Rule.MatchCharacteristics(FrameCharacteristics.Multicast), Rule.MatchCharacteristics(FrameCharacteristics.Broadcast));
        MatchesAndInverts(V4 with { DestinationMac = MacAddress.Broadcast }, Rule.MatchCharacteristics(FrameCharacteristics.Broadcast), Rule.MatchCharacteristics(FrameCharacteristics.TcpSyn));
    }

    [Fact]
    public void A_sender_is_authenticated_by_its_certificates_of_ownership()
    {
        var ip = Rule.MatchCharacteristics(FrameCharacteristics.SenderIPAuthenticated);
        var mac = Rule.MatchCharacteristics(FrameCharacteristics.SenderMacAuthenticated);
        var owner = new TestCredentials { Addresses = [InetAddress.Parse("10.0.0.1"), InetAddress.Parse("fd00::1")] };
        foreach (var frame in new[] { V4, V6, Arp })
        {
            MatchesAndInverts(frame with { Own = owner }, ip, mac);
            MatchesAndInverts((frame with { Own = owner }).Received(), ip, mac);
            Assert.False((frame with { Peer = owner }).Matches(ip));
            Assert.False((frame.Received() with { Own = owner }).Matches(ip));
            Assert.False((frame.Received() with { Peer = null }).Matches(ip));
        }

        MatchesAndInverts(V4 with { Own = new TestCredentials { Macs = [V4.SourceMac] } }, mac, ip);
    }

    [Fact]
    public void Neighbor_solicitations_count_as_authenticated_and_advertisements_by_their_target()
    {
        var ip = Rule.MatchCharacteristics(FrameCharacteristics.SenderIPAuthenticated);
        var mac = Rule.MatchCharacteristics(FrameCharacteristics.SenderMacAuthenticated);
        byte[] target = [0xfd, .. new byte[14], 9];
        var owner = new TestCredentials { Addresses = [InetAddress.Parse("fd00::9")] };
        MatchesAndInverts(V6 with { Payload = TestFrame.IPv6(58, [135, 0, 0, 0, 0, 0, 0, 0, .. target]) }, ip, mac);
        var advertisement = V6 with { Payload = TestFrame.IPv6(58, [136, 0, 0, 0, 0, 0, 0, 0, .. target]) };
        MatchesAndInverts(advertisement with { Own = owner }, ip, mac);
        Assert.False((advertisement with { Own = new TestCredentials { Addresses = [InetAddress.Parse("fd00::1")] } }).Matches(ip));
    }

    // A big-endian number of fewer than 64 bits stands at the end of the eight bytes from its offset; one that is cut off reads as 0.
    [Theory]
    [InlineData(0, 64, false, 0x4500000000000000, 0)]
    [InlineData(12, 64, false, 0x0a0000010a000002, 0)]
    [InlineData(12, 32, false, 0x0a000002, 0x0a000001)]
    [InlineData(12, 16, false, 2, 1)]
    [InlineData(5, 8, false, 0x0a, 0)]
    [InlineData(5, 4, false, 0xa, 0)]
    [InlineData(1, 4, false, 0, 4)]
    [InlineData(24, 64, false, 0, 1)]
    [InlineData(65535, 64, false, 0, 1)]
    [InlineData(12, 64, true, 0x0200000a0100000a, 0)]
    [InlineData(12, 32, true, 0x0100000a, 0x0a000001)]
    [InlineData(8, 4, true, 4, 0)]
    [InlineData(8, 12, true, 0x114, 0x040)]
    [InlineData(28, 8, true, 0, 1)]
    [InlineData(65535, 64, true, 0, 1)]
    public void Integers_match_where_the_protocol_looks_for_them(ushort offset, int bits, bool littleEndian, ulong yes, ulong no) =>
        MatchesAndInverts(V4, Rule.MatchIntegerRange(yes, yes, offset, bits, littleEndian), Rule.MatchIntegerRange(no, no, offset, bits, littleEndian));

    [Fact]
    public void Chance_matches_its_share()
    {
        var rule = Rule.MatchRandom(uint.MaxValue / 4);
        var matches = Enumerable.Range(0, 4000).Count(i => (V4 with { Random = (ulong)i }).Matches(rule));
        Assert.InRange(matches, 900, 1100);
        Assert.All(Enumerable.Range(0, 100), i => Assert.True((V4 with { Random = (ulong)i }).Matches(Rule.MatchRandom(uint.MaxValue))));
        // Two such rules on one frame are independent of each other.
        var both = Enumerable.Range(0, 4000).Count(i => (V4 with { Random = (ulong)i }).Evaluate(rule, rule, Rule.ActionAccept).Verdict == RuleVerdict.Accept);
        Assert.InRange(both, 180, 320);
    }

    [Fact]
    public void A_match_that_is_not_known_is_decided_by_the_network()
    {
        var reader = new ByteReader([63, 0]);
        var unknown = Rule.Read(ref reader);
        Assert.False(V4.Matches(unknown));
        Assert.True(V4.Matches(unknown.With(not: true)));
        Assert.True((V4 with { Flags = NetworkFlags.UnknownRulesMatch }).Matches(unknown));
        Assert.False((V4 with { Flags = NetworkFlags.UnknownRulesMatch }).Matches(unknown.With(not: true)));
    }

    private static void MatchesAndInverts(TestFrame frame, Rule yes, Rule no)
    {
        Assert.True(frame.Matches(yes));
        Assert.False(frame.Matches(yes.With(not: true)));
        Assert.False(frame.Matches(no));
        Assert.True(frame.Matches(no.With(not: true)));
    }

    private static void NeverMatches(TestFrame frame, Rule rule)
    {
        Assert.False(frame.Matches(rule));
        Assert.False(frame.Matches(rule.With(not: true)));
    }
}
