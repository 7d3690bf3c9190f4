using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lanyard.Service.Tests;

/// <summary>Start and end of a service, and the files in its folder.</summary>
public sealed class LifeTests
{
    [Fact]
    public async Task The_folder_of_a_service_contains_its_port_while_it_runs()
    {
        await using var lan = await ServiceLan.StartAsync();
        var home = lan.Home("r");
        Assert.Equal(lan.Service("r").Port.ToString(CultureInfo.InvariantCulture), File.ReadAllText(Path.Combine(home, "zerotier-one.port")));
        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), File.ReadAllText(Path.Combine(home, "zerotier-one.pid")));
        var token = File.ReadAllText(Path.Combine(home, "authtoken.secret"));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(home, "authtoken.secret")));

        await lan.StopServiceAsync("r");
        Assert.False(File.Exists(Path.Combine(home, "zerotier-one.port")));
        Assert.False(File.Exists(Path.Combine(home, "zerotier-one.pid")));
        await lan.StartServiceAsync("r");
        Assert.Equal(token, lan.Client("r").Token);
    }

    [Fact]
    public async Task A_network_that_was_joined_is_remembered_with_its_settings_until_it_is_left()
    {
        await using var lan = await ServiceLan.StartAsync();
        var network = (await lan.Client("r").CallAsync("POST", "/controller/network", """{ "private": false }""")).GetProperty("id").GetString()!;
        await lan.StartServiceAsync("a");
        var joined = await lan.Client("a").CallAsync("POST", $"/network/{network}", """{ "allowDNS": true, "allowManaged": false }""");
        Assert.True(joined.GetProperty("allowDNS").GetBoolean());
        await lan.WaitForNetworkAsync("a", network, told => told.GetProperty("status").GetString() == "OK");
        // The service writes the file asynchronously.
        while (!File.Exists(Path.Combine(lan.Home("a"), "networks.d", $"{network}.conf")))
            await Task.Delay(5, ServiceLan.Guard);

        await lan.StopServiceAsync("a");
        await lan.StartServiceAsync("a");
        var remembered = await lan.WaitForNetworkAsync("a", network, told => told.GetProperty("status").GetString() == "OK");
        Assert.True(remembered.GetProperty("allowDNS").GetBoolean());
        Assert.False(remembered.GetProperty("allowManaged").GetBoolean());

        Assert.True((await lan.Client("a").CallAsync("DELETE", $"/network/{network}")).GetProperty("result").GetBoolean());
        Assert.Empty((await lan.Client("a").CallAsync("GET", "/network")).EnumerateArray());
        await lan.StopServiceAsync("a");
        await lan.StartServiceAsync("a");
        Assert.Empty((await lan.Client("a").CallAsync("GET", "/network")).EnumerateArray());
    }

    [Fact]
    public async Task Members_meet_on_a_network_that_was_joined_through_the_API()
    {
        await using var lan = await ServiceLan.StartAsync();
        const string Body = """
            { "private": false, "v4AssignMode": { "zt": true }, "routes": [ { "target": "10.1.0.0/24" } ],
              "ipAssignmentPools": [ { "ipRangeStart": "10.1.0.2", "ipRangeEnd": "10.1.0.9" } ] }
            """;
        var network = (await lan.Client("r").CallAsync("POST", "/controller/network", Body)).GetProperty("id").GetString()!;
        foreach (var leaf in new[] { "a", "b" })
        {
            await lan.StartServiceAsync(leaf);
            await lan.Client(leaf).CallAsync("POST", $"/network/{network}", "{}");
        }

        var told = await lan.WaitForNetworkAsync("b", network, one => one.GetProperty("assignedAddresses").GetArrayLength() == 1);
        await lan.WaitForNetworkAsync("a", network, one => one.GetProperty("status").GetString() == "OK");
        var address = IPAddress.Parse(told.GetProperty("assignedAddresses")[0].GetString()!.Split('/')[0]);
        Assert.True(lan.Service("a").Node.TryGetNetwork(NetworkId.Parse(network), out var port));
        var reply = await port.PingAsync(address, TimeSpan.FromMinutes(1), cancellationToken: ServiceLan.Guard);
        Assert.True(reply.IsSuccess, reply.ToString());
    }

    [Fact]
    public async Task A_controllers_networks_survive_a_restart()
    {
        await using var lan = await ServiceLan.StartAsync();
        var network = (await lan.Client("r").CallAsync("POST", "/controller/network", """{ "name": "kept" }""")).GetProperty("id").GetString()!;
        await lan.StopServiceAsync("r");
        await lan.StartServiceAsync("r", isController: true);
        Assert.Equal("kept", (await lan.Client("r").CallAsync("GET", $"/controller/network/{network}")).GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_port_that_another_program_listens_on_is_named()
    {
        using var folder = new TestFolder();
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var port = ((IPEndPoint)other.LocalEndPoint!).Port;
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        var failure = await Assert.ThrowsAsync<LanyardException>(() => LanyardService.StartAsync(
            new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = port }, ServiceLan.Guard));
        Assert.Contains($"port {port}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_may_use_any_port_takes_another_when_its_last_one_is_taken_for_TCP()
    {
        using var folder = new TestFolder();
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var taken = ((IPEndPoint)other.LocalEndPoint!).Port;
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        File.WriteAllText(folder.PathOf("lanyard.port"), taken.ToString(CultureInfo.InvariantCulture));
        await using var service = await LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = 0 }, ServiceLan.Guard);
        Assert.NotEqual(taken, service.Port);
        Assert.Equal(service.Port.ToString(CultureInfo.InvariantCulture), File.ReadAllText(folder.PathOf("lanyard.port")));
    }

    [Theory]
    [InlineData("authtoken.secret")]
    [InlineData("metricstoken.secret")]
    public async Task An_empty_token_file_gets_a_new_token_and_the_log_says_so(string file)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        File.WriteAllText(folder.PathOf(file), " \n");
        using var log = new LogCollector();
        await using var service = await LanyardService.StartAsync(new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = 0, LoggerFactory = log }, ServiceLan.Guard);
        Assert.Equal(24, File.ReadAllText(folder.PathOf(file)).Length);
        Assert.Equal("0600", FileModes.Of(folder.PathOf(file)));
        Assert.Contains(log.Lines, line => line.Contains(folder.PathOf(file), StringComparison.Ordinal) && line.Contains("new token", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("local.conf", "{ settings: }")]
    [InlineData("identity.secret", "not an identity")]
    public async Task A_file_that_cannot_be_used_is_named_and_left_as_it_is(string file, string content)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        File.WriteAllText(folder.PathOf(file), content);
        var failure = await Assert.ThrowsAnyAsync<LanyardStateException>(() => LanyardService.StartAsync(
            new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = file == "local.conf" ? null : 0 }, ServiceLan.Guard));
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(folder.PathOf(file)));
    }
}
