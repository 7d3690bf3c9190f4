using Lanyard.Primitives;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Verbs;

/// <summary>Messages that the recordings do not contain: rare verbs, rare fields, old and malformed forms.</summary>
public sealed class VerbFormatTests
{
    private const string Network = "8056c2e21c000001";
    private const string CertificateWithoutSigner = "01 0001 0000000000000001 0000000000000002 0000000000000003 0000000000";

    private delegate void WriteMessage(ref ByteWriter writer);

    [Fact]
    public void Nop_accepts_any_payload()
    {
        Assert.True(NopMessage.TryParse([1, 2, 3], out var nop));
        Assert.Equal([1, 2, 3], nop.Ignored.ToArray());
        Assert.True(NopMessage.TryParse(default, out _));
    }

    [Fact]
    public void Ack_counts_bytes()
    {
        Assert.Equal("00012345", Written((ref ByteWriter writer) => new AckMessage { Bytes = 0x12345 }.Write(ref writer)));
        Assert.True(AckMessage.TryParse(TestData.Hex("00012345 07"), out var ack));
        Assert.Equal(0x12345u, ack.Bytes);
        Assert.Equal(1, ack.Trailing.Length);
        Assert.False(AckMessage.TryParse(new byte[3], out _));
    }

    [Fact]
    public void Qos_records_are_little_endian()
    {
        Assert.Equal(
            "8877665544332211 2a01 0100000000000000 0000",
            Written((ref ByteWriter writer) => QosMeasurementMessage.Write(ref writer, [new(0x1122334455667788, 298), new(1, 0)])),
            IgnoreSpaces);
        Assert.True(QosMeasurementMessage.TryParse(TestData.Hex("8877665544332211 2a01"), out var qos));
        Assert.Equal(1, qos.Count);
        Assert.Equal(new QosRecord(0x1122334455667788, 298), qos[0]);
        Assert.False(QosMeasurementMessage.TryParse(new byte[11], out _));
        Assert.False(QosMeasurementMessage.TryParse(new byte[1410], out _));
    }

    [Fact]
    public void Path_negotiation_has_a_signed_figure()
    {
        Assert.Equal("fffe", Written((ref ByteWriter writer) => new PathNegotiationMessage { Utility = -2 }.Write(ref writer)));
        Assert.True(PathNegotiationMessage.TryParse([0xff, 0xfe], out var negotiation));
        Assert.Equal(-2, negotiation.Utility);
        Assert.False(PathNegotiationMessage.TryParse([1], out _));
    }

    [Fact]
    public void User_messages_have_a_type_and_any_content()
    {
        Assert.Equal(
            "0000000000012345 6869",
            Written((ref ByteWriter writer) => new UserMessage { Type = 0x12345, Data = "hi"u8 }.Write(ref writer)),
            IgnoreSpaces);
        Assert.True(UserMessage.TryParse(new byte[8], out var empty));
        Assert.True(empty.Data.IsEmpty);
        Assert.False(UserMessage.TryParse(new byte[7], out _));
    }

    [Fact]
    public void Remote_traces_are_ended_by_zero_bytes()
    {
        var bytes = TestData.Hex(Written((ref ByteWriter writer) =>
        {
            RemoteTraceMessage.Write(ref writer, "a=1"u8);
            RemoteTraceMessage.Write(ref writer, "b=2"u8);
        }));

        Assert.Equal("a=1\0b=2\0"u8.ToArray(), bytes);
        Assert.True(RemoteTraceMessage.TryParse(bytes, out var trace));
        var dictionaries = new List<string>();
        foreach (var dictionary in trace)
            dictionaries.Add(System.Text.Encoding.ASCII.GetString(dictionary));
        Assert.Equal(["a=1", "b=2"], dictionaries);
        Assert.False(RemoteTraceMessage.TryParse("a=1"u8, out _));
        Assert.True(RemoteTraceMessage.TryParse(default, out _));
    }

    [Fact]
    public void Ext_frames_carry_their_addresses_and_the_reason_they_were_sent_for()
    {
        Assert.Equal(
            $"{Network} 16 020000000001 020000000002 0800 4500",
            Written((ref ByteWriter writer) => new ExtFrameMessage
            {
                NetworkId = NetworkId.Parse(Network),
                Flags = ExtFrameFlags.AckWanted | ExtFrameFlags.TeeOutbound | ExtFrameFlags.RedirectOutbound,
                Destination = new MacAddress(0x020000000001),
                Source = new MacAddress(0x020000000002),
                EtherType = 0x0800,
                Data = [0x45, 0x00],
            }.Write(ref writer)),
            IgnoreSpaces);
        Assert.False(ExtFrameMessage.TryParse(new byte[ExtFrameMessage.HeaderBytes - 1], out _));
        Assert.True(ExtFrameMessage.TryParse(new byte[ExtFrameMessage.HeaderBytes], out var empty));
        Assert.True(empty.Data.IsEmpty);
    }

