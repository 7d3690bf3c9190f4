using System.Text.Json;

namespace Lanyard.Service.Tests;

/// <summary>Compares the API's answers, field by field, with those of a real node with the same identity on the same network.</summary>
public sealed class ApiShapeTests
{
    private const string NetworkBody = """
        {
          "name": "vectors", "private": true, "v4AssignMode": { "zt": true }, "v6AssignMode": { "rfc4193": true, "6plane": true },
          "routes": [ { "target": "10.144.0.0/16" }, { "target": "192.168.77.0/24", "via": "10.144.0.1" } ],
          "ipAssignmentPools": [ { "ipRangeStart": "10.144.0.10", "ipRangeEnd": "10.144.0.200" } ],
          "dns": { "domain": "corp.lan", "servers": [ "10.144.0.53" ] },
          "rules": [
            { "type": "MATCH_ETHERTYPE", "not": true, "or": false, "etherType": 34525 },
            { "type": "MATCH_ETHERTYPE", "not": true, "or": false, "etherType": 2048 },
            { "type": "MATCH_ETHERTYPE", "not": true, "or": false, "etherType": 2054 },
            { "type": "ACTION_DROP" },
            { "type": "MATCH_TAGS_DIFFERENCE", "not": true, "or": false, "id": 1000, "value": 50 },
            { "type": "ACTION_DROP" },
            { "type": "ACTION_ACCEPT" } ],
          "tags": [ { "id": 1000, "default": 100 } ],
          "capabilities": [ { "id": 7, "default": true, "rules": [
            { "type": "MATCH_IP_DEST_PORT_RANGE", "not": false, "or": false, "start": 80, "end": 80 }, { "type": "ACTION_ACCEPT" } ] } ]
        }
        """;

    private const string MemberBody = """{ "authorized": true, "tags": [ [ 1000, 120 ] ], "capabilities": [ 7 ] }""";

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public async Task A_network_has_the_fields_of_a_real_node_before_and_after_admission(string recording)
    {
        await using var lan = await ServiceLan.StartAsync(recording);
        var recordedDenied = JsonShape.Recorded(recording, "network_denied.json")[0];
        var recordedOne = JsonShape.Recorded(recording, "network_one.json");
        var id = recordedOne.GetProperty("id").GetString()!;
        await lan.Client("r").CallAsync("POST", $"/controller/network/{id}", NetworkBody);
        var leaf = await lan.StartServiceAsync("a");

        await lan.Client("a").CallAsync("POST", $"/network/{id}", "{}");
        var denied = await lan.WaitForNetworkAsync("a", id, network => network.GetProperty("status").GetString() == "ACCESS_DENIED");
        // One of the recorded nodes had not heard of its refusal yet.
        JsonShape.AssertSame(recordedDenied, denied, path => !path.StartsWith(".multicastSubscriptions", StringComparison.Ordinal) && path != ".status");

        await lan.Client("r").CallAsync("POST", $"/controller/network/{id}/member/{leaf.Node.Address}", MemberBody);
        var admitted = await lan.WaitForNetworkAsync("a", id, network => network.GetProperty("status").GetString() == "OK");
        // Which groups are listened to differs by system, and revisions count what was changed at the controller since.
        JsonShape.AssertSame(recordedOne, admitted, path => !path.StartsWith(".multicastSubscriptions", StringComparison.Ordinal) && path != ".netconfRevision");
        var list = await lan.Client("a").CallAsync("GET", "/network");
        Assert.Equal(admitted.GetRawText(), Assert.Single(list.EnumerateArray()).GetRawText());
    }

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public async Task The_controller_shows_its_networks_and_members_like_a_real_one(string recording)
    {
        string[] times = [".creationTime", ".lastAuthorizedTime", ".revision"];
        await using var lan = await ServiceLan.StartAsync(recording);
        var recorded = JsonShape.Recorded(recording, "controller_network.json");
        var id = recorded.GetProperty("id").GetString()!;
        var created = await lan.Client("r").CallAsync("POST", $"/controller/network/{id}", NetworkBody);
        JsonShape.AssertSame(JsonShape.Recorded(recording, "controller_network_post.json"), created, path => !times.Contains(path));
        JsonShape.AssertSame(recorded, await lan.Client("r").CallAsync("GET", $"/controller/network/{id}"), path => !times.Contains(path));
        Assert.Equal(
            JsonShape.Recorded(recording, "controller_network_list.json").GetRawText(), (await lan.Client("r").CallAsync("GET", "/controller/network")).GetRawText());
        JsonShape.AssertSame(JsonShape.Recorded(recording, "controller.json"), await lan.Client("r").CallAsync("GET", "/controller"), path => path != ".clock");
    }

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public async Task A_node_describes_itself_and_its_peers_like_a_real_one(string recording)
    {
        // What is the same wherever the node runs. The others are its ports, its times, and what there is none of here.
        string[] same = [".address", ".publicIdentity", ".online", ".tcpFallbackActive", ".version", ".versionBuild", ".versionMajor", ".versionMinor", ".versionRev", ".config.settings.allowTcpFallbackRelay", ".config.settings.forceTcpRelay", ".config.settings.softwareUpdate", ".config.settings.softwareUpdateChannel"];
        await using var lan = await ServiceLan.StartAsync(recording);
        var leaf = await lan.StartServiceAsync("a");
        await leaf.Node.WaitUntilOnlineAsync(ServiceLan.Guard);
        JsonShape.AssertSame(JsonShape.Recorded(recording, "status.json"), await lan.Client("a").CallAsync("GET", "/status"), same.Contains);

        var recordedPeers = JsonShape.Recorded(recording, "peer.json");
        var recordedRoot = recordedPeers.EnumerateArray().Single(peer => peer.GetProperty("role").GetString() == "PLANET");
        string[] times = [".latency", ".paths"];
        var root = Assert.Single((await lan.Client("a").CallAsync("GET", "/peer")).EnumerateArray());
        JsonShape.AssertSame(recordedRoot, root, path => !times.Any(time => path.StartsWith(time, StringComparison.Ordinal)));
        var one = await lan.Client("a").CallAsync("GET", $"/peer/{root.GetProperty("address").GetString()}");
        Assert.Equal(root.GetProperty("role").GetString(), one.GetProperty("role").GetString());
    }

