using Lanyard.Dissector;
using Lanyard.Primitives;
using Lanyard.Wire.Tests;

namespace Lanyard.Dissector.Tests;

public sealed class CaptureFileTests
{
    private static readonly InetEndpoint From = InetEndpoint.Parse("192.0.2.1:9993");
    private static readonly InetEndpoint To = InetEndpoint.Parse("192.0.2.2:1234");
    private static readonly byte[] Payload = [1, 2, 3, 4, 5];

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Pcap_reads_in_either_byte_order_and_unit_of_time(bool isBigEndian, bool nanoseconds)
    {
        var file = new CaptureBuilder(isBigEndian, nanoseconds)
            .Add(CaptureBuilder.Udp(From, To, Payload), 1_700_000_000, nanoseconds ? 123_456_700u : 123_456u)
            .Add([0x45], 1_700_000_001, cut: 3)
            .ToPcap();

        var frames = CaptureFile.Read(file);

        Assert.Equal(2, frames.Count);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000).AddTicks(nanoseconds ? 1_234_567 : 1_234_560), frames[0].Time);
        Assert.Equal(LinkType.Raw, frames[0].LinkType);
        Assert.False(frames[0].IsCut);
        Assert.True(frames[1].IsCut);
        var datagram = CapturedDatagram.Of(frames[0]);
        Assert.Equal((From, To), (datagram.From, datagram.To));
        Assert.Equal(Payload, datagram.Payload.ToArray());
    }

    [Theory]
    [InlineData(false, 6, 1u, 705_032_704u, "1970-01-01T01:23:20")]
    [InlineData(true, 6, 1u, 705_032_704u, "1970-01-01T01:23:20")]
    [InlineData(false, 9, 2u, 1_410_065_408u, "1970-01-01T00:00:10")]
    [InlineData(false, 0x8a, 0u, 2048u, "1970-01-01T00:00:02")]
    public void Pcapng_reads_in_either_byte_order_and_any_unit_of_time(bool isBigEndian, byte resolution, uint high, uint low, string time)
    {
        var file = new CaptureBuilder(isBigEndian).Add(CaptureBuilder.Udp(From, To, Payload), high, low).ToPcapNg(resolution);

        var frame = Assert.Single(CaptureFile.Read(file));

        Assert.Equal(time, frame.Time.ToString("s", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(Payload, CapturedDatagram.Of(frame).Payload.ToArray());
    }

    [Fact]
    public void A_capture_that_was_not_ended_properly_reads_up_to_there()
    {
        var builder = new CaptureBuilder().Add(CaptureBuilder.Udp(From, To, Payload)).Add(CaptureBuilder.Udp(From, To, Payload));

        Assert.Single(CaptureFile.Read(builder.ToPcap().AsMemory(..^1)));
        Assert.Single(CaptureFile.Read(builder.ToPcapNg(6).AsMemory(..^1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0102")]
    [InlineData("a1b2c3d4 0002")]
    [InlineData("00000000 00000000")]
    [InlineData("0a0d0d0a 0000001c 11111111")]
    public void A_file_that_is_not_a_capture_is_refused_with_a_reason(string hex)
    {
        var refused = Assert.Throws<InvalidDataException>(() => CaptureFile.Read(TestData.Hex(hex)));

        Assert.EndsWith(".", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Frames_of_other_kinds_are_named()
    {
        var tcp = CaptureBuilder.Udp(From, To, Payload);
        tcp[9] = 6;
        var fragment = CaptureBuilder.Udp(From, To, Payload);
        fragment[6] = 0x20;
        var cut = CaptureBuilder.Udp(From, To, Payload)[..^1];

        Assert.Equal("TCP", NameOf(tcp, LinkType.Raw));
        Assert.Equal("a fragment of an IPv4 packet", NameOf(fragment, LinkType.Raw));
        Assert.Equal("a UDP datagram that the capture truncated", NameOf(cut, LinkType.Raw));
        Assert.Equal("a malformed IPv4 packet", NameOf([0x45, 0], LinkType.Raw));
        Assert.Equal("ARP", NameOf([.. new byte[12], 0x08, 0x06, 1, 2], LinkType.Ethernet));
        Assert.Equal("EtherType 0x88cc", NameOf([.. new byte[12], 0x88, 0xcc], LinkType.Ethernet));
        Assert.Equal("link type 147", NameOf([1, 2, 3], (LinkType)147));
    }

    [Theory]
    [InlineData((int)LinkType.Ethernet, "000000000000 000000000000 0800")]
    [InlineData((int)LinkType.Ethernet, "000000000000 000000000000 8100 0001 0800")]
    [InlineData((int)LinkType.LinuxSll, "0000 0001 0006 000000000000 0000 0800")]
    [InlineData((int)LinkType.LinuxSll2, "0800 0000 00000001 0001 00 06 000000000000 0000")]
    [InlineData((int)LinkType.Null, "02000000")]
    [InlineData((int)LinkType.Raw, "")]
    public void Datagrams_are_found_behind_each_kind_of_link_header(int linkType, string header)
    {
        var frame = new CapturedFrame(default, (LinkType)linkType, (byte[])[.. TestData.Hex(header), .. CaptureBuilder.Udp(From, To, Payload), 0, 0], false);

        var datagram = CapturedDatagram.Of(frame);

        Assert.Null(datagram.NotUdp);
        Assert.Equal(Payload, datagram.Payload.ToArray());
    }

    [Fact]
    public void Datagrams_are_found_in_IPv6()
    {
        var from = InetEndpoint.Parse("[2001:db8::1]:9993");
        var to = InetEndpoint.Parse("[2001:db8::2]:9993");

        var datagram = CapturedDatagram.Of(new CapturedFrame(default, LinkType.Raw, CaptureBuilder.Udp(from, to, Payload), false));

        Assert.Equal((from, to), (datagram.From, datagram.To));
        Assert.Equal(Payload, datagram.Payload.ToArray());
    }

    [Fact]
    public void Random_bytes_throw_only_InvalidDataException()
    {
        var random = new Random(1);
        byte[][] seeds =
        [
            new CaptureBuilder().Add(CaptureBuilder.Udp(From, To, Payload)).ToPcap(),
            new CaptureBuilder(linkType: LinkType.Ethernet).Add([.. new byte[12], 8, 0, .. CaptureBuilder.Udp(From, To, Payload)]).ToPcapNg(6),
        ];
        for (var round = 0; round < 20_000; round++)
        {
            var file = seeds[round % seeds.Length].AsSpan(..random.Next(seeds[round % seeds.Length].Length + 1)).ToArray();
            for (var i = random.Next(4); i > 0 && file.Length > 0; i--)
                file[random.Next(file.Length)] = (byte)random.Next(256);
            try
            {
                foreach (var frame in CaptureFile.Read(file))
                    CapturedDatagram.Of(frame);
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    private static string? NameOf(byte[] frame, LinkType linkType) => CapturedDatagram.Of(new CapturedFrame(default, linkType, frame, false)).NotUdp;
}
