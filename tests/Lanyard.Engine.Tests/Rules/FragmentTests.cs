using Lanyard.Engine.Rules;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Rules;

/// <summary>Rule matching on IP fragments, and detection of deceptive fragments.</summary>
public class FragmentTests
{
    private const byte Udp = 17;
    private const byte Tcp = 6;
    private const byte Icmp = 1;
    private const ushort EtherTypeIPv4 = 0x0800;
    private const ushort EtherTypeIPv6 = 0x86dd;

    [Fact]
    public void An_atomic_fragment_is_read_as_the_packet_that_it_is()
    {
        var frame = new TestFrame { EtherType = EtherTypeIPv6, Payload = V6(Tcp, 0, more: false, TestFrame.Tcp(0x002)) };
        Assert.True(frame.Matches(Rule.MatchIPProtocol(Tcp)));
        Assert.True(frame.Matches(Rule.MatchIPDestinationPorts(80, 80)));
        Assert.True(frame.Matches(Rule.MatchCharacteristics(FrameCharacteristics.TcpSyn)));
        Assert.False(frame.Matches(Rule.MatchIPDestinationPorts(81, 81)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_later_fragment_is_not_judged_by_bytes_that_are_no_header(bool v6)
    {
        // Where ports would be: 80 and 80; where the flags would be: SYN.
        byte[] data = [0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0];
        foreach (var protocol in (byte[])[Tcp, Udp])
        {
            var payload = v6 ? V6(protocol, 1024, more: false, data) : V4(protocol, 1024, more: false, data);
            var frame = new TestFrame { EtherType = v6 ? EtherTypeIPv6 : EtherTypeIPv4, Payload = payload };
            Assert.True(frame.Matches(Rule.MatchIPProtocol(protocol)));
            foreach (var match in (Rule[])[Rule.MatchIPDestinationPorts(80, 80), Rule.MatchIPSourcePorts(23, 23), Rule.MatchCharacteristics(FrameCharacteristics.TcpSyn)])
            {
                var isUnknown = protocol == Tcp || match.Type != RuleType.MatchCharacteristics;
                // It passes either way: a drop does not apply, an accept does.
                Assert.Equal(RuleVerdict.Accept, frame.Evaluate(match, Rule.ActionDrop, Rule.ActionAccept).Verdict);
                Assert.Equal(isUnknown ? RuleVerdict.Accept : RuleVerdict.Drop, frame.Evaluate(match, Rule.ActionAccept, Rule.ActionDrop).Verdict);
            }

            // What is known of it holds.
            Assert.Equal(RuleVerdict.Drop, frame.Evaluate(Rule.MatchIPProtocol(protocol), Rule.ActionDrop, Rule.ActionAccept).Verdict);
        }
    }

    [Theory]
    // IPv4: whole; first, long enough and not; later ones; what a total length cuts off.
    [InlineData(Tcp, 0, false, 20, 0, false)]
    [InlineData(Tcp, 0, false, 8, 0, false)]
    [InlineData(Tcp, 0, true, 24, 0, false)]
    [InlineData(Tcp, 0, true, 16, 0, true)]
    [InlineData(Tcp, 0, true, 8, 0, true)]
    [InlineData(Tcp, 0, true, 24, 16, true)]
    [InlineData(Tcp, 8, false, 40, 0, true)]
    [InlineData(Tcp, 16, true, 40, 0, true)]
    [InlineData(Tcp, 24, false, 40, 0, false)]
    [InlineData(Udp, 0, true, 8, 0, false)]
    [InlineData(Udp, 0, true, 0, 0, true)]
    [InlineData(Udp, 8, false, 8, 0, false)]
    [InlineData(Icmp, 0, true, 1480, 0, false)]
    [InlineData(Icmp, 1480, false, 100, 0, false)]
    public void An_IPv4_fragment_that_hides_its_header_is_detected(byte protocol, int offset, bool more, int length, int cutTo, bool isDeceptive)
    {
        var packet = V4(protocol, offset, more, new byte[length]);
        if (cutTo > 0)
            packet[3] = (byte)(20 + cutTo);
        Assert.Equal(isDeceptive, new FrameHeaders(EtherTypeIPv4, packet).IsDeceptiveFragment);
        Assert.False(new FrameHeaders(EtherTypeIPv6, packet).IsDeceptiveFragment);
    }

    [Theory]
    [InlineData(Tcp, 0, false, 8, false)]
    [InlineData(Tcp, 0, true, 24, false)]
    [InlineData(Tcp, 0, true, 16, true)]
    [InlineData(Tcp, 8, false, 40, true)]
    [InlineData(Tcp, 16, false, 40, true)]
    [InlineData(Tcp, 24, false, 40, false)]
    [InlineData(Udp, 0, true, 8, false)]
    [InlineData(Udp, 0, true, 4, true)]
    [InlineData(58, 0, true, 1232, false)]
    [InlineData(58, 1232, false, 100, false)]
    [InlineData(59, 0, true, 0, false)]
    // Fragments in fragments, and a chain that does not end.
    [InlineData(44, 0, true, 64, true)]
    [InlineData(60, 0, true, 4, true)]
    public void An_IPv6_fragment_that_hides_its_header_is_detected(byte next, int offset, bool more, int length, bool isDeceptive) =>
        Assert.Equal(isDeceptive, new FrameHeaders(EtherTypeIPv6, V6(next, offset, more, new byte[length])).IsDeceptiveFragment);

    [Fact]
    public void The_chain_of_headers_ends_in_the_first_fragment()
    {
        byte[] options = [Tcp, 0, 1, 4, 0, 0, 0, 0];
        Assert.False(new FrameHeaders(EtherTypeIPv6, V6(60, 0, more: true, [.. options, .. TestFrame.Tcp(0), .. new byte[4]])).IsDeceptiveFragment);
        Assert.True(new FrameHeaders(EtherTypeIPv6, V6(60, 0, more: true, [.. options, .. TestFrame.Tcp(0)[..16]])).IsDeceptiveFragment);
        Assert.True(new FrameHeaders(EtherTypeIPv6, V6(60, 0, more: true, options)).IsDeceptiveFragment);
        // Options in front of the fragment's header.
        byte[] inFront = [44, 0, 1, 4, 0, 0, 0, 0, .. V6(Tcp, 0, more: true, new byte[8])[40..]];
        Assert.True(new FrameHeaders(EtherTypeIPv6, WithLength(TestFrame.IPv6(60, inFront))).IsDeceptiveFragment);
    }

    [Fact]
    public void Random_bytes_do_not_throw()
    {
        var random = new Random(5);
        for (var i = 0; i < 200_000; i++)
        {
            var packet = new byte[random.Next(96)];
            random.NextBytes(packet);
            if (packet.Length > 40)
                packet[random.Next(2) == 0 ? 6 : 40] = (byte)(random.Next(3) == 0 ? 44 : 60);
            var headers = new FrameHeaders(random.Next(2) == 0 ? EtherTypeIPv4 : EtherTypeIPv6, packet);
            _ = headers.IsDeceptiveFragment;
            _ = headers.LacksPorts;
            _ = headers.TcpFlags;
            headers.TryGetPorts(out _, out _);
        }
    }

    private static byte[] V4(byte protocol, int offset, bool more, byte[] data)
    {
        var packet = TestFrame.IPv4(protocol, data);
        (packet[2], packet[3]) = ((byte)(packet.Length >> 8), (byte)packet.Length);
        (packet[6], packet[7]) = ((byte)((offset >> 11) | (more ? 0x20 : 0)), (byte)(offset >> 3));
        return packet;
    }

    private static byte[] V6(byte next, int offset, bool more, byte[] data) =>
        WithLength(TestFrame.IPv6(44, [next, 0, (byte)(offset >> 8), (byte)(offset | (more ? 1 : 0)), 0, 0, 0, 9, .. data]));

    private static byte[] WithLength(byte[] packet)
    {
        (packet[4], packet[5]) = ((byte)((packet.Length - 40) >> 8), (byte)(packet.Length - 40));
        return packet;
    }
}
