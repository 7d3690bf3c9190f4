using System.Text.Json;
using System.Text.RegularExpressions;
using EndToEnd.Lab;
using Lanyard;
using Lanyard.Service.Tests;
using Lanyard.Wire;

namespace EndToEnd.Interop;

/// <summary>
/// The reference's command line with a Lanyard service, and Lanyard's with a real node. The binaries come from the environment: ZEROTIER_ONE (1.14) and
/// ZEROTIER_ONE_OLD (1.4.6); invoked with <c>-q</c> they are <c>zerotier-cli</c>.
/// </summary>
public sealed class CommandLineTests
{
    private const string Address = "[0-9a-f]{10}";
    private const string Mac = "([0-9a-f]{2}:){5}[0-9a-f]{2}";
    private const string Info = $@"^200 info {Address} 1\.14\.1 ONLINE\n$";
    private const string Networks =
        $@"^200 listnetworks <nwid> <name> <mac> <status> <type> <dev> <ZT assigned ips>\n(200 listnetworks [0-9a-f]{{16}} \S+ {Mac} OK PRIVATE zt[a-z2-7]{{8}} [0-9a-f.:]+/\d+(,[0-9a-f.:]+/\d+)*\n)+$";
    private const string ListPeers =
        $@"^200 listpeers <ztaddr> <path> <latency> <version> <role>\n(200 listpeers {Address} [0-9a-f.:]+/\d+;\d+;\d+ \d+ \d+\.\d+\.\d+ (PLANET|LEAF)\n)+$";
    private const string Peers =
        $@"^200 peers\n<ztaddr>   <ver>  <role> <lat> <link>   <lastTX> <lastRX> <path>\n({Address} \d+\.\d+\.\d+ +(PLANET|LEAF  ) +\d+ DIRECT   \d+ +\d+ +[0-9a-f.:]+/\d+\n)+$";

    // Narrower columns, before the recordings' version.
    private const string OldPeers =
        $@"^200 peers\n<ztaddr>   <ver>  <role> <lat> <link> <lastTX> <lastRX> <path>\n({Address} \d+\.\d+\.\d+ +(PLANET|LEAF  ) +\d+ DIRECT +\d+ +\d+ +[0-9a-f.:]+/\d+\n)+$";

    private static readonly string[] Recordings = ["peer-1.14", "peer-1.4.6"];

    [Fact]
    public void The_command_line_answers_as_recorded()
    {
        foreach (var recording in Recordings)
        {
            Assert.Matches(Info, Recorded(recording, "cli_info.txt"));
            Assert.Matches(Networks, Recorded(recording, "cli_listnetworks.txt"));
            Assert.Matches(ListPeers, Recorded(recording, "cli_listpeers.txt"));
            Assert.Matches(Peers, Recorded(recording, "cli_peers.txt"));
        }
    }

