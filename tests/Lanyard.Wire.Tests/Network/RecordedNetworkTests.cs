using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests;

/// <summary>Compares the configurations that the recorded controller sent with the answers of the recorded nodes' APIs.</summary>
public sealed class RecordedNetworkTests
{
    public static TheoryData<string, string> Members
    {
        get
        {
            var members = new TheoryData<string, string>();
            foreach (var recording in TestData.Recordings)
            {
                members.Add(recording, "a");
                members.Add(recording, "b");
            }

            return members;
        }
    }

    public static TheoryData<string> Recordings => [.. TestData.Recordings];

    [Theory]
    [MemberData(nameof(Members))]
    public void Configurations_join_from_signed_parts_and_are_written_byte_for_byte(string recording, string node)
    {
        var controller = TestData.SecretIdentity(recording, "r").WithoutSecret();
        var member = TestData.SecretIdentity(recording, node).WithoutSecret();
        var texts = ConfigTexts(recording, node);
        Assert.NotEmpty(texts);
        foreach (var text in texts)
        {
            Assert.True(NetworkConfig.TryParse(text, out var config));
            Assert.Equal(member.Address, config.IssuedTo);
            Assert.Equal(controller.Address, config.NetworkId.Controller);
            Assert.True(config.TryWrite(out var written));
            Assert.Equal(text, written);
            Assert.True(NetworkConfig.TryParse(written, out var again));
            Assert.Equal(config, again);
        }
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void Credentials_are_signed_and_are_what_the_controller_would_make(string recording, string node)
    {
        var controller = TestData.SecretIdentity(recording, "r");
        var member = TestData.SecretIdentity(recording, node).WithoutSecret();
        foreach (var config in Configs(recording, node))
        {
            Assert.NotNull(config.Membership);
            IEnumerable<ICredential> credentials = [config.Membership, .. config.Capabilities, .. config.Tags, .. config.CertificatesOfOwnership];
            Assert.All(credentials, credential => Assert.True(credential.Verify(controller)));
            Assert.All(credentials, credential => Assert.Equal((config.NetworkId, config.Timestamp, member.Address), (credential.NetworkId, credential.Timestamp, credential.IssuedTo)));

            // Signatures are deterministic: making and signing the same again gives the same bytes.
            Assert.Equal(config.Membership, CertificateOfMembership.Create(config.NetworkId, config.Timestamp, config.CredentialTimeMaxDelta, member).Sign(controller));
            Assert.All(config.Tags, tag => Assert.Equal(tag, (tag with { Signature = default, SignedBy = default }).Sign(controller)));
            Assert.All(config.Capabilities, capability => Assert.Equal(capability, (capability with { Custody = [] }).Sign(controller, member.Address)));
            var ownership = Assert.Single(config.CertificatesOfOwnership);
            Assert.Equal(ownership, (ownership with { Signature = default, SignedBy = default }).Sign(controller));
            Assert.Equal(config.StaticAddresses.Select(address => address.Address), ownership.Things.Select(thing => thing.Address));
        }
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Members_certificates_agree(string recording)
    {
        var a = Configs(recording, "a")[^1].Membership!;
        var b = Configs(recording, "b")[^1].Membership!;
        Assert.True(a.AgreesWith(b, TestData.SecretIdentity(recording, "b")));
        Assert.True(b.AgreesWith(a, TestData.SecretIdentity(recording, "a")));
        Assert.False(a.AgreesWith(b, TestData.SecretIdentity(recording, "a")));
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_configuration_says_what_the_nodes_API_said(string recording)
    {
        var config = Configs(recording, "a")[^1];
        var json = JsonDocument.Parse(TestData.Text(recording, "api", "network_one.json")).RootElement;
        Assert.Equal(json.GetProperty("id").GetString(), config.NetworkId.ToString());
        Assert.Equal(json.GetProperty("name").GetString(), config.Name);
        Assert.Equal(json.GetProperty("mtu").GetInt32(), config.Mtu);
        Assert.Equal(json.GetProperty("netconfRevision").GetUInt64(), config.Revision);
        Assert.Equal(json.GetProperty("type").GetString() == "PUBLIC", config.IsPublic);
        Assert.Equal(json.GetProperty("broadcastEnabled").GetBoolean(), config.Flags.HasFlag(NetworkFlags.Broadcast));
        Assert.Equal(json.GetProperty("bridge").GetBoolean(), config.HasRole(config.IssuedTo, SpecialistRoles.ActiveBridge));
        Assert.Equal(json.GetProperty("mac").GetString(), DerivedAddresses.Mac(config.NetworkId, config.IssuedTo).ToString());
        Assert.Equal(Texts(json.GetProperty("assignedAddresses")), config.StaticAddresses.Select(address => address.ToString()));
        Assert.NotNull(config.Dns);
        Assert.Equal(json.GetProperty("dns").GetProperty("domain").GetString(), config.Dns.Domain);
        Assert.Equal(Texts(json.GetProperty("dns").GetProperty("servers")), config.Dns.Servers.Select(server => server.ToString()));
        var routes = json.GetProperty("routes").EnumerateArray()
            .Select(route => (route.GetProperty("target").GetString() ?? "", route.GetProperty("via").GetString() ?? "", route.GetProperty("flags").GetUInt16(), route.GetProperty("metric").GetUInt16()));
        Assert.Equal(routes, config.Routes.Select(route => (route.Target.ToString(), route.Via.ToString(), route.Flags, route.Metric)));
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_configuration_says_what_the_controllers_API_said(string recording)
    {
        var config = Configs(recording, "a")[^1];
        var network = JsonDocument.Parse(TestData.Text(recording, "api", "controller_network.json")).RootElement;
        var member = JsonDocument.Parse(TestData.Text(recording, "api", "controller_member.json")).RootElement;
        Assert.Equal(member.GetProperty("id").GetString(), config.IssuedTo.ToString());
        Assert.Equal(network.GetProperty("multicastLimit").GetUInt32(), config.MulticastLimit);
        Assert.Equal(network.GetProperty("private").GetBoolean(), !config.IsPublic);
        Assert.Equal(NetworkFlags.Broadcast | NetworkFlags.NdpEmulation, config.Flags);
        Assert.Equal(NetworkLimits.DefaultCredentialTimeMaxDelta, config.CredentialTimeMaxDelta);
        Assert.Equal(network.GetProperty("rules").EnumerateArray().Select(RuleFromJson), config.Rules);
        var tag = Assert.Single(config.Tags);
        Assert.Equal(member.GetProperty("tags")[0].EnumerateArray().Select(number => number.GetUInt32()), [tag.Id, tag.Value]);
        Assert.True(config.TryGetTag(tag.Id, out var found));
        Assert.Same(tag, found);
        Assert.False(config.TryGetTag(tag.Id + 1, out _));
        var capability = Assert.Single(config.Capabilities);
        var definition = network.GetProperty("capabilities")[0];
        Assert.Equal(definition.GetProperty("id").GetUInt32(), capability.Id);
        Assert.Equal(member.GetProperty("capabilities")[0].GetUInt32(), capability.Id);
        Assert.Equal(definition.GetProperty("rules").EnumerateArray().Select(RuleFromJson), capability.Rules);
    }

    [Theory]
    [InlineData("peer-1.14", "a", 1, 14, 1, 12, "linux/x86_64")]
    [InlineData("peer-1.4.6", "b", 1, 4, 6, 10, "")]
    public void A_request_says_what_the_node_is_and_is_written_byte_for_byte(string recording, string node, ulong major, ulong minor, ulong revision, ulong protocol, string platform)
    {
        var address = TestData.SecretIdentity(recording, node).Address;
        var requests = Recording.Packets(recording, node).Where(packet => packet.Verb == Verb.NetworkConfigRequest && packet.Source == address).ToList();
        Assert.NotEmpty(requests);
        foreach (var packet in requests)
        {
            Assert.True(NetworkConfigRequestMessage.TryParse(packet.Payload.Span, out var request));
            var metadata = NetworkRequestMetadata.Parse(request.Metadata);
            var expected = new NetworkRequestMetadata { MajorVersion = major, MinorVersion = minor, Revision = revision, ProtocolVersion = protocol, Platform = platform };
            Assert.Equal(expected, metadata);
            Assert.True(metadata.TryWrite(out var written));
            Assert.Equal(request.Metadata.ToArray(), written);
        }
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void Parts_of_a_configuration_are_cut_as_the_controller_cut_them(string recording, string node)
    {
        var controller = TestData.SecretIdentity(recording, "r");
        foreach (var payload in ChunkPayloads(recording, node))
        {
            Assert.True(NetworkConfigMessage.TryParse(payload, out var message));
            // The recorded configurations fit one part each.
            Assert.Equal(message.TotalLength, (uint)message.Chunk.Length);
            var again = Assert.Single(NetworkConfigSplitter.Split(message.NetworkId, message.Chunk, message.UpdateId, controller));
            Assert.Equal(payload, again);
        }
    }

    [Fact]
    public void Hostile_configurations_are_refused_or_survive_being_written()
    {
        var good = ConfigTexts("peer-1.14", "a")[^1];
        var parsed = 0;
        foreach (var input in Fuzz.Around(13, good, 5_000))
        {
            if (!NetworkConfig.TryParse(input, out var config))
                continue;
            parsed++;
            Assert.True(config.TryWrite(out var text));
            Assert.True(NetworkConfig.TryParse(text, out _));
        }

        Assert.NotEqual(0, parsed);
    }

    private static List<NetworkConfig> Configs(string recording, string node) =>
        ConfigTexts(recording, node).ConvertAll(text => NetworkConfig.TryParse(text, out var config) ? config : throw new InvalidDataException("A recorded configuration does not parse."));

    // Joined and checked by the assembler, in order of time.
    private static List<byte[]> ConfigTexts(string recording, string node)
    {
        var controller = TestData.SecretIdentity(recording, "r").WithoutSecret();
        var texts = new List<byte[]>();
        NetworkConfigAssembler? assembler = null;
        foreach (var payload in ChunkPayloads(recording, node))
        {
            Assert.True(NetworkConfigMessage.TryParse(payload, out var message));
            assembler ??= new NetworkConfigAssembler(message.NetworkId);
            if (assembler.Add(message, controller.Address, controller, out var text) == NetworkConfigChunkResult.Complete)
                texts.Add(text!);
            else
                Assert.Fail("A recorded configuration is in one part and is complete.");
        }

        return texts;
    }

    private static List<byte[]> ChunkPayloads(string recording, string node)
    {
        var address = TestData.SecretIdentity(recording, node).Address;
        var payloads = new List<byte[]>();
        foreach (var packet in Recording.Packets(recording, node).Where(packet => packet.Destination == address))
        {
            if (packet.Verb == Verb.NetworkConfig)
                payloads.Add(packet.Payload.ToArray());
            else if (packet.Verb == Verb.Ok && OkMessage.TryParse(packet.Payload.Span, out var ok) && ok.InReVerb == Verb.NetworkConfigRequest)
                payloads.Add(ok.Payload.ToArray());
        }

        return payloads;
    }

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(item => item.GetString());

    // The few types that the recorded network uses.
    private static Rule RuleFromJson(JsonElement json)
    {
        var rule = json.GetProperty("type").GetString() switch
        {
            "ACTION_DROP" => Rule.ActionDrop,
            "ACTION_ACCEPT" => Rule.ActionAccept,
            "MATCH_ETHERTYPE" => Rule.MatchEtherType(json.GetProperty("etherType").GetUInt16()),
            "MATCH_IP_DEST_PORT_RANGE" => Rule.MatchIPDestinationPorts(json.GetProperty("start").GetUInt16(), json.GetProperty("end").GetUInt16()),
            "MATCH_TAGS_DIFFERENCE" => Rule.MatchTag(RuleType.MatchTagsDifference, json.GetProperty("id").GetUInt32(), json.GetProperty("value").GetUInt32()),
            var other => throw new InvalidDataException($"The recorded network has no rule {other}."),
        };
        return rule.IsAction ? rule : rule.With(not: json.GetProperty("not").GetBoolean(), or: json.GetProperty("or").GetBoolean());
    }
}
