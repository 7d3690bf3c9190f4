using EndToEnd.Lab;
using Lanyard;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace EndToEnd;

/// <summary>
/// A LAN (192.168.60.0/24) behind a member that is the network's gateway to it. The gateway, a member with its own route to that LAN, and a member without one reach
/// it, each by the same path as a real node.
/// </summary>
public sealed class RouteTests
{
    private const string Behind = "192.168.60.1";
    private const string GatewayAddress = "10.144.0.5";

    [Theory]
    [InlineData("192.168.60.0/24")]
    [InlineData("192.168.0.0/16")]
    [InlineData("0.0.0.0/0")]
    public async Task A_managed_route_leaves_a_machine_what_it_reaches_by_itself(string target)
    {
        await using var lab = await NamespaceLab.CreateAsync("curl", "python3");
        var root = await LabRoot.CreateAsync(lab);
        var gateway = await lab.AddHostAsync("g", 2);
        var neighbor = await lab.AddHostAsync("n", 3);
        var lan = await lab.AddHostAsync("l", 4);
        await lan.RunAsync("ip", "addr", "add", $"{Behind}/24", "dev", "lo");
        foreach (var (host, form) in new[] { (gateway, 0x0123456789ul), (neighbor, 0x0123456788ul) })
        {
            await host.RunAsync("ip", "route", "add", "192.168.60.0/24", "via", "10.99.0.4");
            // One in 64 of the addresses that systems choose by chance has the form of a member's on the network: so has this one.
            await host.RunAsync("ip", "link", "set", "eth0", "address", DerivedAddresses.Mac(NetworkId.Parse(root.Network), new NodeAddress(form)).ToString());
        }

        File.WriteAllText(Path.Combine(lan.Directory, "index.html"), "behind");
        lan.Start("python3", "-m", "http.server", "8000", "--bind", Behind, "--directory", lan.Directory);
        await root.StartAsync();

        foreach (var (host, address) in new[] { (gateway, GatewayAddress), (neighbor, "10.144.0.6") })
        {
            var (home, node) = await root.AddMemberAsync(host, "leaf");
            await root.Controller.CallAsync($"controller/network/{root.Network}/member/{node}", $$"""{"ipAssignments":["{{address}}"]}""");
            await File.WriteAllTextAsync(Path.Combine(home, "local.conf"), """{ "lanyard": { "proxies": [ { "listen": 1080, "outside": "host" } ] } }""");
            host.StartLanyard("service", "--home", home);
            await Eventually.TrueAsync(async () => File.Exists(Path.Combine(home, "authtoken.secret")) && (await host.TryAsync(NamespaceLab.CommandTimeout,
                "curl", "-s", "-f", "-m", "5", "http://127.0.0.1:9993/health")).ExitCode == 0, "the service answers");
            await CallAsync(host, await File.ReadAllTextAsync(Path.Combine(home, "authtoken.secret")), $"network/{root.Network}", """{"allowDefault":true}""");
        }

        await root.Controller.CallAsync($"controller/network/{root.Network}",
            $$"""{"routes":[{"target":"10.144.0.0/16"},{"target":"{{target}}","via":"{{GatewayAddress}}"}]}""");
        foreach (var host in new[] { neighbor, gateway })
        {
            var home = Path.Combine(host.Directory, "leaf");
            // The API reports the controller's routes, as existing nodes do.
            await Eventually.TrueAsync(async () => (await GetAsync(host, home, $"network/{root.Network}")).Contains($"\"{target}\"", StringComparison.Ordinal), "the configuration has come");
            var (exitCode, output, error) = await host.TryAsync(NamespaceLab.CommandTimeout, "curl", "-s", "-S", "-m", "60", "-x", "socks5h://127.0.0.1:1080", $"http://{Behind}:8000/");
            Assert.True(exitCode == 0 && output == "behind", $"{host.Namespace}: {output}{error}");
        }
    }

    private static Task<string> CallAsync(LabHost host, string token, string path, string body) =>
        host.RunAsync("curl", "-s", "-S", "-f", "-m", "60", "-H", $"X-ZT1-Auth: {token}", "-X", "POST", "-d", body, $"http://127.0.0.1:9993/{path}");

    private static async Task<string> GetAsync(LabHost host, string home, string path) => await host.RunAsync(
        "curl", "-s", "-S", "-f", "-m", "60", "-H", $"X-ZT1-Auth: {await File.ReadAllTextAsync(Path.Combine(home, "authtoken.secret"))}", $"http://127.0.0.1:9993/{path}");
}