    [Fact]
    public async Task A_network_has_the_fields_and_types_of_a_1_4_6_node()
    {
        await using var lan = await ServiceLan.StartAsync("peer-1.4.6");
        await lan.StartServiceAsync("b");
        var network = await lan.JoinAllAsync("b");
        var told = await lan.Client("b").CallAsync("GET", $"/network/{network}");
        var recorded = JsonShape.Recorded("peer-1.4.6", "network_deauthorized.json")[0];
        var known = recorded.EnumerateObject().Select(field => field.Name).ToHashSet();
        // What came later is left aside: DNS.
        Assert.Equal(["allowDNS", "dns"], told.EnumerateObject().Select(field => field.Name).Where(name => !known.Contains(name)));
        foreach (var field in recorded.EnumerateObject())
            JsonShape.AssertSame(field.Value, told.GetProperty(field.Name), path => path.Length == 0 && field.Name is "allowDefault" or "allowGlobal" or "allowManaged" or "bridge" or "broadcastEnabled" or "dhcp" or "mtu" or "portError" or "status");
    }

    [Fact]
    public async Task A_moon_is_told_of_with_its_roots_and_while_it_is_awaited()
    {
        await using var lan = await ServiceLan.StartAsync();
        var client = lan.Client("r");
        var waiting = await client.CallAsync("POST", "/moon/000000abcdef0123", """{ "seed": "abcdef0123" }""");
        Assert.Equal("""{"id":"000000abcdef0123","roots":[],"signature":null,"timestamp":0,"updatesMustBeSignedBy":null,"waiting":true}""", waiting.GetRawText());

        Assert.True(Wire.World.TryParse(TestData.Bytes("peer-1.14", "000000084d444217.moon"), out var moon));
        Assert.True(lan.Service("r").Node.AddWorld(moon));
        foreach (var path in new[] { "/moon/000000084d444217", "/moon/084d444217" })
        {
            var told = await client.CallAsync("GET", path);
            Assert.Equal("000000084d444217", told.GetProperty("id").GetString());
            Assert.Equal(moon.Timestamp, told.GetProperty("timestamp").GetInt64());
            Assert.Equal(TestData.Text("peer-1.14", "r.identity.public"), told.GetProperty("roots")[0].GetProperty("identity").GetString());
            Assert.Equal("10.99.0.1/9993", told.GetProperty("roots")[0].GetProperty("stableEndpoints")[0].GetString());
            Assert.False(told.GetProperty("waiting").GetBoolean());
        }

        Assert.Equal(1, (await client.CallAsync("GET", "/moon")).GetArrayLength());
        Assert.True((await client.CallAsync("DELETE", "/moon/000000084d444217")).GetProperty("result").GetBoolean());
        Assert.Equal(0, (await client.CallAsync("GET", "/moon")).GetArrayLength());
        Assert.Equal("{}", (await client.CallAsync("GET", "/moon/000000084d444217")).GetRawText());
    }

    [Fact]
    public async Task A_moon_that_is_orbited_comes_from_the_root_that_was_named()
    {
        await using var lan = await ServiceLan.StartAsync();
        Assert.True(Wire.World.TryParse(TestData.Bytes("peer-1.14", "000000084d444217.moon"), out var moon));
        Assert.True(lan.Service("r").Node.AddWorld(moon));
        await lan.StartServiceAsync("a");
        Assert.True((await lan.Client("a").CallAsync("POST", "/moon/084d444217", """{ "seed": "084d444217" }""")).GetProperty("waiting").GetBoolean());
        while ((await lan.Client("a").CallAsync("GET", "/moon")).GetArrayLength() == 0)
            await Task.Delay(20, ServiceLan.Guard);
        Assert.Equal(moon.Timestamp, (await lan.Client("a").CallAsync("GET", "/moon/084d444217")).GetProperty("timestamp").GetInt64());
        Assert.Equal("{}", (await lan.Client("a").CallAsync("POST", "/moon/0123456789")).GetRawText());
    }

    [Fact]
    public void A_networks_device_has_the_name_that_a_real_node_gives_it()
    {
        foreach (var recording in TestData.Recordings)
        {
            var network = JsonShape.Recorded(recording, "network_one.json");
            Assert.Equal(network.GetProperty("portDeviceName").GetString(), JoinedNetworkJson.DeviceName(NetworkId.Parse(network.GetProperty("id").GetString()!)));
        }
    }
}