    [Theory]
    [InlineData(CertificateWithoutSigner, 32)]
    [InlineData("01 0000 0102030405", 8 + 96)]
    public void A_certificate_in_front_of_the_addresses_is_passed_over_by_its_length(string certificate, int length)
    {
        var attached = new byte[length];
        TestData.Hex(certificate).CopyTo(attached, 0);
        var payload = (byte[])[.. TestData.Hex(Network + "01"), .. attached, .. TestData.Hex("020000000001 020000000002 0800 4500")];

        Assert.True(ExtFrameMessage.TryParse(payload, out var frame));
        Assert.Equal(attached, frame.Certificate.ToArray());
        Assert.Equal(new MacAddress(0x020000000001), frame.Destination);
        Assert.Equal([0x45, 0x00], frame.Data.ToArray());
        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.ExtFrame, payload));
        for (var cut = 0; cut < payload.Length - 2; cut++)
            Assert.False(ExtFrameMessage.TryParse(payload.AsSpan(0, cut), out _));
    }

    [Fact]
    public void A_multicast_frame_has_the_fields_that_its_flags_name()
    {
        var fields = new Dictionary<MulticastFrameFlags, string>
        {
            [MulticastFrameFlags.HasCertificate] = CertificateWithoutSigner,
            [MulticastFrameFlags.Gather] = "00000021",
            [MulticastFrameFlags.HasSource] = "020000000002",
            [MulticastFrameFlags.Replicate] = "",
        };
        for (var flags = MulticastFrameFlags.None; flags <= (MulticastFrameFlags)15; flags++)
        {
            var optional = string.Concat(fields.Where(field => (flags & field.Key) != 0).Select(field => field.Value));
            var payload = TestData.Hex($"{Network} {(int)flags:x2} {optional} ffffffffffff 0a000001 0806 1234");

            Assert.True(MulticastFrameMessage.TryParse(payload, out var frame));
            Assert.Equal(new MulticastGroup(MacAddress.Broadcast, 0x0a000001), frame.Group);
            Assert.Equal((flags & MulticastFrameFlags.Gather) != 0 ? 33u : 0, frame.GatherLimit);
            Assert.Equal([0x12, 0x34], frame.Data.ToArray());
            Assert.Equal(payload, VerbRewriter.Rewrite(Verb.MulticastFrame, payload));
        }
    }

    [Fact]
    public void A_multicast_header_is_at_most_its_maximum_length()
    {
        var longest = Written((ref ByteWriter writer) => new MulticastFrameMessage { Flags = MulticastFrameFlags.Gather | MulticastFrameFlags.HasSource }.Write(ref writer));

        Assert.Equal(MulticastFrameMessage.MaxHeaderBytes, longest.Length / 2);
    }

    [Theory]
    [InlineData("00", "", 0)]
    [InlineData("02", "00000005 0002 0102030405 0102030406", 2)]
    [InlineData("03", CertificateWithoutSigner + "00000005 0001 0102030405", 1)]
    [InlineData("01", CertificateWithoutSigner, 0)]
    public void The_answer_to_a_multicast_frame_has_the_fields_that_its_flags_name(string flags, string rest, int members)
    {
        var payload = TestData.Hex($"0e 0000000000000001 {Network} ffffffffffff 0a000001 {flags} {rest}");

        Assert.True(OkMessage.TryParse(payload, out var ok));
        Assert.True(OkMulticastFrameMessage.TryParse(ok.Payload, out var frame));
        Assert.Equal(members, frame.Members.Count);
        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.Ok, payload));
    }

    [Fact]
    public void A_list_that_is_shorter_than_it_says_is_refused()
    {
        Assert.False(OkMulticastGatherMessage.TryParse(TestData.Hex($"{Network} ffffffffffff 0a000001 00000005 0002 0102030405 01020304"), out _));
        Assert.False(MoonStampList.TryParse(TestData.Hex("0001 7f 0000000000000001 00000000000000"), out _));
        Assert.False(PushDirectPathsMessage.TryParse(TestData.Hex("0002 00 0000 04 06 0a000001 2709"), out _));
        Assert.False(OkHelloMessage.TryParse(TestData.Hex("0000000000000001 0c 01 0e 0001 00 0005 01020304"), out _));
        Assert.False(NetworkConfigMessage.TryParse(TestData.Hex($"{Network} 0005 01020304"), out _));
        Assert.False(NetworkConfigRequestMessage.TryParse(TestData.Hex($"{Network} 0005 01020304"), out _));
        Assert.False(MulticastLikeMessage.TryParse(new byte[19], out _));
        Assert.False(WhoisMessage.TryParse(new byte[4], out _));
        Assert.False(OkWhoisMessage.TryParse(default, out _));
    }

    [Fact]
    public void Fields_of_later_versions_are_kept_apart()
    {
        Assert.True(OkNetworkConfigMessage.TryParse(TestData.Hex($"{Network} 0000000000000001 aa"), out var config));
        Assert.Equal([0xaa], config.Trailing.ToArray());
        Assert.True(RendezvousMessage.TryParse(TestData.Hex("00 0102030405 2709 04 0a000001 aabb"), out var rendezvous));
        Assert.Equal([0xaa, 0xbb], rendezvous.Trailing.ToArray());
        Assert.True(WhoisMessage.TryParse(new byte[7], out var whois));
        Assert.Equal((1, 2), (whois.Addresses.Count, whois.Trailing.Length));
        Assert.Null(VerbRewriter.Rewrite(Verb.Whois, new byte[7]));
    }

    [Theory]
    [InlineData("00 0102030405 2709 04 0a000001", "10.0.0.1:9993")]
    [InlineData("00 0102030405 2709 10 20010db8000000000000000000000001", "[2001:db8::1]:9993")]
    public void A_rendezvous_tells_of_IPv4_and_IPv6(string hex, string endpoint)
    {
        Assert.True(RendezvousMessage.TryParse(TestData.Hex(hex), out var rendezvous));
        Assert.Equal(InetEndpoint.Parse(endpoint), rendezvous.Endpoint);
        Assert.Equal(TestData.Hex(hex), VerbRewriter.Rewrite(Verb.Rendezvous, TestData.Hex(hex)));
    }

    [Fact]
    public void A_rendezvous_with_another_kind_of_address_is_refused() =>
        Assert.False(RendezvousMessage.TryParse(TestData.Hex("00 0102030405 2709 06 0a0000010203"), out _));

    [Fact]
    public void Paths_with_extensions_are_read_and_paths_of_other_kinds_have_no_endpoint()
    {
        var payload = TestData.Hex("0004  02 0000 04 06 0a000001 2709  00 0003 aabbcc 06 12 20010db8000000000000000000000001 2709  01 0000 09 02 aabb  00 0000 04 03 aabbcc");

        Assert.True(PushDirectPathsMessage.TryParse(payload, out var push));
        var paths = new List<DirectPath>();
        foreach (var path in push)
            paths.Add(path);

        Assert.Equal(4, push.Count);
        Assert.False(push.IsPlain);
        Assert.Equal(
            [
                new(InetEndpoint.Parse("10.0.0.1:9993"), DirectPathFlags.ClusterRedirect),
                new(InetEndpoint.Parse("[2001:db8::1]:9993")),
                new(default, DirectPathFlags.Forget),
                new(default),
            ],
            paths);
    }

    [Fact]
    public void A_hello_of_an_old_node_ends_early()
    {
        var identity = new byte[Identity.BinarySize];
        TestData.SecretIdentity("peer-1.14", "a").Write(identity);
        var start = (byte[])[.. TestData.Hex("04 01 00 0006 0000018bcfe56800"), .. identity];

        Assert.True(HelloMessage.TryParse(start, out var bare));
        Assert.Equal(new NodeVersion(4, 1, 0, 6), bare.Version);
        Assert.Equal(1_700_000_000_000, bare.Timestamp);
        Assert.Equal(identity, bare.Identity.ToArray());
        Assert.True(bare.SentTo.IsNone);
        Assert.Equal(default, bare.Planet);
        Assert.Equal(start.Length, bare.TailStart);
        Assert.True(MoonStampList.TryParse(bare.Tail, out var none));
        Assert.Equal(0, none.Count);

        Assert.True(HelloMessage.TryParse([.. start, .. TestData.Hex("04 0a000001 2709")], out var sent));
        Assert.Equal(InetEndpoint.Parse("10.0.0.1:9993"), sent.SentTo);
        for (var cut = 0; cut < start.Length; cut++)
            Assert.False(HelloMessage.TryParse(start.AsSpan(0, cut), out _));
    }

    [Fact]
    public void A_hello_with_moons_writes_back()
    {
        var identity = new byte[Identity.BinarySize];
        TestData.SecretIdentity("peer-1.14", "a").Write(identity);
        var payload = (byte[])
        [
            .. TestData.Hex("0c 01 0e 0001 0000018bcfe56800"), .. identity,
            .. TestData.Hex("06 20010db8000000000000000000000001 2709 0000000000000007 0000018bcfe56800 0002 7f 00000008d4444217 0000000000000000 7f 0000000000000009 0000018bcfe56800"),
        ];

        Assert.True(HelloMessage.TryParse(payload, out var hello));
        Assert.Equal(new WorldStamp(WorldType.Planet, 7, 1_700_000_000_000), hello.Planet);
        Assert.True(MoonStampList.TryParse(hello.Tail, out var moons));
        Assert.Equal(new WorldStamp(WorldType.Moon, 9, 1_700_000_000_000), moons[1]);
        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.Hello, payload));
    }

    [Fact]
    public void An_identity_of_an_unknown_type_is_refused()
    {
        var hello = new byte[13 + Identity.BinarySize];
        Assert.True(HelloMessage.TryParse(hello, out _));
        hello[13 + 5] = 1;
        Assert.False(HelloMessage.TryParse(hello, out _));
    }

    [Theory]
    [InlineData("0b 0000000000000001 07", Network)]
    [InlineData("0b 0000000000000001 09", Network + "0003 613d31")]
    [InlineData("06 0000000000000001 06", Network)]
    [InlineData("0e 0000000000000001 08", Network + "ffffffffffff 0a000001")]
    [InlineData("01 0000000000000001 04", "")]
    public void Errors_have_the_details_of_their_code(string head, string details)
    {
        var payload = TestData.Hex(head + details);

        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.Error, payload));
    }

    [Fact]
    public void The_answer_to_an_ext_frame_names_its_network()
    {
        var payload = TestData.Hex("07 0000000000000001" + Network);

        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.Ok, payload));
        Assert.False(OkExtFrameMessage.TryParse(new byte[7], out _));
    }

    [Fact]
    public void The_answer_to_a_configuration_names_the_update()
    {
        var payload = TestData.Hex("0c 0000000000000001" + Network + "0000000000000002");

        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.Ok, payload));
    }

    [Fact]
    public void A_configuration_of_an_old_controller_has_no_signature()
    {
        Assert.True(NetworkConfigMessage.TryParse(TestData.Hex(Network + "0003 613d31"), out var config));
        Assert.True(config.IsUnsigned);
        Assert.Equal(3u, config.TotalLength);
        Assert.Equal(3, config.Chunk.Length);
    }

    [Fact]
    public void A_configuration_signature_covers_all_bytes_before_it()
    {
        var payload = TestData.Hex(Network + "0003 613d31 01 0000000000000005 00000003 00000000 01 0002 aabb");

        Assert.True(NetworkConfigMessage.TryParse(payload, out var config));
        Assert.True(config.FastPropagate);
        Assert.Equal(5u, config.UpdateId);
        Assert.Equal(payload[..^5], config.Signed.ToArray());
        Assert.Equal([0xaa, 0xbb], config.Signature.ToArray());
        Assert.Equal(payload, VerbRewriter.Rewrite(Verb.NetworkConfig, payload));
    }

    [Fact]
    public void The_overhead_of_a_configuration_part_is_its_constant()
    {
        var whole = Written((ref ByteWriter writer) =>
        {
            default(NetworkConfigMessage).WriteSigned(ref writer);
            NetworkConfigMessage.WriteSignature(ref writer, new byte[Identity.SignatureSize]);
        });

        Assert.Equal(NetworkConfigMessage.OverheadBytes, whole.Length / 2);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("00 0000")]
    [InlineData("00 0000 0000")]
    [InlineData("00 0000 0000 0000")]
    public void Credentials_may_end_before_any_count(string hex)
    {
        Assert.True(NetworkCredentialsMessage.TryParse(TestData.Hex(hex), out var message));
        Assert.True(message.Memberships.IsEmpty && message.Tags.IsEmpty);
    }

    [Theory]
    [InlineData("00 00")]
    [InlineData("00 0001")]
    [InlineData("00 0000 ffff 00")]
    [InlineData("02 0000")]
    public void Broken_credentials_are_refused(string hex) => Assert.False(NetworkCredentialsMessage.TryParse(TestData.Hex(hex), out _));

    [Fact]
    public void A_message_that_does_not_fit_is_not_written()
    {
        var writer = new ByteWriter(new byte[9]);
        default(FrameMessage).Write(ref writer);

        Assert.True(writer.Failed);
    }

    private static string Written(WriteMessage write)
    {
        var writer = new ByteWriter(new byte[1000]);
        write(ref writer);
        Assert.False(writer.Failed);
        return TestData.ToHex(writer.Written);
    }

    private static bool IgnoreSpaces(string expected, string actual) => expected.Replace(" ", "", StringComparison.Ordinal) == actual;
}