    [Theory]
    [InlineData("ZEROTIER_ONE")]
    [InlineData("ZEROTIER_ONE_OLD")]
    public async Task The_references_command_line_works_with_a_Lanyard_service(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        var isOld = variable == "ZEROTIER_ONE_OLD";
        await using var lab = await NamespaceLab.CreateAsync("curl");
        var root = await LabRoot.CreateAsync(lab);
        var moon = AddMoon(root.Identity, root.Home);
        await root.StartAsync();
        var host = await lab.AddHostAsync("a", 2);
        var (home, address) = await root.AddMemberAsync(host, "leaf");
        host.StartLanyard("service", "--home", home);
        var cli = new ReferenceCommand(host, binary, home);
        await Eventually.TrueAsync(async () => (await cli.TryAsync("info")).Output.Contains("ONLINE", StringComparison.Ordinal), "the service is online");

        Assert.Matches(Info, await cli.RunAsync("info"));
        Assert.StartsWith($"200 info {address} ", await cli.RunAsync("status"), StringComparison.Ordinal);
        AssertRecorded("status.json", await cli.RunJsonAsync("info", "-j"), ".online", ".tcpFallbackActive", ".version");
        if (!isOld)
            AssertRecorded("status.json", JsonElement(await cli.RunAsync("/status")), ".online", ".tcpFallbackActive", ".version");

        Assert.Equal("200 join OK\n", await cli.RunAsync("join", root.Network));
        await Eventually.TrueAsync(async () => (await cli.RunAsync("listnetworks")).Contains(" OK PRIVATE ", StringComparison.Ordinal), "the service is a member");
        Assert.Matches(Networks, await cli.RunAsync("listnetworks"));
        // What the recorded network and the lab's have in common.
        string[] same = [".allowDNS", ".allowDefault", ".allowGlobal", ".allowManaged", ".bridge", ".broadcastEnabled", ".dhcp", ".mtu", ".portError", ".status", ".type"];
        AssertRecorded("network_one.json", Assert.Single((await cli.RunJsonAsync("listnetworks", "-j")).EnumerateArray()), same);
        AssertRecorded("network_one.json", await cli.RunJsonAsync("join", root.Network, "-j"), same);

        Assert.Matches(ListPeers, await cli.RunAsync("listpeers"));
        Assert.Matches(isOld ? OldPeers : Peers, await cli.RunAsync("peers"));
        AssertRecorded("peer.json", await cli.RunJsonAsync("peers", "-j"));
        AssertRecorded("peer.json", await cli.RunJsonAsync("listpeers", "-j"));

        Assert.Equal("OK\n", await cli.RunAsync("get", root.Network, "status"));
        Assert.Equal("lab\n", await cli.RunAsync("get", root.Network, "name"));
        if (!isOld)
        {
            Assert.Matches(@"^10\.144\.0\.\d+\n$", await cli.RunAsync("get", root.Network, "ip4"));
            Assert.Equal(DerivedAddresses.SixPlane(NetworkId.Parse(root.Network), address).Address + "\n", await cli.RunAsync("get", root.Network, "ip6plane"));
        }

        Assert.True((await cli.RunJsonAsync("set", root.Network, "allowGlobal=1")).GetProperty("allowGlobal").GetBoolean());
        Assert.False((await cli.RunJsonAsync("set", root.Network, "allowGlobal=0")).GetProperty("allowGlobal").GetBoolean());

        Assert.Equal("[]\n", await cli.RunAsync("listmoons"));
        var seed = root.Address.ToString();
        Assert.Equal("200 orbit OK\n", await cli.RunAsync("orbit", seed, seed));
        await Eventually.TrueAsync(async () => (await cli.RunJsonAsync("listmoons")).GetArrayLength() == 1, "the moon arrived");
        var told = (await cli.RunJsonAsync("listmoons"))[0];
        Assert.Equal($"000000{seed}", told.GetProperty("id").GetString());
        Assert.Equal(moon.Timestamp, told.GetProperty("timestamp").GetInt64());
        Assert.Equal("200 deorbit OK\n", await cli.RunAsync("deorbit", seed));
        Assert.Equal("[]\n", await cli.RunAsync("listmoons"));

        if (!isOld)
        {
            var dump = await host.RunAsync("sh", "-c", $"cd {lab.Directory} && {binary} -q -D{home} dump");
            Assert.Contains("zerotier_dump.txt", dump, StringComparison.Ordinal);
            var sections = await File.ReadAllTextAsync(Path.Combine(lab.Directory, "zerotier_dump.txt"));
            AssertRecorded("status.json", Section(sections, "status\n------\n"), ".online");
            AssertRecorded("network.json", Section(sections, "networks\n--------\n"));
            AssertRecorded("peer.json", Section(sections, "peers\n-----\n"));
        }

        Assert.Equal("200 leave OK\n", await cli.RunAsync("leave", root.Network));
        Assert.Equal("200 listnetworks <nwid> <name> <mac> <status> <type> <dev> <ZT assigned ips>\n", await cli.RunAsync("listnetworks"));
        var refused = await cli.TryAsync("-Twrong", "listnetworks");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("401 listnetworks", refused.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ZEROTIER_ONE")]
    [InlineData("ZEROTIER_ONE_OLD")]
    public async Task Lanyards_command_line_works_with_a_real_node(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        await using var lab = await NamespaceLab.CreateAsync("curl");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync();
        var host = await lab.AddHostAsync("a", 2);
        var (home, address) = await root.AddMemberAsync(host, "real");
        await RealNode.StartAsync(host, binary, home);
        string[] at = ["--home", home];
        async Task<string> LanyardAsync(params string[] arguments) => await host.LanyardAsync(NamespaceLab.CommandTimeout, [.. arguments, .. at]);

        await Eventually.TrueAsync(async () => (await LanyardAsync("info")).EndsWith(" ONLINE\n", StringComparison.Ordinal), "the real node is online");
        Assert.Equal(address.ToString(), JsonElement(await LanyardAsync("info", "--json")).GetProperty("address").GetString());
        var joined = await LanyardAsync("join", root.Network, "--wait", "60");
        Assert.Contains($"{root.Network}  lab", joined, StringComparison.Ordinal);
        Assert.Contains("  OK  ", joined, StringComparison.Ordinal);
        Assert.Contains(root.Network, await LanyardAsync("networks"), StringComparison.Ordinal);
        Assert.Equal("OK", JsonElement(await LanyardAsync("networks", "--json"))[0].GetProperty("status").GetString());
        Assert.Matches($"(?m)^{root.Address} +\\S+ +PLANET +\\d+ ms +DIRECT +10.99.0.1/9993$", await LanyardAsync("peers"));
        var status = await LanyardAsync("status");
        Assert.Contains(address.ToString(), status, StringComparison.Ordinal);
        Assert.Contains(root.Network, status, StringComparison.Ordinal);
        Assert.Contains(root.Address.ToString(), status, StringComparison.Ordinal);
        var whole = JsonElement(await LanyardAsync("status", "--json"));
        Assert.Equal(["networks", "peers", "status", "traffic"], whole.EnumerateObject().Select(field => field.Name).Order());
        await LanyardAsync("leave", root.Network);
        Assert.Equal("[]\n", await LanyardAsync("networks", "--json"));
    }

    [Fact]
    public async Task A_service_goes_on_when_its_interface_goes_and_comes_back_with_another_address()
    {
        await using var lab = await NamespaceLab.CreateAsync("curl");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync();
        var hostA = await lab.AddHostAsync("a", 2);
        var hostB = await lab.AddHostAsync("b", 3);
        var (homeA, addressA) = await root.AddMemberAsync(hostA, "leaf");
        var (homeB, _) = await root.AddMemberAsync(hostB, "leaf");
        var service = hostA.StartLanyard("service", "--home", homeA, "--log", "information", "--log-format", "json");
        await service.WaitForLineAsync("API at", TimeSpan.FromMinutes(1));
        await hostA.LanyardAsync(NamespaceLab.CommandTimeout, "join", root.Network, "--wait", "60", "--home", homeA);
        var watch = hostA.StartLanyard("status", "--watch", "--json", "--interval", "0.2", "--home", homeA);
        await watch.WaitForLineAsync("\"receivedBytesPerSecond\":null", TimeSpan.FromMinutes(1));
        await Eventually.TrueAsync(() => Task.FromResult(Regex.IsMatch(watch.Output, "\"receivedBytesPerSecond\":[0-9]")), "rates are shown");
        Assert.Equal(0, await watch.TerminateAsync(TimeSpan.FromSeconds(30)));
        var target = DerivedAddresses.Rfc4193(NetworkId.Parse(root.Network), addressA).Address.ToString();
        string[] ping = ["ping", target, "--count", "2", "--interval", "0.2", "--home", homeB, "--network", root.Network];
        await Eventually.TrueAsync(async () => (await hostB.TryAsync(NamespaceLab.CommandTimeout, LanyardCommand.Line(ping))).ExitCode == 0, "the leaf is reached");

        await hostA.RunAsync("ip", "link", "set", "eth0", "down");
        await hostA.RunAsync("ip", "addr", "flush", "dev", "eth0");
        await hostA.RunAsync("ip", "addr", "add", "10.99.0.42/24", "dev", "eth0");
        await hostA.RunAsync("ip", "link", "set", "eth0", "up");
        await Eventually.TrueAsync(
            async () => JsonElement(await hostA.LanyardAsync(NamespaceLab.CommandTimeout, "info", "--json", "--home", homeA))
                .GetProperty("config").GetProperty("settings").GetProperty("listeningOn").GetRawText().Contains("10.99.0.42/", StringComparison.Ordinal),
            "the service knows its new address");
        await Eventually.TrueAsync(async () => (await hostB.TryAsync(NamespaceLab.CommandTimeout, LanyardCommand.Line(ping))).ExitCode == 0, "the leaf is reached at its new address");

        // Each line of the log is an object of its own.
        var events = service.Output.Split('\n').Where(line => line.StartsWith('{')).Select(JsonElement).ToArray();
        Assert.Contains(events, entry => entry.GetProperty("message").GetString()!.Contains("10.99.0.42", StringComparison.Ordinal));
        Assert.All(events, entry => Assert.Equal(["time", "level", "category", "id", "event", "message"], entry.EnumerateObject().Select(field => field.Name).Take(6)));
        Assert.Equal(0, await service.TerminateAsync(TimeSpan.FromSeconds(30)));
        Assert.False(File.Exists(Path.Combine(homeA, "zerotier-one.port")));
    }

    /// <summary>Makes a moon of a root, and has the root follow it.</summary>
    private static World AddMoon(Identity root, string home)
    {
        using var key = WorldKey.Generate(System.Security.Cryptography.RandomNumberGenerator.Fill);
        var moon = World.Create(
            WorldType.Moon, root.Address.Value, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), key.PublicKey,
            [new WorldRoot(root.WithoutSecret(), new[] { LabRoot.Endpoint }.ToEquatableArray())], key);
        var folder = Directory.CreateDirectory(Path.Combine(home, "moons.d")).FullName;
        File.WriteAllBytes(Path.Combine(folder, $"000000{root.Address}.moon"), moon.ToArray());
        return moon;
    }

    private static void AssertRecorded(string file, JsonElement actual, params string[] sameValues)
    {
        foreach (var recording in Recordings)
            JsonShape.AssertSame(JsonShape.Recorded(recording, file), actual, sameValues.Contains);
    }

    private static string Recorded(string recording, string file) => File.ReadAllText(TestData.PathOf(recording, "api", file));

    private static JsonElement JsonElement(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    /// <summary>The JSON that stands on the line after a heading of a dump.</summary>
    private static JsonElement Section(string dump, string heading)
    {
        var start = dump.IndexOf(heading, StringComparison.Ordinal);
        Assert.True(start >= 0, dump);
        start += heading.Length;
        return JsonElement(dump[start..dump.IndexOf('\n', start)]);
    }

    private sealed class ReferenceCommand(LabHost host, string binary, string home)
    {
        public Task<(int ExitCode, string Output, string Error)> TryAsync(params string[] arguments) =>
            host.TryAsync(NamespaceLab.CommandTimeout, [binary, "-q", $"-D{home}", .. arguments]);

        public async Task<string> RunAsync(params string[] arguments)
        {
            var (exitCode, output, error) = await TryAsync(arguments);
            Assert.True(exitCode == 0, $"'{string.Join(' ', arguments)}' ended with {exitCode}: {output}{error}");
            return output;
        }

        public async Task<JsonElement> RunJsonAsync(params string[] arguments) => JsonElement(await RunAsync(arguments));
    }
}
