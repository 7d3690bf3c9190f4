using System.Text;
using Lanyard.Dissector;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Compression;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Tests;
using Lanyard.Wire.Tests.Verbs;
using Lanyard.Wire.Verbs;

namespace Lanyard.Fuzz;

/// <summary>The parsers of Lanyard.Wire. A parsed message is written again, and must parse to the same values.</summary>
internal static class WireTargets
{
    private const int MaxBytes = 1 << 16;
    private static readonly KeyRing NoKeys = new();
    private static readonly string[] DictionaryKeys = ["a", "v", "nwid", "=", "\\", "ä"];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("wire-verb", Verb, VerbSeeds),
        new("wire-packet", Packet, () => Recorded.Datagrams()) { MaxInputBytes = 12_000 },
        new("wire-fragments", Fragments, FragmentSeeds),
        new("wire-identity", Identities, IdentitySeeds),
        new("wire-world", Worlds, () => Recorded.Files("planet").Concat(Recorded.Files("000000084d444217.moon"))),
        new("wire-moon-json", MoonJson, () => Recorded.Files("moon.json")),
        new("wire-dictionary", Dictionary, DictionarySeeds),
        new("wire-config", Config, Recorded.Configs) { MaxInputBytes = 16_384 },
        new("wire-chunks", Chunks, ChunkSeeds),
        new("wire-credential", Credentials, CredentialSeeds),
        new("wire-rule", Rules, RuleSeeds),
        new("wire-lz4", Lz4, Lz4Seeds) { MaxInputBytes = 12_000 },
        new("wire-address", Addresses, AddressSeeds) { MaxInputBytes = 256 },
    ];

    // The first byte is the verb, the rest a payload.
    private static void Verb(ReadOnlySpan<byte> input)
    {
        var verb = (Verb)(input.IsEmpty ? 0 : input[0] & 0x1f);
        var payload = input.IsEmpty ? input : input[1..];
        Check.That(PayloadDescriber.Describe(verb, payload, NoKeys).ToString() is not null, "no description");
        if (VerbRewriter.Rewrite(verb, payload) is not { } once)
            return;
        // Reserved bits and reserved kinds of address are lost once, and nothing after that.
        Check.That(VerbRewriter.Rewrite(verb, once) is { } twice && twice.AsSpan().SequenceEqual(once), $"{verb} is not written as it was read");
    }

    private static void Packet(ReadOnlySpan<byte> input)
    {
        var kind = Datagram.Classify(input);
        var copy = input.ToArray();
        switch (kind)
        {
            case DatagramKind.Packet:
                Check.That(PacketView.TryParse(input, out var packet), "a packet that is none");
                Check.That(packet.Hops is >= 0 and <= PacketFormat.MaxHops && packet.Payload.Length == input.Length - PacketFormat.HeaderBytes, "header");
                Check.That(!Keys.OfRecorded(packet.Source, packet.Destination).TryDearmor(copy) || Recorded.Contains(input), "a forged packet is authentic");
                copy = input.ToArray();
                Check.Equal(packet.Hops < 3, PacketHeader.TryIncrementHops(copy, 3), "hops");
                SplitAndJoin(input, packet);
                break;
            case DatagramKind.Fragment:
                Check.That(FragmentView.TryParse(input, out var fragment), "a fragment that is none");
                Check.That(fragment.Number > 0 && fragment.Number < fragment.Total && fragment.Total <= PacketFormat.MaxFragments, "fragment number");
                Check.Equal(fragment.Hops < 3, FragmentView.TryIncrementHops(copy, 3), "hops");
                break;
            case DatagramKind.Beacon:
                _ = Datagram.BeaconSender(input);
                break;
            default:
                break;
        }

        if (input.Length > 1 && PacketSplitter.TryJoin(copy, Math.Max(1, input[0] * 8), out var joined, out var taken))
            Check.That(joined <= PacketFormat.MaxPacketBytes && taken <= copy.Length, "joined bounds");
    }

    // What a packet is cut into joins to the packet, in a run and in a buffer in any order.
    private static void SplitAndJoin(ReadOnlySpan<byte> input, PacketView packet)
    {
        var mtu = PacketFormat.MinMtuBytes + (input[0] * 2);
        if (input.Length <= mtu || input.Length > PacketFormat.MaxPacketBytesFor(mtu))
            return;
        var buffer = new byte[input.Length + PacketSplitter.MaxAddedBytes];
        input.CopyTo(buffer);
        PacketHeader.SetFragmented(buffer, true);
        var whole = buffer.AsSpan(0, input.Length).ToArray();
        if (buffer[PacketFormat.FragmentIndicatorOffset] == PacketFormat.FragmentIndicator)
            return;
        var total = PacketSplitter.Split(buffer, input.Length, mtu, out var datagramBytes);
        var fragments = new FragmentBuffer(2);
        var joined = new byte[PacketFormat.MaxPacketBytes];
        var count = (total + datagramBytes - 1) / datagramBytes;
        for (var i = 0; i < count; i++)
        {
            var number = (i + input[1]) % count;
            var part = buffer.AsSpan(number * datagramBytes, Math.Min(datagramBytes, total - (number * datagramBytes)));
            var result = FragmentView.TryParse(part, out var fragment)
                ? fragments.AddFragment(fragment, default, isKnown: true, 0, joined, out var length)
                : fragments.AddHead(PacketView.TryParse(part, out var head) ? head : packet, default, isKnown: true, 0, joined, out length);
            Check.Equal(i + 1 == count ? FragmentResult.Joined : FragmentResult.Waiting, result, "joining");
            if (result == FragmentResult.Joined)
                Check.SameBytes(whole, joined.AsSpan(0, length), "joined");
        }

        Check.That(PacketSplitter.TryJoin(buffer.AsSpan(0, total), datagramBytes, out var packetBytes, out var taken), "a run does not join");
        Check.Equal(total, taken, "taken");
        Check.SameBytes(whole, buffer.AsSpan(0, packetBytes), "joined run");
    }

    // Parts of few packets, in any order, size and number; time passes.
    private static void Fragments(ReadOnlySpan<byte> input)
    {
        var story = new FuzzInput(input);
        var buffer = new FragmentBuffer(4);
        var joined = new byte[PacketFormat.MaxPacketBytes];
        var bytes = new byte[PacketFormat.MaxPacketBytes];
        var now = 0L;
        while (!story.IsEmpty)
        {
            var what = story.Byte();
            var length = story.UInt16() % PacketFormat.MaxPacketBytes;
            var id = (ulong)(what & 7);
            var source = new InetEndpoint(InetAddress.FromV4((uint)(what >> 3) & 3), 1);
            PacketHeader.Write(bytes, id, default, new NodeAddress(1), Lanyard.Wire.Verbs.Verb.Frame);
            var result = FragmentResult.Waiting;
            int size;
            if ((what & 0x80) != 0)
            {
                bytes[PacketFormat.FragmentIndicatorOffset] = PacketFormat.FragmentIndicator;
                bytes[PacketFormat.FragmentNumberOffset] = story.Byte();
                if (!FragmentView.TryParse(bytes.AsSpan(0, length), out var fragment))
                    continue;
                result = buffer.AddFragment(fragment, source, isKnown: true, now, joined, out size);
            }
            else
            {
                if (!PacketView.TryParse(bytes.AsSpan(0, length), out var head))
                    continue;
                result = buffer.AddHead(head, source, isKnown: true, now, joined, out size);
            }

            Check.That(result == FragmentResult.Joined ? size is > 0 and <= PacketFormat.MaxPacketBytes : size == 0, "length");
            Check.That(buffer.Count is >= 0 and <= 4, "count");
            now += what;
            if ((what & 0x60) == 0x60)
                buffer.DropOlderThan(now - 300);
        }

        buffer.DropOlderThan(long.MaxValue);
        Check.Equal(0, buffer.Count, "left");
    }

    private static void Identities(ReadOnlySpan<byte> input)
    {
        if (Identity.TryRead(input, out var identity, out var length))
        {
            Check.That(length is Identity.BinarySize or Identity.SecretBinarySize, "length");
            var written = new byte[Identity.SecretBinarySize];
            var count = identity.HasSecret ? identity.WriteWithSecret(written) : identity.Write(written);
            Check.SameBytes(input[..length], written.AsSpan(0, count), "binary form");
            Check.That(Identity.TryParse(identity.ToString(), out var parsed) && parsed.Equals(identity), "text form");
        }

        if (!Identity.TryParse(Encoding.UTF8.GetString(input), out var fromText))
            return;
        var binary = new byte[Identity.BinarySize];
        fromText.Write(binary);
        Check.That(Identity.TryRead(binary, out var again, out _) && again.Equals(fromText), "text to binary");
        Check.That(Identity.TryParse(fromText.HasSecret ? fromText.ToSecretString() : fromText.ToString(), out var same) && same.Equals(fromText), "text to text");
    }

    private static void Worlds(ReadOnlySpan<byte> input)
    {
        var reader = new ByteReader(input);
        if (!World.TryRead(ref reader, out var world))
            return;
        Check.That(reader.Position <= input.Length, "position");
        var bytes = world.ToArray();
        Check.That(World.TryParse(bytes, out var again), "written world does not parse");
        Check.SameBytes(bytes, again!.ToArray(), "written twice");
        Check.That(!world.ShouldBeReplacedBy(again), "a world replaces itself");
        Check.Equal(World.TryParse(input, out _), reader.IsAtEnd, "whole");
    }

    private static void MoonJson(ReadOnlySpan<byte> input)
    {
        if (!WorldDefinition.TryParse(Encoding.UTF8.GetString(input), out var definition, out var error))
        {
            Check.That(error is not null, "no error");
            return;
        }

        using (definition)
        {
            var text = definition.ToJson();
            Check.That(WorldDefinition.TryParse(text, out var again, out error), error ?? "");
            Check.Equal(text, again!.ToJson(), "written twice");
            again.Dispose();
        }
    }

    private static void Dictionary(ReadOnlySpan<byte> input)
    {
        var reader = new DictionaryReader(input);
        Span<byte> small = stackalloc byte[16];
        foreach (var key in DictionaryKeys)
        {
            var has = reader.TryGetBytes(key, out var value);
            Check.Equal(has, reader.Contains(key), "contains");
            _ = reader.GetNumber(key, 1);
            _ = reader.GetSignedNumber(key, -1);
            _ = reader.GetBoolean(key, true);
            Check.That(Encoding.UTF8.GetByteCount(reader.GetText(key, 7)) <= 7, "a text is longer than its limit");
            Check.Equal(has && value.Length <= small.Length, reader.TryGetBytes(key, small, out var copied), "buffer");
            if (!copied.IsEmpty)
                Check.SameBytes(value, copied, "buffer");
        }

        // Any bytes can be a value.
        var writer = new DictionaryWriter(MaxBytes);
        writer.Add("a", input);
        writer.Add("b", (ulong)input.Length);
        var written = new DictionaryReader(writer.Written);
        Check.That(writer.Overflowed || written.TryGetBytes("a", out var back) && back.AsSpan().SequenceEqual(input), "a value is not read as it was written");

        var metadata = NetworkRequestMetadata.Parse(input);
        if (metadata.TryWrite(out var text))
            Check.Equal(metadata, NetworkRequestMetadata.Parse(text), "metadata");
        _ = NetworkAuthenticationInfo.Parse(input);
    }

    private static void Config(ReadOnlySpan<byte> input)
    {
        if (!NetworkConfig.TryParse(input, out var config))
            return;
        Check.That(config.Rules.Count <= NetworkLimits.Rules && config.Tags.Count <= NetworkLimits.Tags && config.Routes.Count <= NetworkLimits.Routes
            && config.StaticAddresses.Count <= NetworkLimits.Addresses && config.Mtu is >= NetworkLimits.MinMtu and <= NetworkLimits.MaxMtu, "limits");
        // A sign-in of a version that is not known is not written.
        if (config.Sso.Version > 1)
            config = config with { Sso = new NetworkSso() };
        Check.That(config.TryWrite(out var text), "a configuration that was read cannot be written");
        Check.That(NetworkConfig.TryParse(text, out var again), "a configuration that was written cannot be read");
        Check.That(again!.TryWrite(out var twice) && twice.AsSpan().SequenceEqual(text), "written twice");
    }

    // Chunks of one network's updates, some of them signed, in any order.
    private static void Chunks(ReadOnlySpan<byte> input)
    {
        var story = new FuzzInput(input);
        var controller = Keys.Root;
        var network = NetworkId.Create(controller.Address, 1);
        var assembler = new NetworkConfigAssembler(network);
        for (var i = 0; i < 12 && !story.IsEmpty; i++)
        {
            var flags = story.Byte();
            var message = new NetworkConfigMessage
            {
                NetworkId = (flags & 1) != 0 ? network : new NetworkId(story.UInt64()),
                UpdateId = (ulong)(flags >> 1 & 3),
                TotalLength = (flags & 8) != 0 ? story.UInt32() : story.Byte(),
                ChunkIndex = (flags & 16) != 0 ? story.UInt32() : story.Byte(),
                FastPropagate = (flags & 32) != 0,
                Chunk = story.Bytes(64),
            };
            var writer = new ByteWriter(new byte[512]);
            message.WriteSigned(ref writer);
            if ((flags & 0xc0) != 0)
                NetworkConfigMessage.WriteSignature(ref writer, (flags & 64) != 0 ? controller.Sign(writer.Written) : story.Bytes(100));
            Check.That(NetworkConfigMessage.TryParse(writer.Written, out var parsed) || (flags & 0xc0) == 0, "written chunk does not parse");
            var result = assembler.Add(parsed, controller.Address, controller, out var whole);
            Check.Equal(result == NetworkConfigChunkResult.Complete, whole is not null, "complete");
            if (whole is not null)
                Check.Equal((int)parsed.TotalLength, whole.Length, "length");
        }
    }

    // The first byte is the kind, the rest one credential.
    private static void Credentials(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return;
        var kind = input[0] % 5;
        if (WriteCredential(kind, input[1..]) is not { } once)
            return;
        Check.That(WriteCredential(kind, once) is { } twice && twice.AsSpan().SequenceEqual(once), $"credential {kind} is not written as it was read");
    }

    private static byte[]? WriteCredential(int kind, ReadOnlySpan<byte> input)
    {
        var reader = new ByteReader(input);
        var writer = new ByteWriter(new byte[MaxBytes]);
        switch (kind)
        {
            case 0 when CertificateOfMembership.TryRead(ref reader, out var membership):
                membership.Write(ref writer);
                Check.That(membership.AgreesWith(membership, Keys.Root) || membership.Qualifiers.IsEmpty || membership.Qualifiers[^1].Id >= CertificateOfMembership.FirstKeyHashId, "a certificate does not agree with itself");
                if (membership.Qualifiers.Count < 3)
                    Check.That(!membership.Verify(Keys.Leaf), "a certificate is another controller's");
                break;
            case 1 when Capability.TryRead(ref reader, out var capability):
                capability.Write(ref writer);
                Check.That(!capability.Verify(Keys.Leaf) && !capability.Verify(_ => null, out _), "a capability is another controller's");
                break;
            case 2 when Tag.TryRead(ref reader, out var tag):
                tag.Write(ref writer);
                Check.That(!tag.Verify(Keys.Leaf), "a tag is another controller's");
                break;
            case 3 when Revocation.TryRead(ref reader, out var revocation):
                revocation.Write(ref writer);
                Check.That(!revocation.Verify(Keys.Leaf), "a revocation is another controller's");
                break;
            case 4 when CertificateOfOwnership.TryRead(ref reader, out var ownership):
                ownership.Write(ref writer);
                foreach (ref readonly var thing in ownership.Things)
                {
                    if (thing.Address.Family != InetFamily.None)
                        Check.That(ownership.Owns(thing.Address) || (thing.Low != 0 || (uint)thing.High != 0), "an owned address is not owned");
                }

                break;
            default:
                return null;
        }

        Check.That(!writer.Failed, "a credential that was read cannot be written");
        return writer.Written.ToArray();
    }

    private static void Rules(ReadOnlySpan<byte> input)
    {
        var reader = new ByteReader(input);
        var rules = Rule.ReadAll(ref reader, 64);
        if (reader.Failed)
            return;
        var writer = new ByteWriter(new byte[MaxBytes]);
        Rule.WriteAll(ref writer, rules);
        Check.SameBytes(input[..reader.Position], writer.Written, "rules");
        foreach (ref readonly var rule in rules)
        {
            Check.That(rule.IntegerBits is >= 1 and <= 64 && rule.Length >= 2, "fields");
            _ = (rule.Node, rule.ForwardTo, rule.ForwardLength, rule.Mac, rule.IcmpCode, rule.IntegerEnd, rule.IntegerIsLittleEndian, rule.ToString());
            if (rule.Type is >= RuleType.MatchIPv4Source and <= RuleType.MatchIPv6Destination)
                _ = rule.Prefix.Contains(rule.Prefix.Address);
            Check.That(rule.With(rule.Not, rule.Or) == rule, "with");
        }
    }

    private static void Lz4(ReadOnlySpan<byte> input)
    {
        var room = new byte[PacketFormat.MaxPayloadBytes];
        foreach (var size in (ReadOnlySpan<int>)[room.Length, 1_000, 17])
        {
            if (PayloadCompression.TryExpand(input, room.AsSpan(0, size), out var expanded))
                Check.That(expanded <= size, "expanded past the buffer");
        }

        var packed = new byte[PacketFormat.MaxPayloadBytes];
        if (!PayloadCompression.TryCompress(input, packed, out var length))
            return;
        Check.That(length < input.Length, "compressed is not shorter");
        Check.That(PayloadCompression.TryExpand(packed.AsSpan(0, length), room, out var back), "compressed does not expand");
        Check.SameBytes(input, room.AsSpan(0, back), "expanded");
    }

    private static void Addresses(ReadOnlySpan<byte> input)
    {
        var reader = new ByteReader(input);
        var endpoint = reader.ReadEndpoint();
        if (!reader.Failed && !endpoint.IsNone)
        {
            Check.That(InetEndpoint.TryParse(endpoint.ToSlashString(), out var slash) && slash == endpoint, "slash form");
            Check.That(InetEndpoint.TryParse(endpoint.ToString(), out var colon) && colon == endpoint, "colon form");
        }

        reader = new ByteReader(input);
        var prefix = reader.ReadPrefix();
        if (!reader.Failed && prefix.Address.Family != InetFamily.None)
        {
            Check.That(InetPrefix.TryParse(prefix.ToString(), out var parsed) && parsed == prefix, "prefix");
            Check.That(prefix.Contains(prefix.Network) && prefix.Contains(prefix.Last), "ends of a prefix");
            Check.Equal(prefix.Bits <= prefix.Address.CommonPrefixLength(prefix.Network), true, "common prefix");
            _ = DerivedAddresses.TryGetNode(new NetworkId(1), prefix.Address, out _);
        }

        var text = Encoding.UTF8.GetString(input);
        if (InetEndpoint.TryParse(text, out var named))
            Check.That(InetEndpoint.TryParse(named.ToString(), out var again) && again == named, "endpoint text");
        if (InetPrefix.TryParse(text, out var network))
            Check.That(InetPrefix.TryParse(network.ToString(), out var again) && again == network, "prefix text");
        if (MacAddress.TryParse(text, out var mac))
            Check.That(MacAddress.TryParse(mac.ToString(), out var again) && again == mac, "MAC text");
        if (NodeAddress.TryParse(text, out var node))
            Check.That(NodeAddress.TryParse(node.ToString(), out var again) && again == node, "node text");
        if (NetworkId.TryParse(text, out var id))
            Check.That(NetworkId.TryParse(id.ToString(), out var again) && again == id, "network text");
    }

    private static IEnumerable<byte[]> VerbSeeds() => Recorded.Payloads().Select(packet => (byte[])[(byte)packet.Verb, .. packet.Payload]);

    private static IEnumerable<byte[]> FragmentSeeds()
    {
        yield return [0x01, 0x05, 0x78, 0x81, 0x01, 0x00, 0x21];
        yield return [0x81, 0x01, 0x00, 0x21, 0x01, 0x05, 0x78, 0x01, 0x05, 0x78];
        yield return [0x82, 0x01, 0x00, 0x31, 0x82, 0x01, 0x00, 0x42, 0x62, 0x05, 0x78];
        yield return [.. Enumerable.Range(0, 8).SelectMany(i => new byte[] { (byte)(0x80 | i), 0x20, 0x00, 0x71 })];
    }

    private static IEnumerable<byte[]> IdentitySeeds()
    {
        foreach (var name in TestData.Nodes)
        {
            yield return Encoding.ASCII.GetBytes(TestData.Text("peer-1.14", $"{name}.identity.secret"));
            yield return Encoding.ASCII.GetBytes(TestData.Text("peer-1.14", $"{name}.identity.public"));
            var binary = new byte[Identity.SecretBinarySize];
            var identity = TestData.SecretIdentity("peer-1.14", name);
            yield return binary[..identity.Write(binary)];
            identity.WriteWithSecret(binary);
            yield return binary;
        }
    }

    private static IEnumerable<byte[]> DictionarySeeds()
    {
        yield return new NetworkRequestMetadata { AuthToken = "token:x=\\\n", Platform = "linux/x86_64" }.TryWrite(out var text) ? text : [];
        yield return "a=-7f\nv=T\\e\\0\\\\\\r\\n\\x\\\nnwid=0123456789abcdef0123\r==1\n\\=\\"u8.ToArray();
        yield return Encoding.UTF8.GetBytes("ä=ääää\0a=1");
    }

    private static IEnumerable<byte[]> ChunkSeeds()
    {
        byte[] Chunk(byte flags, byte total, byte index, int length) =>
            new FuzzInputWriter().Add(flags, total, index).AddBytes(new byte[length]).ToArray();
        yield return [.. Chunk(0x43, 20, 0, 10), .. Chunk(0x43, 20, 10, 10), .. Chunk(0x43, 20, 10, 10)];
        yield return [.. Chunk(0x43, 20, 10, 10), .. Chunk(0x63, 20, 5, 10), .. Chunk(0x45, 20, 0, 20), .. Chunk(0x47, 9, 1, 3), .. Chunk(0x41, 9, 1, 3)];
        yield return [.. Chunk(0x01, 0, 0, 10), .. Chunk(0x83, 10, 0, 10)];
    }

    private static IEnumerable<byte[]> CredentialSeeds()
    {
        foreach (var config in Recorded.Configs())
        {
            if (!NetworkConfig.TryParse(config, out var parsed))
                continue;
            if (parsed.Membership is { } membership)
                yield return Written(0, membership);
            foreach (var capability in (IEnumerable<Capability>)parsed.Capabilities)
                yield return Written(1, capability);
            foreach (var tag in (IEnumerable<Tag>)parsed.Tags)
                yield return Written(2, tag);
            foreach (var ownership in (IEnumerable<CertificateOfOwnership>)parsed.CertificatesOfOwnership)
                yield return Written(4, ownership);
        }

        var writer = new ByteWriter(new byte[512]);
        writer.WriteByte(3);
        new Revocation
        {
            Id = 1, NetworkId = NetworkId.Create(Keys.Root.Address, 1), CredentialId = 0, Threshold = 5, Target = Keys.Leaf.Address,
            CredentialType = CredentialType.Membership, Flags = RevocationFlags.FastPropagate,
        }.Sign(Keys.Root).Write(ref writer);
        yield return writer.Written.ToArray();

        static byte[] Written(byte kind, ICredential credential)
        {
            var writer = new ByteWriter(new byte[MaxBytes]);
            writer.WriteByte(kind);
            credential.Write(ref writer);
            return writer.Written.ToArray();
        }
    }

    private static IEnumerable<byte[]> RuleSeeds()
    {
        for (byte type = 0; type < 64; type++)
            yield return [type, 24, .. Enumerable.Range(0, 24).Select(i => (byte)i)];
        yield return [0xc0 | 36, 1, 6, 0x80 | 37, 2, 8, 0, 1, 0, 63, 30, .. new byte[30]];
    }

    private static IEnumerable<byte[]> Lz4Seeds()
    {
        var packed = new byte[PacketFormat.MaxPayloadBytes];
        foreach (var config in Recorded.Configs())
        {
            var text = config.AsSpan(0, Math.Min(config.Length, 1_400)).ToArray();
            yield return text;
            if (PayloadCompression.TryCompress(text, packed, out var length))
                yield return packed[..length];
        }

        yield return [0xf0, 0xff, 0xff, 0x00, .. new byte[540]];
        yield return [0x1f, 0x41, 0x01, 0x00, 0xff, 0x10, 0x00];
    }

    private static IEnumerable<byte[]> AddressSeeds() =>
    [
        [4, 10, 0, 0, 1, 0x27, 0x09], [6, 0xfd, .. new byte[14], 1, 0, 64], [0], [1, 0, 0, 0, 0, 0, 0], [3, 0, 2, 0, 0], [4, 10, 0, 0, 0, 0, 8],
        "10.0.0.1:9993"u8.ToArray(), "[fd00::1]:80"u8.ToArray(), "10.0.0.1/9993"u8.ToArray(), "fd00::/64"u8.ToArray(), "::/0"u8.ToArray(),
        "02:00:5e:10:00:01"u8.ToArray(), "02005e100001"u8.ToArray(), "8056c2e21c"u8.ToArray(), "8056c2e21c000001"u8.ToArray(), "::ffff:1.2.3.4/96"u8.ToArray(),
    ];
}
