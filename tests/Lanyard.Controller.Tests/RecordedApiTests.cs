using System.Text.Json;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>Repeats the recorded calls: answers are equal byte for byte, and members get the configurations that the recorded nodes reported.</summary>
public class RecordedApiTests
{
    internal const string NetworkBody = """
        {"name":"vectors","private":true,"enableBroadcast":true,"v4AssignMode":{"zt":true},"v6AssignMode":{"rfc4193":true,"6plane":true},
        "routes":[{"target":"10.144.0.0/16"},{"target":"192.168.77.0/24","via":"10.144.0.1"}],
        "ipAssignmentPools":[{"ipRangeStart":"10.144.0.10","ipRangeEnd":"10.144.0.200"}],
        "dns":{"domain":"corp.lan","servers":["10.144.0.53"]},"tags":[{"id":1000,"default":100}],
        "capabilities":[{"id":7,"default":true,"rules":[{"type":"MATCH_IP_DEST_PORT_RANGE","start":80,"end":80},{"type":"ACTION_ACCEPT"}]}],
        "rules":[{"type":"MATCH_ETHERTYPE","etherType":34525,"not":true,"or":false},{"type":"MATCH_ETHERTYPE","etherType":2048,"not":true,"or":false},
        {"type":"MATCH_ETHERTYPE","etherType":2054,"not":true,"or":false},{"type":"ACTION_DROP"},
        {"type":"MATCH_TAGS_DIFFERENCE","id":1000,"value":50,"not":true,"or":false},{"type":"ACTION_DROP"},{"type":"ACTION_ACCEPT"}]}
        """;

    internal const string MemberBody = """{"authorized":true,"tags":[[1000,120]],"capabilities":[7]}""";

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public void The_recorded_calls_get_the_recorded_answers(string recording)
    {
        var test = new TestController(recording);
        var a = TestData.SecretIdentity(recording, "a");
        var b = TestData.SecretIdentity(recording, "b");

        test.NowMs = Number(recording, "controller.json", "clock");
        Assert.Equal((200, TestData.Text(recording, "api", "controller.json") + "\n"), test.Call("GET", "/controller"));
        test.NowMs = Number(recording, "controller_network_post.json", "creationTime");
        Assert.Equal(Api(recording, "controller_network_post.json"), test.Post("", NetworkBody));

        // In the first recording both nodes asked before they were authorized, in the second only b did.
        var seen = Api(recording, "controller_members.json");
        foreach (var node in new[] { a, b }.Where(node => seen.Contains(node.Address.ToString(), StringComparison.Ordinal)))
        {
            test.NowMs = Number(recording, node == a ? "controller_member.json" : "controller_member_post.json", "creationTime");
            Assert.Equal(ControllerMessageKind.AccessDenied, test.AskNow(node).Message!.Kind);
        }

        Assert.Equal(seen, test.Get("member"));
        test.NowMs = Number(recording, "controller_member.json", "lastAuthorizedTime");
        test.Post($"member/{a.Address}", MemberBody);
        test.NowMs = Number(recording, "controller_member_post.json", "lastAuthorizedTime");
        Assert.Equal(Api(recording, "controller_member_post.json"), test.Post($"member/{b.Address}", MemberBody));

        Assert.Equal(ControllerReason.Member, test.Ask(a).Reason);
        Assert.Equal(Api(recording, "controller_member.json"), test.Get($"member/{a.Address}"));
        Assert.Equal(Api(recording, "controller_network_list.json"), test.Call("GET", "/controller/network").Json);
        Assert.Equal(Api(recording, "controller_network.json"), test.Get(""));
    }

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public void Members_get_the_addresses_routes_and_name_servers_that_the_recorded_nodes_got(string recording)
    {
        var test = new TestController(recording);
        test.Post("", NetworkBody);
        foreach (var (node, file) in new[] { ("a", "network.json"), ("b", "network_deauthorized.json") })
        {
            var identity = TestData.SecretIdentity(recording, node);
            test.Post($"member/{identity.Address}", MemberBody);
            var config = test.ConfigOf(identity);
            using var document = JsonDocument.Parse(File.ReadAllText(TestData.PathOf(recording, "api", file)));
            var recorded = document.RootElement[0];
            Assert.Equal(recorded.GetProperty("mac").GetString(), DerivedAddresses.Mac(test.NetworkId, identity.Address).ToString());
            Assert.Equal(Texts(recorded, "assignedAddresses").Order(), config.StaticAddresses.Select(address => address.ToString()).Order());
            Assert.Equal(recorded.GetProperty("routes").EnumerateArray().Select(route => (route.GetProperty("target").GetString(), route.GetProperty("via").GetString() ?? "")),
                config.Routes.Select(route => ((string?)route.Target.ToString(), route.Via.ToString())));
            // A 1.4 node knows nothing of name servers.
            if (recorded.TryGetProperty("dns", out var dns))
            {
                Assert.Equal(dns.GetProperty("domain").GetString(), config.Dns!.Domain);
                Assert.Equal(Texts(dns, "servers"), config.Dns.Servers.Select(server => server.ToString()));
            }

            Assert.Equal(recorded.GetProperty("mtu").GetInt32(), config.Mtu);
            Assert.Equal(recorded.GetProperty("name").GetString(), config.Name);
            Assert.Equal(recorded.GetProperty("netconfRevision").GetUInt64(), config.Revision);
            Assert.Equal(NetworkFlags.Broadcast | NetworkFlags.NdpEmulation, config.Flags);
            Assert.Equal(NetworkType.Private, config.Type);
        }
    }

    [Fact]
    public void A_members_credentials_say_what_its_record_says_and_are_signed_by_the_controller()
    {
        var test = new TestController();
        test.Post("", NetworkBody);
        var a = TestData.SecretIdentity("peer-1.14", "a");
        test.Post($"member/{a.Address}", MemberBody);
        var config = test.ConfigOf(a);

        Assert.True(config.Membership!.Verify(test.Identity));
        Assert.Equal((a.Address, test.NowMs, test.NetworkId), (config.Membership.IssuedTo, config.Membership.Timestamp, config.Membership.NetworkId));
        Assert.Equal(30 * 60 * 1000, config.CredentialTimeMaxDelta);
        var ownership = Assert.Single(config.CertificatesOfOwnership);
        Assert.True(ownership.Verify(test.Identity));
        Assert.All(config.StaticAddresses, address => Assert.True(ownership.Owns(address.Address)));
        var tag = Assert.Single(config.Tags);
        Assert.True(tag.Verify(test.Identity));
        Assert.Equal((1000u, 120u, a.Address), (tag.Id, tag.Value, tag.IssuedTo));
        var capability = Assert.Single(config.Capabilities);
        Assert.True(capability.Verify(test.Identity));
        Assert.Equal((7u, a.Address, 2), (capability.Id, capability.IssuedTo, capability.Rules.Count));
        Assert.Equal(7, config.Rules.Count);
        Assert.True(config.TryWrite(out var text) && NetworkConfig.TryParse(text, out var parsed) && parsed == config);
    }

    private static string Api(string recording, string file) => TestData.Text(recording, "api", file);

    private static long Number(string recording, string file, string field)
    {
        using var document = JsonDocument.Parse(Api(recording, file));
        return document.RootElement.GetProperty(field).GetInt64();
    }

    private static IEnumerable<string> Texts(JsonElement element, string field) => element.GetProperty(field).EnumerateArray().Select(text => text.GetString()!);
}
