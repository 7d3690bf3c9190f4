using System.Text;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>Random bodies: the API answers, and the records that it keeps can be shown and stored.</summary>
public class FuzzTests
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1e400", "1e30", "0.5", "18446744073709551616", "\"\"", "\"zt\"", "\"10.0.0.1\"", "\"10.0.0.0/8\"", "\"fd00::1/64\"",
        "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[]]", "[null]", "[[1,2],[1]]", "[{}]", "{\"\":0}", "[{\"type\":\"MATCH_IPV6_DEST\",\"ip\":7}]",
        "[{\"type\":\"INTEGER_RANGE\",\"start\":\"zz\",\"end\":[],\"bits\":0}]", "[{\"type\":\"MATCH_MAC_SOURCE\",\"mac\":\"g\"}]", "{\"servers\":[[],{},\"::\"]}",
        "[{\"ipRangeStart\":\"::\",\"ipRangeEnd\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"}]", "[{\"ipRangeStart\":\"0.0.0.0\",\"ipRangeEnd\":\"255.255.255.255\"}]",
        "[{\"target\":\"::/1\"},{\"target\":\"0.0.0.0/1\"}]", "[{\"target\":\"10.0.0.1/32\",\"via\":[]}]", "[{\"id\":-1,\"rules\":[{\"type\":7}]}]",
    ];

    private static readonly string[] Fields =
    [
        "name", "private", "enableBroadcast", "multicastLimit", "mtu", "remoteTraceTarget", "remoteTraceLevel", "certificateTimeoutWindowSize", "v4AssignMode",
        "v6AssignMode", "routes", "ipAssignmentPools", "rules", "authTokens", "capabilities", "tags", "dns", "activeBridge", "noAutoAssignIps",
        "authenticationExpiryTime", "ipAssignments", "authorized",
    ];

    [Fact]
    public void Bodies_with_fields_of_any_type_are_answered_kept_and_read_back()
    {
        var random = new Random(11);
        var store = new MemoryControllerStore();
        var test = new TestController(store: store);
        var node = TestController.Stranger(0xa1);
        for (var round = 0; round < 3_000; round++)
        {
            var body = $"{{{string.Join(',', Enumerable.Range(0, random.Next(1, 5)).Select(_ => $"\"{Pick(random, Fields)}\":{Pick(random, Values)}"))}}}";
            var path = test.PathOf(random.Next(2) == 0 ? "" : $"member/{node.Address}");
            var (status, json) = test.Call("POST", path, body);
            Assert.True(status is 200 or 400 or 404, $"{status} for {body}");
            AssertJson(json);
            if (round % 100 == 0)
                test.Ask(node);
            if (round % 25 != 0)
                continue;
            AssertSameAfterReading(store.Load());
        }
    }

    [Fact]
    public void Damaged_bodies_are_answered()
    {
        var random = new Random(12);
        var test = new TestController();
        var bodies = new[] { RecordedApiTests.NetworkBody, RecordedApiTests.MemberBody }.Select(Encoding.UTF8.GetBytes).ToArray();
        for (var round = 0; round < 5_000; round++)
        {
            var body = (byte[])bodies[round & 1].Clone();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                body = body[..random.Next(body.Length)];
            var path = test.PathOf((round & 1) == 0 ? "" : "member/00000000a1");
            var (status, json) = test.Call("POST", path, body);
            Assert.True(status is 200 or 400 or 404, $"{status} for {Encoding.Latin1.GetString(body)}");
            AssertJson(json);
        }

        AssertSameAfterReading(test.Store.Load());
    }

    [Fact]
    public void Paths_of_any_kind_are_answered()
    {
        var random = new Random(13);
        var test = new TestController();
        string[] parts = ["", "controller", "network", "member", "unstable", test.NetworkId.ToString(), "00000000a1", "______", $"{test.Identity.Address}______", "\0", "é", "%2f"];
        string[] methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "", "get"];
        for (var round = 0; round < 5_000; round++)
        {
            var path = string.Join('/', Enumerable.Range(0, random.Next(0, 8)).Select(_ => Pick(random, parts)));
            AssertJson(test.Call(Pick(random, methods), path, "{}").Json);
        }
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];

    private static void AssertJson(string json)
    {
        using var document = JsonDocument.Parse(json);
    }

    private static void AssertSameAfterReading(StoredRecords records)
    {
        foreach (var network in records.Networks)
        {
            using var document = JsonDocument.Parse(Written(writer => NetworkJson.Write(writer, network)));
            Assert.True(NetworkJson.TryRead(document.RootElement, out var read));
            Assert.Equal(network, read);
        }

        foreach (var member in records.Members)
        {
            using var document = JsonDocument.Parse(Written(writer => MemberJson.Write(writer, member, forStorage: true)));
            Assert.True(MemberJson.TryRead(document.RootElement, out var read));
            Assert.Equal(member, read);
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
