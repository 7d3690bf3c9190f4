using System.Text.Json;
using Lanyard.Dissector;
using Lanyard.Dissector.Tests;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Tests;
using Lanyard.Wire.Verbs;

namespace Lanyard.Cli.Tests;

public sealed class DissectCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public static TheoryData<string, string, string> Recordings => new()
    {
        { "peer-1.14", "r", "packets=249 authenticated=249 parsed=249 unknown=0 other=0" },
        { "peer-1.14", "a", "packets=437 authenticated=437 parsed=437 unknown=0 other=1" },
        { "peer-1.14", "b", "packets=428 authenticated=428 parsed=428 unknown=0 other=1" },
        { "peer-1.4.6", "r", "packets=260 authenticated=260 parsed=260 unknown=0 other=0" },
        { "peer-1.4.6", "a", "packets=356 authenticated=356 parsed=356 unknown=0 other=1" },
        { "peer-1.4.6", "b", "packets=360 authenticated=360 parsed=360 unknown=0 other=1" },
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Recordings))]
    public void With_all_secrets_every_packet_of_a_recording_is_authenticated_and_parsed(string recording, string node, string summary)
    {
        var run = CommandRun.Of(["dissect", .. IdentityOptions(recording, "r", "a", "b"), TestData.PathOf(recording, $"{node}.pcap")]);

        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(summary, run.Lines[^1]);
        Assert.Empty(run.Error);
    }

    [Fact]
    public void A_line_has_time_sender_receiver_verb_and_content()
    {
        var run = CommandRun.Of(["dissect", .. IdentityOptions("peer-1.14", "r", "a", "b"), TestData.PathOf("peer-1.14", "b.pcap")]);

        Assert.Equal(
            "2026-11-21T19:20:05.278590Z 10.99.0.3:9993 > 10.99.0.1:9993 ec3112bc09 > 084d444217 HELLO 1.14.1 (protocol 12) "
            + "identity ec3112bc09 sent to 10.99.0.1:9993 planet 1234605616436508552@1795288804217 (Poly1305, clear)",
            run.Lines[0]);
        Assert.Contains(run.Lines, line => line.Contains("other hole punching (4 bytes)", StringComparison.Ordinal));
    }

    [Fact]
    public void The_identities_of_others_are_learned_from_the_capture()
    {
        // The root has every node's HELLO; its own secret opens all that is for it or from it, and nothing between the leaves.
        var run = CommandRun.Of(["dissect", .. IdentityOptions("peer-1.14", "r"), TestData.PathOf("peer-1.14", "r.pcap")]);

        var relayed = run.Lines.Count(line => line.Contains("not decrypted: needs the secret keys of", StringComparison.Ordinal));
        Assert.True(relayed > 0);
        Assert.Equal($"packets=249 authenticated={249 - relayed} parsed={249 - relayed} unknown=0 other=0", run.Lines[^1]);
    }

    [Fact]
    public void An_identity_file_without_a_secret_counts_as_a_public_identity()
    {
        // What the leaf sent, without the HELLOs that would tell of the other nodes.
        var path = Path.Combine(_folder.FullName, "frames.pcap");
        var frames = CaptureFile.Read(TestData.Bytes("peer-1.14", "a.pcap"));
        var capture = new CaptureBuilder(linkType: LinkType.Ethernet);
        foreach (var frame in frames.Where(frame => CapturedDatagram.Of(frame).Payload.Span is { Length: > 40 } payload && (payload[18] & 0x38) == 0x18))
            capture.Add(frame.Bytes.Span);
        File.WriteAllBytes(path, capture.ToPcap());

        var alone = CommandRun.Of(["dissect", .. IdentityOptions("peer-1.14", "a"), path]);
        var both = CommandRun.Of(["dissect", .. IdentityOptions("peer-1.14", "a"), "--identity", TestData.PathOf("peer-1.14", "b.identity.public"), path]);

        Assert.Contains("authenticated=0 parsed=0", alone.Lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("authenticated=0", both.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_without_the_rest_are_a_packet_that_was_not_opened()
    {
        var path = Path.Combine(_folder.FullName, "parts.pcap");
        var head = CaptureFile.Read(TestData.Bytes("peer-1.14", "a.pcap"))
            .First(frame => CapturedDatagram.Of(frame).Payload.Span is { Length: > 1400 } payload && (payload[18] & 0x40) != 0);
        File.WriteAllBytes(path, new CaptureBuilder(linkType: LinkType.Ethernet).Add(head.Bytes.Span).ToPcap());

        var run = CommandRun.Of(["dissect", .. IdentityOptions("peer-1.14", "r", "a", "b"), path]);

        Assert.Contains("some parts were not captured", run.Lines[0], StringComparison.Ordinal);
        Assert.Equal("packets=1 authenticated=0 parsed=0 unknown=0 other=0", run.Lines[^1]);
    }

    [Fact]
    public void A_partly_understood_packet_counts_as_unknown()
    {
        // Over a trusted path, which needs no key and proves nothing.
        var path = Path.Combine(_folder.FullName, "trusted.pcap");
        var capture = new CaptureBuilder();
        AddTrusted(capture, Verb.Whois, [1, 2, 3, 4, 5]);
        AddTrusted(capture, Verb.Whois, [1, 2, 3, 4, 5, 6]);
        AddTrusted(capture, (Verb)0x1f, []);
        AddTrusted(capture, Verb.Echo, [0x10], compressed: true);
        File.WriteAllBytes(path, capture.ToPcap());

        var run = CommandRun.Of("dissect", path);

        Assert.Contains(" WHOIS 0102030405 (trusted path)", run.Lines[0], StringComparison.Ordinal);
        Assert.Contains("[not understood: 1 bytes at the end]", run.Lines[1], StringComparison.Ordinal);
        Assert.Contains(" VERB_0x1f [not understood: 0 bytes]", run.Lines[2], StringComparison.Ordinal);
        Assert.Contains(" ECHO [not understood: the compressed payload is malformed]", run.Lines[3], StringComparison.Ordinal);
        Assert.Equal("packets=4 authenticated=0 parsed=1 unknown=3 other=0", run.Lines[^1]);
    }

    [Fact]
    public void Other_traffic_is_named()
    {
        var path = Path.Combine(_folder.FullName, "other.pcap");
        var here = InetEndpoint.Parse("192.0.2.1:9993");
        File.WriteAllBytes(path, new CaptureBuilder()
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("239.255.255.250:1900"), "M-SEARCH * HTTP/1.1\r\n\r\n"u8))
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("192.0.2.254:5351"), [0, 1, 0, 0, 0x27, 0x09, 0x27, 0x09, 0, 0, 14, 16]))
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("192.0.2.2:9993"), [1, 2, 3, 4]))
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("192.0.2.2:9993"), new byte[13]))
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("192.0.2.2:9993"), new byte[20]))
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("192.0.2.2:53"), TestData.Hex("1234 0100 0001 0000 0000 0000 03777777 00 0001 0001")))
            .Add(CaptureBuilder.Udp(here, InetEndpoint.Parse("192.0.2.2:3478"), TestData.Hex("0001 0000 2112a442 000102030405060708090a0b")))
            .ToPcap());

        var run = CommandRun.Of("dissect", path);

        Assert.EndsWith("other SSDP (UPnP discovery)", run.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith("other NAT-PMP (port mapping)", run.Lines[1], StringComparison.Ordinal);
        Assert.EndsWith("other hole punching (4 bytes)", run.Lines[2], StringComparison.Ordinal);
        Assert.Contains("other a LAN beacon", run.Lines[3], StringComparison.Ordinal);
        Assert.EndsWith("other not the protocol (20 bytes)", run.Lines[4], StringComparison.Ordinal);
        Assert.EndsWith("other DNS", run.Lines[5], StringComparison.Ordinal);
        Assert.EndsWith("other STUN", run.Lines[6], StringComparison.Ordinal);
        Assert.Equal("packets=0 authenticated=0 parsed=0 unknown=0 other=7", run.Lines[^1]);
    }

    [Fact]
    public void Without_keys_a_packet_counts_neither_as_authenticated_nor_as_parsed()
    {
        var run = CommandRun.Of("dissect", TestData.PathOf("peer-1.14", "a.pcap"));

        Assert.Equal("packets=437 authenticated=0 parsed=0 unknown=0 other=1", run.Lines[^1]);
    }

    [Fact]
    public void A_wrong_key_is_reported()
    {
        // The leaf's address with the other leaf's keys.
        var wrong = Path.Combine(_folder.FullName, "identity.public");
        File.WriteAllText(wrong, TestData.Text("peer-1.14", "a.identity.public")[..10] + TestData.Text("peer-1.14", "b.identity.public")[10..]);
        var run = CommandRun.Of(["dissect", .. IdentityOptions("peer-1.14", "r"), "--identity", wrong, TestData.PathOf("peer-1.14", "r.pcap")]);

        Assert.Contains(run.Lines, line => line.Contains("NOT AUTHENTIC", StringComparison.Ordinal));
    }

    [Fact]
    public void Json_is_one_object_a_line()
    {
        var run = CommandRun.Of(["dissect", "--json", .. IdentityOptions("peer-1.14", "r", "a", "b"), TestData.PathOf("peer-1.14", "a.pcap")]);

        Assert.Equal(437 + 1 + 1, run.Lines.Length);
        var first = JsonDocument.Parse(run.Lines[0]).RootElement;
        Assert.Equal("HELLO", first.GetProperty("verb").GetString());
        Assert.Equal("Authentic", first.GetProperty("state").GetString());
        Assert.True(first.GetProperty("understood").GetBoolean());
        Assert.All(run.Lines[1..^1], line => JsonDocument.Parse(line).RootElement.GetProperty("time"));
        Assert.Equal(437, JsonDocument.Parse(run.Lines[^1]).RootElement.GetProperty("parsed").GetInt32());
    }

    [Theory]
    [InlineData("no-such-file.pcap", "no-such-file.pcap")]
    [InlineData("planet", "planet is not a readable capture")]
    public void A_file_that_is_no_capture_fails_and_is_named(string file, string message)
    {
        var run = CommandRun.Of("dissect", TestData.PathOf("peer-1.14", file));

        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public void A_file_that_is_no_identity_fails_and_is_named()
    {
        var run = CommandRun.Of("dissect", "--identity", TestData.PathOf("peer-1.14", "moon.json"), TestData.PathOf("peer-1.14", "a.pcap"));

        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("moon.json is not an identity", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("dissect")]
    [InlineData("dissect", "--no-such-option", "FILE")]
    [InlineData("no-such-verb")]
    public void Wrong_usage_has_its_own_exit_code(params string[] args)
    {
        var run = CommandRun.Of(args);

        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.NotEmpty(run.Error);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("dissect", "--help")]
    public void Help_is_no_error(params string[] args)
    {
        var run = CommandRun.Of(args);

        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Contains("lanyard", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    private static void AddTrusted(CaptureBuilder capture, Verb verb, byte[] payload, bool compressed = false)
    {
        var packet = (byte[])[.. new byte[PacketFormat.HeaderBytes], .. payload];
        PacketHeader.Write(packet, 1, new NodeAddress(1), new NodeAddress(2), verb, compressed);
        PacketHeader.SetTrustedPath(packet, 7);
        capture.Add(CaptureBuilder.Udp(InetEndpoint.Parse("192.0.2.1:9993"), InetEndpoint.Parse("192.0.2.2:9993"), packet));
    }

    private static IEnumerable<string> IdentityOptions(string recording, params string[] nodes) =>
        nodes.SelectMany(node => new[] { "--identity", TestData.PathOf(recording, $"{node}.identity.secret") });
}
