using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service.Tests;

/// <summary>The settings in <c>local.conf</c>, and their effects.</summary>
public sealed class ConfigurationTests
{
    private const string NoLoopback = """{ "physical": { "127.0.0.0/8": { "blacklist": true } } }""";

    [Fact]
    public void All_supported_settings_are_read()
    {
        var configuration = LocalConfiguration.Parse("local.conf", """
            {
              "physical": { "10.0.0.0/8": { "blacklist": true }, "10.10.10.0/24": { "trustedPathId": 101010024, "mtu": 9000 }, "fd00::/8": { "mtu": 0, "blacklist": false } },
              "virtual": { "feedbeef12": { "role": "UPSTREAM", "try": [ "10.10.20.1/9993", "2001:db8::1/9993" ], "blacklist": [ "192.168.0.0/24" ] } },
              "settings": { "primaryPort": 31234, "bind": [ "192.0.2.1", "::" ], "interfacePrefixBlacklist": [ "eth", "wlan" ],
                "allowManagementFrom": [ "10.0.0.0/8", "192.0.2.7" ], "unheardOf": [ 1 ], "portMappingEnabled": false, "softwareUpdate": "disable" }
            }
            """);
        Assert.Equal(31234, configuration.PrimaryPort);
        Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.IPv6Any], configuration.Bind);
        Assert.Equal(["eth", "wlan"], configuration.InterfacePrefixBlacklist);
        Assert.Equal([InetPrefix.Parse("10.0.0.0/8"), InetPrefix.Parse("192.0.2.7/32")], configuration.AllowManagementFrom);
        Assert.Equal([InetPrefix.Parse("10.0.0.0/8")], configuration.BlockedPhysicalNetworks);
        Assert.Equal([new LanyardTrustedPath(InetPrefix.Parse("10.10.10.0/24"), 101010024)], configuration.TrustedPaths);
        Assert.Equal([new LanyardPathMtu(InetPrefix.Parse("10.10.10.0/24"), 9000)], configuration.PathMtus);
        var peer = NodeAddress.Parse("feedbeef12");
        Assert.Equal([new LanyardPeerHint(peer, InetEndpoint.Parse("10.10.20.1/9993")), new LanyardPeerHint(peer, InetEndpoint.Parse("2001:db8::1/9993"))], configuration.PeerHints);
        Assert.Equal([new BlockedPath(peer, InetPrefix.Parse("192.168.0.0/24"))], configuration.BlockedPeerNetworks);
        Assert.Empty(configuration.WithoutEffect);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{ "settings": null, "physical": null, "virtual": null }""")]
    [InlineData("""{ "settings": { "bind": null, "allowManagementFrom": null, "primaryPort": null } }""")]
    public void Missing_settings_have_their_defaults(string content)
    {
        var configuration = LocalConfiguration.Parse("local.conf", content);
        Assert.Null(configuration.PrimaryPort);
        Assert.Empty(configuration.Bind);
        Assert.Empty(configuration.AllowManagementFrom);
        Assert.Empty(configuration.PathMtus);
    }

    [Theory]
    [InlineData("[]", "object")]
    [InlineData("{ settings: }", "JSON")]
    [InlineData("""{ "settings": 7 }""", "\"settings\" is not an object, but 7")]
    [InlineData("""{ "settings": { "primaryPort": 70000 } }""", "\"settings.primaryPort\" is not a port, 0 to 65535, but 70000")]
    [InlineData("""{ "settings": { "primaryPort": "x" } }""", "\"settings.primaryPort\"")]
    [InlineData("""{ "settings": { "bind": "1.2.3.4" } }""", "\"settings.bind\" is not an array")]
    [InlineData("""{ "settings": { "bind": [ "eth0" ] } }""", "\"settings.bind\" has an item that is not an IP address")]
    [InlineData("""{ "settings": { "allowManagementFrom": [ "10.0.0.0/33" ] } }""", "\"settings.allowManagementFrom\"")]
    [InlineData("""{ "physical": { "ten": {} } }""", "\"physical.ten\"")]
    [InlineData("""{ "physical": { "10.0.0.0/8": true } }""", "\"physical.10.0.0.0/8\" is not an object")]
    [InlineData("""{ "physical": { "10.0.0.0/8": { "blacklist": "yes" } } }""", "\"physical.10.0.0.0/8.blacklist\" is not true or false, but \"yes\"")]
    [InlineData("""{ "physical": { "10.0.0.0/8": { "blacklist": [] } } }""", "\"physical.10.0.0.0/8.blacklist\" is not true or false")]
    [InlineData("""{ "physical": { "10.0.0.0/8": { "mtu": "large" } } }""", "\"physical.10.0.0.0/8.mtu\" is not 0 (the default) or 1400 to 10100 bytes")]
    [InlineData("""{ "settings": { "primaryPort": "9993 or so" } }""", "\"settings.primaryPort\"")]
    [InlineData("""{ "settings": { "primaryPort": "-1" } }""", "\"settings.primaryPort\"")]
    [InlineData("""{ "settings": { "primaryPort": true } }""", "\"settings.primaryPort\"")]
    [InlineData("""{ "settings": { "allowManagementFrom": "0.0.0.0" } }""", "\"settings.allowManagementFrom\" is not an array")]
    [InlineData("""{ "settings": { "allowManagementFrom": [ "localhost" ] } }""", "\"settings.allowManagementFrom\"")]
    [InlineData("""{ "physical": { "10.0.0.0/8": { "trustedPathId": -1 } } }""", "\"physical.10.0.0.0/8.trustedPathId\"")]
    [InlineData("""{ "virtual": { "beef": {} } }""", "\"virtual.beef\"")]
    [InlineData("""{ "virtual": { "feedbeef12": { "try": [ "10.0.0.1" ] } } }""", "\"virtual.feedbeef12.try\"")]
    [InlineData("""{ "virtual": { "feedbeef12": { "blacklist": [ "x" ] } } }""", "\"virtual.feedbeef12.blacklist\"")]
    [InlineData("""{ "settings": { "bind": [ "\ud800" ] } }""", "a string that is not valid Unicode")]
    [InlineData("""{ "virtual": { "\ud800": {} } }""", "a string that is not valid Unicode")]
    public void An_invalid_setting_is_named_with_its_file_key_and_expected_value(string content, string expected)
    {
        var failure = Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("/somewhere/local.conf", content));
        Assert.Contains("/somewhere/local.conf", failure.Message, StringComparison.Ordinal);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "primaryPort": "9993" }""", 9993, "\"settings.primaryPort\": \"9993\" is read as 9993")]
    [InlineData("""{ "primaryPort": " 9993 " }""", 9993, "is read as 9993")]
    [InlineData("""{ "primaryPort": "0" }""", 0, "is read as 0")]
    [InlineData("""{ "primaryPort": 9993.0 }""", 9993, "9993.0 is read as 9993")]
    public void A_number_may_be_a_string_as_in_existing_nodes_and_that_is_logged(string settings, int port, string? told) =>
        Assert.Equal(port, ParseAdjusted($$"""{ "settings": {{settings}} }""", told).PrimaryPort);

    [Theory]
    [InlineData("1", true)]
    [InlineData("2", true)]
    [InlineData("0", false)]
    [InlineData("\"true\"", true)]
    [InlineData("\"True\"", true)]
    [InlineData("\"1\"", true)]
    [InlineData("\"false\"", false)]
    [InlineData("\"0\"", false)]
    [InlineData("\"\"", false)]
    public void A_switch_may_be_a_number_or_a_string_as_in_existing_nodes_and_that_is_logged(string value, bool isOn)
    {
        var configuration = ParseAdjusted($$"""{ "physical": { "10.0.0.0/8": { "blacklist": {{value}} } } }""",
            $"\"physical.10.0.0.0/8.blacklist\": {value} is read as {(isOn ? "true" : "false")}");
        Assert.Equal(isOn ? [InetPrefix.Parse("10.0.0.0/8")] : [], configuration.BlockedPhysicalNetworks);
    }

    [Theory]
    [InlineData("1300", 1400, "is read as 1400")]
    [InlineData("20000", 10100, "is read as 10100")]
    [InlineData("\"1500\"", 1500, "is read as 1500")]
    [InlineData("-1", null, "is read as 0")]
    [InlineData("1500.5", 1500, "is read as 1500")]
    public void An_MTU_out_of_range_is_clamped_as_in_existing_nodes_and_that_is_logged(string value, int? mtu, string told)
    {
        var configuration = ParseAdjusted($$"""{ "physical": { "10.0.0.0/8": { "mtu": {{value}}, "trustedPathId": "25" } } }""", told);
        Assert.Equal(mtu is { } bytes ? [new LanyardPathMtu(InetPrefix.Parse("10.0.0.0/8"), bytes)] : [], configuration.PathMtus);
        Assert.Equal([new LanyardTrustedPath(InetPrefix.Parse("10.0.0.0/8"), 25)], configuration.TrustedPaths);
    }

    [Theory]
    [InlineData("0.0.0.0", "0.0.0.0/0", "\"settings.allowManagementFrom\": \"0.0.0.0\" is read as 0.0.0.0/0")]
    [InlineData("::", "::/0", "is read as ::/0")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", null)]
    [InlineData("10.1.2.3", "10.1.2.3/32", null)]
    [InlineData("::ffff:10.0.0.0/104", "10.0.0.0/8", null)]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3/32", null)]
    public void The_unspecified_address_alone_lets_all_manage_the_node(string item, string network, string? told) =>
        Assert.Equal([InetPrefix.Parse(network)], ParseAdjusted($$"""{ "settings": { "allowManagementFrom": [ "{{item}}" ] } }""", told).AllowManagementFrom);

    [Fact]
    public void Items_are_read_as_existing_nodes_read_them()
    {
        var configuration = LocalConfiguration.Parse("local.conf", """
            { "settings": { "interfacePrefixBlacklist": [ "", 7, "eth" ], "bind": [ "192.0.2.1/9993", "::ffff:192.0.2.2" ],
                "tcpFallbackRelay": 1, "allowTcpFallbackRelay": "yes", "secondaryPort": "0", "concurrency": [ 2 ], "redis": {} } }
            """);
        Assert.Equal(["7", "eth"], configuration.InterfacePrefixBlacklist);
        Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.Parse("192.0.2.2")], configuration.Bind);
        Assert.Equal(["allowTcpFallbackRelay", "tcpFallbackRelay", "concurrency", "redis"], configuration.WithoutEffect.Select(line => line["settings.".Length..].Split(':')[0]));
    }

    [Fact]
    public async Task Trusted_paths_of_an_old_nodes_file_are_used_behind_those_of_the_local_conf()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("local.conf"), """{ "physical": { "10.1.0.0/16": { "trustedPathId": 1 } } }""");
        File.WriteAllText(folder.PathOf("trustedpaths"), "0000000000000019=10.0.0.0/8\r\n# of old\nff = fd00::/8\n0=192.0.2.0/24\n7=10.2.0.1\n");
        using var log = new LogCollector();
        await using var keeper = new ConfigurationKeeper(folder.PathOf(), log);
        LanyardTrustedPath[] expected = [new(InetPrefix.Parse("10.1.0.0/16"), 1), new(InetPrefix.Parse("10.0.0.0/8"), 0x19), new(InetPrefix.Parse("fd00::/8"), 255)];
        Assert.Equal(expected, keeper.Current.TrustedPaths);
        Assert.Contains(log.Lines, line => line.Contains("2 trusted paths", StringComparison.Ordinal));
        File.WriteAllText(folder.PathOf("local.conf"), "{}");
        keeper.Reload();
        Assert.Equal(expected[1..], keeper.Current.TrustedPaths);
    }

    private static LocalConfiguration ParseAdjusted(string content, string? told)
    {
        var configuration = LocalConfiguration.Parse("local.conf", content);
        if (told is null)
            Assert.Empty(configuration.Adjusted);
        else
            Assert.Contains(configuration.Adjusted, line => line.Contains(told, StringComparison.Ordinal));
        return configuration;
    }

    [Fact]
    public async Task A_service_starts_before_an_address_to_bind_is_up_and_binds_it_when_it_comes()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        // No machine has documentation addresses (RFC 5737, RFC 3849).
        File.WriteAllText(folder.PathOf("local.conf"), """{ "settings": { "bind": [ "192.0.2.1", "2001:db8::1" ], "primaryPort": "0" } }""");
        using var log = new LogCollector();
        await using (var service = await LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf(), LoggerFactory = log }, ServiceLan.Guard))
        {
            Assert.Empty(service.Node.BoundEndPoints);
            using var client = new ServiceClient(service, folder.PathOf());
            var settings = (await client.CallAsync("GET", "/status")).GetProperty("config").GetProperty("settings");
            Assert.Equal(service.Port, settings.GetProperty("primaryPort").GetInt32());
            service.Node.NotifyNetworkChanged();
            Assert.Equal(2, log.Lines.Count(line => line.Contains("The node binds it when it comes up", StringComparison.Ordinal)));
            Assert.Contains(log.Lines, line => line.Contains("\"0\" is read as 0", StringComparison.Ordinal));
        }

        // One of two addresses is available: the node is reachable at that address.
        File.WriteAllText(folder.PathOf("local.conf"), """{ "settings": { "bind": [ "192.0.2.1", "127.0.0.1" ], "primaryPort": 0 } }""");
        await using var second = await LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf() }, ServiceLan.Guard);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, second.Port), Assert.Single(second.Node.BoundEndPoints));
    }

    [Fact]
    public void Broken_content_is_refused_and_never_anything_worse()
    {
        const string Content = """{"physical":{"10.0.0.0/8":{"blacklist":true,"mtu":1500}},"virtual":{"feedbeef12":{"try":["10.0.0.1/9993"]}},"settings":{"primaryPort":9993,"bind":["::1"]},"lanyard":{"proxies":[{"listen":1080,"user":"a","password":"b"}],"forwards":[{"network":"8056c2e21c000001","local":"80:a:80"}],"intercept":{"socket":"/run/a","mode":"0660","users":{"1000":"all","*":["8056c2e21c000001"]}}}}""";
        var random = new Random(11);
        for (var i = 0; i < 20_000; i++)
        {
            var content = Content.ToCharArray();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
                content[random.Next(content.Length)] = Content[random.Next(Content.Length)];
            try
            {
                LocalConfiguration.Parse("local.conf", new string(content));
            }
            catch (LanyardStateException)
            {
                // It said what is wrong.
            }
        }
    }

    [Fact]
    public async Task Settings_without_effect_are_logged()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        File.WriteAllText(folder.PathOf("local.conf"), """{ "settings": { "forceTcpRelay": true, "allowTcpFallbackRelay": false, "tertiaryPort": 4567, "primaryPort": 0 } }""");
        using var log = new LogCollector();
        await using var service = await LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf(), LoggerFactory = log }, ServiceLan.Guard);
        var said = log.Lines.Where(line => line.Contains("no effect", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, said.Length);
        Assert.Contains(said, line => line.Contains("settings.forceTcpRelay", StringComparison.Ordinal));
        Assert.Contains(said, line => line.Contains("settings.tertiaryPort", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_the_addresses_to_bind_are_bound()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        File.WriteAllText(folder.PathOf("local.conf"), """{ "settings": { "bind": [ "127.0.0.1" ], "primaryPort": 0 } }""");
        await using var service = await LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf() }, ServiceLan.Guard);
        Assert.Equal(IPAddress.Loopback, Assert.Single(service.Node.BoundEndPoints).Address);
    }

    [Theory]
    [InlineData(NoLoopback)]
    [InlineData("""{ "settings": { "interfacePrefixBlacklist": [ "lo" ] } }""")]
    public async Task A_physical_network_that_is_not_to_be_used_is_not_until_the_file_says_otherwise(string localConf)
    {
        await using var lan = await ServiceLan.StartAsync();
        var leaf = await lan.StartServiceAsync("a", localConf: localConf);
        var network = (await lan.Client("r").CallAsync("POST", "/controller/network", """{ "private": false }""")).GetProperty("id").GetString()!;
        await lan.Client("a").CallAsync("POST", $"/network/{network}", "{}");
        leaf.Node.NotifyNetworkChanged();
        Assert.False((await lan.Client("a").CallAsync("GET", "/status")).GetProperty("online").GetBoolean());
        Assert.Equal(0, leaf.Node.Counters.DatagramsSent);
        if (localConf == NoLoopback)
            Assert.Equal(0, (await lan.Client("a").CallAsync("GET", "/status")).GetProperty("config").GetProperty("settings").GetProperty("listeningOn").GetArrayLength());

        lan.Configure("a", "{}");
        await leaf.ReloadAsync();
        await lan.WaitForNetworkAsync("a", network, told => told.GetProperty("status").GetString() == "OK");

        // And the other way: the paths that there are, are given up.
        lan.Configure("a", localConf);
        await leaf.ReloadAsync();
        var root = await lan.Client("a").CallAsync("GET", $"/peer/{lan.Service("r").Node.Address}");
        Assert.Equal(0, root.GetProperty("paths").GetArrayLength());
    }

    [Fact]
    public async Task A_physical_network_that_is_not_to_be_used_for_one_peer_is_used_for_the_others()
    {
        await using var lan = await ServiceLan.StartAsync();
        var b = TestData.Text("peer-1.14", "b.identity.public")[..10];
        var leaf = await lan.StartServiceAsync("a", localConf: $$"""{ "virtual": { "{{b}}": { "blacklist": [ "127.0.0.0/8" ] } } }""");
        await lan.StartServiceAsync("b");
        var network = await lan.JoinAllAsync("a", "b");
        await lan.PingAsync("a", "b", network);
        await lan.PingAsync("b", "a", network);
        Assert.Empty(leaf.Node.FindPeer(NodeAddress.Parse(b))!.Paths);
        Assert.NotEmpty(leaf.Node.FindPeer(lan.Service("r").Node.Address)!.Paths);
    }

    [Fact]
    public async Task A_peer_is_reached_where_the_file_says_while_no_root_answers()
    {
        await using var lan = await ServiceLan.StartAsync();
        await lan.StartServiceAsync("a");
        await lan.StartServiceAsync("b");
        var network = await lan.JoinAllAsync("a", "b");
        await lan.PingAsync("a", "b", network);
        foreach (var name in new[] { "a", "b", "r" })
            await lan.StopServiceAsync(name);

        // The peer comes back at another port, and nobody is there to tell.
        File.Delete(Path.Combine(lan.Home("b"), "lanyard.port"));
        Directory.Delete(Path.Combine(lan.Home("b"), "peers.d"), recursive: true);
        var moved = await lan.StartServiceAsync("b");
        var leaf = await lan.StartServiceAsync("a", localConf: $$"""{ "virtual": { "{{moved.Node.Address}}": { "try": [ "127.0.0.1/{{moved.Port}}" ] } } }""");
        await lan.PingAsync("a", "b", network);
        Assert.Contains(leaf.Node.FindPeer(moved.Node.Address)!.Paths, path => path.EndPoint.Port == moved.Port);
        Assert.False(leaf.Node.IsOnline);
    }

    [Fact]
    public async Task Packets_over_a_trusted_path_go_without_encryption_and_are_counted_as_such()
    {
        const string Trusting = """{ "physical": { "127.0.0.0/8": { "trustedPathId": 25 } } }""";
        await using var lan = await ServiceLan.StartAsync(localConf: Trusting);
        await lan.StartServiceAsync("a", localConf: Trusting);
        await lan.StartServiceAsync("b", localConf: Trusting);
        var network = await lan.JoinAllAsync("a", "b");
        await lan.PingAsync("a", "b", network);
        var peer = await lan.Client("a").CallAsync("GET", $"/peer/{lan.Service("b").Node.Address}");
        Assert.All(peer.GetProperty("paths").EnumerateArray(), path => Assert.Equal(25UL, path.GetProperty("trustedPathId").GetUInt64()));

        // Who does not trust the path takes none of it.
        lan.Configure("b", "{}");
        await lan.Service("b").ReloadAsync();
        Assert.True(lan.Service("a").Node.TryGetNetwork(NetworkId.Parse(network), out var port));
        var address = DerivedAddresses.Rfc4193(NetworkId.Parse(network), lan.Service("b").Node.Address).Address.ToIPAddress();
        var before = lan.Service("b").Node.Counters.Dropped(DropReason.UntrustedPath);
        while (lan.Service("b").Node.Counters.Dropped(DropReason.UntrustedPath) == before)
            await port.PingAsync(address, TimeSpan.FromMilliseconds(100), cancellationToken: ServiceLan.Guard);
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{ "physical": { "127.0.0.0/8": { "mtu": 10100 } } }""", false)]
    public async Task Packets_are_cut_to_the_MTU_of_the_physical_network(string localConf, bool isCut)
    {
        await using var lan = await ServiceLan.StartAsync();
        var leaf = await lan.StartServiceAsync("a", localConf: localConf);
        await lan.StartServiceAsync("b");
        var network = await lan.JoinAllAsync("a", "b");
        await lan.PingAsync("a", "b", network, payloadBytes: 2_500);
        var counters = leaf.Node.Counters;
        long datagrams, packets;
        do
        {
            datagrams = counters.DatagramsSent;
            packets = Enumerable.Range(0, 32).Sum(verb => counters.Sent((Verb)verb));
        }
        while (counters.DatagramsSent != datagrams); // Read between two packets.

        Assert.Equal(isCut, datagrams > packets);
    }

    [Fact]
    public async Task Settings_that_are_changed_through_the_API_are_in_the_file_and_in_force()
    {
        await using var lan = await ServiceLan.StartAsync();
        var leaf = await lan.StartServiceAsync("a", localConf: """{ "virtual": {}, "settings": { "softwareUpdate": "disable", "interfacePrefixBlacklist": [ "lo" ] } }""");
        var client = lan.Client("a");
        Assert.Equal("""{"settings":{"interfacePrefixBlacklist":["lo"],"softwareUpdate":"disable"},"virtual":{}}""", (await client.CallAsync("GET", "/config")).GetRawText());
        Assert.Equal("{}", (await client.CallAsync("POST", "/config/settings", """{ "interfacePrefixBlacklist": [], "mine": { "b": 1, "a": 2 } }""")).GetRawText());
        await leaf.Node.WaitUntilOnlineAsync(ServiceLan.Guard);
        const string Expected = """{"settings":{"interfacePrefixBlacklist":[],"mine":{"a":2,"b":1},"softwareUpdate":"disable"},"virtual":{}}""";
        Assert.Equal(Expected, (await client.CallAsync("GET", "/config")).GetRawText());
        var status = (await client.CallAsync("GET", "/status")).GetProperty("config");
        Assert.Equal("""{"a":2,"b":1}""", status.GetProperty("settings").GetProperty("mine").GetRawText());
        Assert.Equal(["settings", "virtual"], status.EnumerateObject().Select(member => member.Name));
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(lan.Home("a"), "local.conf")));
        Assert.Equal(0, file.RootElement.GetProperty("settings").GetProperty("interfacePrefixBlacklist").GetArrayLength());

        Assert.Contains("primaryPort", await client.FailAsync(HttpStatusCode.BadRequest, "POST", "/config/settings", """{ "primaryPort": -1 }"""), StringComparison.Ordinal);
        await client.FailAsync(HttpStatusCode.BadRequest, "POST", "/config/settings", "no");
        Assert.Equal(Expected, (await client.CallAsync("GET", "/config")).GetRawText());
    }

    [Fact]
    public async Task An_invalid_file_does_not_change_a_running_service()
    {
        await using var lan = await ServiceLan.StartAsync();
        const string Sensible = """{ "lanyard": { "intercept": { "users": { "1": "all" } }, "proxies": [ { "listen": "127.0.0.1:0" } ] }, "settings": { "mine": 1 } }""";
        var leaf = await lan.StartServiceAsync("a", localConf: Sensible);
        var proxy = Assert.Single(leaf.Proxies.Listening);
        // One half of each makes sense. It is not taken without the other.
        foreach (var wrong in new[]
        {
            """{ "physical": { "127.0.0.0/8": { "blacklist": "yes" } }, "lanyard": {} }""",
            """{ "physical": { "127.0.0.0/8": { "blacklist": true } }, "lanyard": { "proxies": [ {} ] } }""",
            """{ "physical": { "127.0.0.0/8": { "blacklist": true } }, "lanyard": { "intercept": { "users": { "no such account": "all" } } } }""",
        })
        {
            lan.Configure("a", wrong);
            await leaf.ReloadAsync();
            await leaf.Node.WaitUntilOnlineAsync(ServiceLan.Guard);
            Assert.Equal(SortedText(Sensible), (await lan.Client("a").CallAsync("GET", "/config")).GetRawText());
            Assert.Equal(proxy, Assert.Single(leaf.Proxies.Listening));
        }

        static string SortedText(string json) => json.Replace(" ", "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_API_is_opened_to_the_networks_that_may_manage_the_node_and_closed_again()
    {
        var own = NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address)
            .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));
        if (own is null)
            Assert.Skip("This machine has no IPv4 address beside the loopback one.");
        await using var lan = await ServiceLan.StartAsync();
        var service = lan.Service("r");
        var token = lan.Client("r").Token;
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var url = $"http://{own}:{service.Port}/status?auth={token}";
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(url, ServiceLan.Guard));

        lan.Configure("r", $$"""{ "settings": { "allowManagementFrom": [ "{{own}}/32" ] } }""");
        await service.ReloadAsync();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(url, ServiceLan.Guard)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync($"http://{own}:{service.Port}/status", ServiceLan.Guard)).StatusCode);
        Assert.Equal(service.Node.Address.ToString(), (await lan.Client("r").CallAsync("GET", "/status")).GetProperty("address").GetString());

        lan.Configure("r", """{ "settings": { "allowManagementFrom": [ "203.0.113.0/24" ] } }""");
        await service.ReloadAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(url, ServiceLan.Guard)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync($"http://{own}:{service.Port}/health", ServiceLan.Guard)).StatusCode);

        lan.Configure("r", "{}");
        await service.ReloadAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(url, ServiceLan.Guard));
        Assert.Equal(service.Node.Address.ToString(), (await lan.Client("r").CallAsync("GET", "/status")).GetProperty("address").GetString());
    }
}
