using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Lanyard.Cli.Dissect;
using Lanyard.Controller;
using Lanyard.Dissector;
using Lanyard.Engine;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Rules;
using Lanyard.Intercept.Hub;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Programs;
using Lanyard.Intercept.Protocol;
using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;
using Lanyard.Proxies;
using Lanyard.Service;
using Lanyard.Wire;
using Lanyard.Wire.Tests;

namespace Lanyard.Fuzz;

/// <summary>The parsers of the SDK, of the proxies, the service, the controller's JSON, the commands, and the engine's own files and rules.</summary>
internal static class ServiceTargets
{
    private static readonly byte[] DnsQuestion = DnsName.TryEncode("example.test", out var name) ? name : [];
    private static readonly Tag OwnTag = new() { NetworkId = new NetworkId(1), Timestamp = 1, Id = 1, Value = 7, IssuedTo = Keys.Leaf.Address };
    private static readonly CertificateOfOwnership OwnThings = new()
    {
        NetworkId = new NetworkId(1), Timestamp = 1, Id = 1, IssuedTo = Keys.Leaf.Address, Things = [OwnedThing.From(Pair.B4), OwnedThing.From(Pair.B6), OwnedThing.From(Pair.MacB)],
    };

    private static readonly ProxyCredentials Credentials = new("user", "password");

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("sdk-dns", Dns, ServiceSeeds.Dns) { MaxInputBytes = 1_500 },
        new("sdk-socks", Socks, ServiceSeeds.Socks) { MaxInputBytes = 600 },
        new("sdk-http", Http, ServiceSeeds.Http),
        new("sdk-chunked", Chunked, () => ["5\r\nhello\r\n0\r\n\r\n"u8.ToArray(), "1;a=b\r\nx\r\n0\r\nA: b\r\n\r\nrest"u8.ToArray()]) { MaxInputBytes = 10_000 },
        new("sdk-settings", Settings, ServiceSeeds.Settings) { MaxInputBytes = 1_000 },
        new("service-local-conf", LocalConf, ServiceSeeds.LocalConf),
        new("service-intercept", Intercept, ServiceSeeds.Intercept) { MaxInputBytes = 512 },
        new("controller-network-json", NetworkRecords, ServiceSeeds.NetworkRecords) { MaxInputBytes = 8_192 },
        new("controller-member-json", MemberRecords, ServiceSeeds.MemberRecords) { MaxInputBytes = 8_192 },
        new("engine-peer-state", PeerFile, ServiceSeeds.PeerFiles) { MaxInputBytes = 2_048 },
        new("engine-rules", EvaluateRules, ServiceSeeds.Rules),
        new("cli-capture", Capture, ServiceSeeds.Captures) { MaxInputBytes = 16_384 },
        new("cli-program", Program, ServiceSeeds.Programs) { MaxInputBytes = 8_192 },
    ];

    private static void Dns(ReadOnlySpan<byte> input)
    {
        var type = !input.IsEmpty && (input[0] & 1) != 0 ? DnsRecordType.Aaaa : DnsRecordType.A;
        var message = input.IsEmpty ? input : input[1..];
        if (DnsMessage.TryParseAnswer(message, 0x1234, DnsQuestion, type, out var answer))
            Check.That(answer!.Addresses.All(address => address.IsV4 == (type == DnsRecordType.A)) && answer.Addresses.Count <= 32, "answer");
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        var offset = 0;
        if (DnsName.TryRead(message, ref offset, name, out var length))
        {
            Check.That(offset > 0 && offset <= message.Length && length is > 0 and <= DnsName.MaxBytes, "name");
            var at = 0;
            Span<byte> again = stackalloc byte[DnsName.MaxBytes];
            Check.That(DnsName.TryRead(name[..length], ref at, again, out var same) && again[..same].SequenceEqual(name[..length]), "a name without pointers reads otherwise");
        }

        var text = Encoding.Latin1.GetString(message);
        if (DnsName.TryEncode(text, out var encoded))
        {
            var at = 0;
            Check.That(DnsName.TryRead(encoded, ref at, name, out length) && name[..length].SequenceEqual(encoded), "an encoded name reads otherwise");
            Span<byte> query = stackalloc byte[DnsMessage.MaxQueryBytes];
            Check.That(DnsMessage.WriteQuery(query, 1, encoded, type) <= query.Length, "query");
        }
    }

    // Whatever a prefix says stays said: more bytes never turn a refusal into a success, and what is done needs no more.
    private static void Socks(ReadOnlySpan<byte> input)
    {
        Steps(input, static (bytes, out length) => SocksFormat.TryParseGreeting(bytes, out _, out length));
        Steps(input, static (bytes, out length) => SocksFormat.TryParseCredentials(bytes, out _, out _, out length));
        Steps(input, static (bytes, out length) => SocksFormat.TryParseRequest(bytes, out _, out _, out length));
        if (SocksFormat.TryParseRequest(input, out _, out var destination, out _) == ParseStep.Done && destination is { } found)
            Check.That(found.ToString().Length > 0, "destination");
        if (!SocksFormat.TryParseDatagram(input, out _, out var to, out var header))
            return;
        Check.That(header <= input.Length, "datagram header");
        if (to.Name.Length > 0)
            return;
        var written = new byte[SocksFormat.MaxReplyBytes];
        var count = SocksFormat.WriteDatagram(written, new InetEndpoint(to.Address, to.Port));
        Check.That(SocksFormat.TryParseDatagram(written.AsSpan(0, count), out _, out var again, out _) && again == to, "datagram header written anew");
    }

    private delegate ParseStep StepParser(ReadOnlySpan<byte> bytes, out int length);

    private static void Steps(ReadOnlySpan<byte> input, StepParser parse)
    {
        var whole = parse(input, out var length);
        if (whole == ParseStep.Done)
            Check.That(length > 0 && length <= input.Length, "length");
        for (var i = 0; i < Math.Min(input.Length, 24); i++)
        {
            if (parse(input[..i], out _) == ParseStep.Malformed)
                Check.Equal(ParseStep.Malformed, whole, "a malformed beginning");
        }
    }

    private static void Http(ReadOnlySpan<byte> input)
    {
        var end = HttpRequestHead.FindEnd(input, 0);
        Check.Equal(end, HttpRequestHead.FindEnd(input, end > 4 ? end - 4 : 0), "the end of a head");
        if (!HttpRequestHead.TryParse(end > 0 ? input[..end] : input, out var head))
            return;
        HttpProxyRequest.IsAuthenticated(head, Credentials);
        if (!HttpProxyRequest.TryParse(head, out var request, out var problem))
        {
            Check.That(problem.Length > 0, "no problem is named");
            return;
        }

        if (request!.Head is not { } rewritten)
            return;
        // What goes to the server is one request, of the form that servers take, whose body is where the proxy takes it to be.
        Check.Equal(rewritten.Length, HttpRequestHead.FindEnd(rewritten, 0), "a rewritten head ends early");
        Check.That(HttpRequestHead.TryParse(rewritten, out var again), "a rewritten head does not parse");
        Check.That(again.Target[0] is (byte)'/' or (byte)'*', "a rewritten target");
        var rest = again.Fields;
        var (hosts, lengths, encodings) = (0, 0, 0);
        while (HttpRequestHead.TryReadField(ref rest, out var name, out _))
        {
            hosts += HttpRequestHead.Is(name, "host"u8) ? 1 : 0;
            lengths += HttpRequestHead.Is(name, "content-length"u8) ? 1 : 0;
            encodings += HttpRequestHead.Is(name, "transfer-encoding"u8) ? 1 : 0;
            Check.That(!HttpRequestHead.Is(name, "proxy-authorization"u8), "a password goes to the server");
        }

        Check.Equal(1, hosts, "hosts");
        Check.That(lengths + encodings <= 1 && encodings == (request.BodyKind == HttpBodyKind.Chunked ? 1 : 0), "the body's end");
    }

    // However it is cut, a body ends at the same place.
    private static void Chunked(ReadOnlySpan<byte> input)
    {
        var (valid, used) = (true, 0);
        var whole = default(ChunkScanner);
        valid = whole.TryAdvance(input, out used);
        var split = default(ChunkScanner);
        var total = 0;
        var isValid = true;
        for (var at = 0; at < input.Length && isValid && !split.IsDone; at += 3)
        {
            isValid = split.TryAdvance(input[at..Math.Min(at + 3, input.Length)], out var part);
            total += part;
        }

        Check.Equal((valid, used, whole.IsDone), (isValid, total, split.IsDone), "a body in parts");
    }

    private static void Settings(ReadOnlySpan<byte> input)
    {
        var settings = LanyardNetworkSettings.Parse(input);
        Check.Equal(settings, LanyardNetworkSettings.Parse(settings.Write(input)), "network settings");
        var text = Encoding.UTF8.GetString(input);
        foreach (var line in text.Split('\n'))
        {
            if (!InetPrefix.TryParse(line, out var range))
                continue;
            var refusal = settings.RefusesAddress(range) ?? settings.RefusesRange(range);
            Check.That(settings.AllowManaged || refusal is not null, "a range is taken though nothing is");
            Check.That(refusal is not null || !range.Address.IsMulticast && !range.Address.IsLoopback, "a range is taken that no network can have");
        }

        foreach (var direction in (ReadOnlySpan<LanyardForwardDirection>)[LanyardForwardDirection.Local, LanyardForwardDirection.Remote])
        {
            if (LanyardForward.TryParse(direction, text, out var forward, out var problem))
                Check.That(LanyardForward.TryParse(direction, forward.ToString(), out var again, out _) && again == forward, "forward");
            else
                Check.That(problem.Length > 0, "no problem is named");
        }

        if (StateNames.TryParseNetwork(text, out var network))
            Check.Equal(text, StateNames.Of(StateKind.NetworkConfig, network), "network file", StringComparer.OrdinalIgnoreCase);
        if (StateNames.TryParseMoon(text, out var moon))
            Check.Equal(text, StateNames.Of(StateKind.Moon, moon), "moon file", StringComparer.OrdinalIgnoreCase);
    }

    private static void LocalConf(ReadOnlySpan<byte> input)
    {
        try
        {
            var configuration = LocalConfiguration.Parse("local.conf", Encoding.UTF8.GetString(input));
            Check.That(configuration.Apply(new LanyardOptions()) is not null, "options");
        }
        catch (LanyardStateException e)
        {
            Check.That(e.Message.Contains("local.conf", StringComparison.Ordinal), "a message without the file");
        }
    }

    private static void Intercept(ReadOnlySpan<byte> input)
    {
        if (MemoryMarshal.TryRead<InterceptRequest>(input, out var request))
        {
            foreach (var endpoint in (ReadOnlySpan<InterceptEndpoint>)[request.Virtual, request.Far, request.Own])
            {
                if (endpoint.TryRead(out var read) && !read.IsNone)
                    Check.That(InterceptEndpoint.Of(read).TryRead(out var again) && again == read, "endpoint");
            }
        }

        if (SocketName.TryRead(input, out var named))
        {
            Span<byte> written = stackalloc byte[SocketName.MaxBytes];
            var length = SocketName.Write(named, BitConverter.ToUInt16(input), written);
            Check.That(SocketName.TryRead(written[..length], out var again) && (again == named || named.Address.IsUnspecified), "socket name");
            _ = SocketName.IsLoopback(named);
        }

        RememberedSockets(input);
    }

    private static void RememberedSockets(ReadOnlySpan<byte> input)
    {
        // A parse of text that is not JSON costs an exception, and says nothing new.
        if (input.IsEmpty || input[0] != '{')
            return;
        foreach (var socket in RememberedSocket.Parse(Encoding.UTF8.GetString(input), out _, out _))
            Check.That(socket.Near.Address.IsV4, "a remembered socket without its address");
    }

    private static void NetworkRecords(ReadOnlySpan<byte> input)
    {
        if (!TryParseRecord<NetworkRecord>(input, NetworkJson.TryRead, out var network))
            return;
        var text = Written(writer => NetworkJson.Write(writer, network, (1, 2)));
        Check.Equal(network, ControllerJson.Parse<NetworkRecord>(text, NetworkJson.TryRead, "a network that was written cannot be read"), "network");
    }

    private static void MemberRecords(ReadOnlySpan<byte> input)
    {
        if (!TryParseRecord<MemberRecord>(input, MemberJson.TryRead, out var member))
            return;
        var text = Written(writer => MemberJson.Write(writer, member, forStorage: true));
        Check.Equal(member, ControllerJson.Parse<MemberRecord>(text, MemberJson.TryRead, "a member that was written cannot be read"), "member");
    }

    private static void PeerFile(ReadOnlySpan<byte> input)
    {
        if (!PeerState.TryParse(input, out var state))
            return;
        var bytes = state.ToBytes();
        Check.That(PeerState.TryParse(bytes, out var again) && again.ToBytes().AsSpan().SequenceEqual(bytes), "peer file");
    }

    // Rules, then the frame that they judge.
    private static void EvaluateRules(ReadOnlySpan<byte> input)
    {
        var story = new FuzzInput(input);
        var flags = story.Byte();
        var rulesInput = story.Bytes(512);
        var reader = new ByteReader(rulesInput);
        var rules = Rule.ReadAll(ref reader, 32);
        if (reader.Failed)
            return;
        // The rules after a break are a capability's.
        var all = rules.ToArray();
        var end = Array.IndexOf(all, Rule.ActionBreak) + 1;
        var capability = new Capability { NetworkId = NetworkId.Create(Keys.Root.Address, 1), Timestamp = 1, Id = 1, Rules = all[end..].ToEquatableArray() };
        var config = new NetworkConfig
        {
            NetworkId = capability.NetworkId, IssuedTo = Keys.Leaf.Address, Rules = end > 0 ? all[..end].ToEquatableArray() : rules, Flags = (NetworkFlags)flags,
        };
        if ((flags & 16) != 0)
            config = config with { Tags = [OwnTag], CertificatesOfOwnership = [OwnThings] };
        var payload = story.Rest();
        var frame = new RuleFrame
        {
            IsInbound = (flags & 1) != 0,
            Self = Keys.Leaf.Address,
            Source = (flags & 2) != 0 ? Keys.Member.Address : Keys.Leaf.Address,
            Destination = (flags & 4) != 0 ? Keys.Leaf.Address : Keys.Stranger.Address,
            SourceMac = Pair.MacB,
            DestinationMac = (flags & 32) != 0 ? MacAddress.Broadcast : Pair.MacA,
            EtherType = (flags >> 6) switch { 0 => NetworkHost.EtherTypeIPv4, 1 => NetworkHost.EtherTypeIPv6, 2 => NetworkHost.EtherTypeArp, _ => (ushort)0x88b5 },
            Payload = payload,
            FrameLength = payload.Length,
            Random = flags,
        };
        var own = new OwnRuleCredentials(config);
        var decision = RuleEvaluator.Filter(frame, config, end > 0 ? [capability] : [], own, (flags & 8) != 0 ? own : null);
        Check.That(decision.Verdict != RuleVerdict.NoMatch, "no verdict");
        var headers = new FrameHeaders(frame.EtherType, payload);
        Check.That(!headers.IsDeceptiveFragment || headers.IsIPv4 || headers.IsIPv6, "a fragment that is no packet");
    }

    private static void Capture(ReadOnlySpan<byte> input)
    {
        IReadOnlyList<CapturedFrame> frames;
        try
        {
            frames = CaptureFile.Read(input.ToArray());
        }
        catch (InvalidDataException)
        {
            return;
        }

        foreach (var frame in frames)
            Check.That(frame.Bytes.Length <= input.Length, "a frame longer than its file");
        var keys = new KeyRing();
        keys.Add(Keys.Root);
        keys.Add(Keys.Leaf);
        keys.Add(Keys.Member);
        using var output = new StringWriter();
        var report = new DissectReport(output, keys, json: false);
        foreach (var entry in PacketCapture.Read(frames, keys))
            report.Write(entry);
        report.WriteSummary();
    }

    private static void Program(ReadOnlySpan<byte> input)
    {
        if (ProgramImage.TryParse(input, out var image))
            Check.Equal(image.IsDynamic, image.Loader is not null, "loader");
    }

    private static bool TryParseRecord<T>(ReadOnlySpan<byte> input, ControllerJson.RecordReader<T> read, out T record)
    {
        record = default!;
        // Most changes break the text; what is none is not worth an exception.
        var reader = new Utf8JsonReader(input);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var document) || reader.BytesConsumed != input.Length)
                return false;
            document!.Dispose();
            record = ControllerJson.Parse(input.ToArray(), read, "no such record");
            return true;
        }
        catch (Exception e) when (e is JsonException or ControllerStoreException)
        {
            return false;
        }
    }

    private static byte[] Written(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, ControllerJson.WriterOptions))
            write(writer);
        return stream.ToArray();
    }
}
