using System.Globalization;
using System.Text.Json;
using EndToEnd.Lab;

namespace EndToEnd.Interop;

/// <summary>A real node and then a Lanyard service use the same folder: both apply the same settings of its <c>local.conf</c>.</summary>
public sealed class TakeoverTests
{
    private const int Port = 9994;
    private const string Late = "10.99.0.200";

    [Theory]
    [InlineData("ZEROTIER_ONE")]
    public async Task A_local_conf_with_values_of_other_types_means_the_same_to_both(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        await using var lab = await NamespaceLab.CreateAsync("curl");
        var root = await LabRoot.CreateAsync(lab);
        var host = await lab.AddHostAsync("a", 2);
        var other = await lab.AddHostAsync("b", 3);
        await root.StartAsync();
        var (home, address) = await root.AddMemberAsync(host, "leaf");
        await File.WriteAllTextAsync(Path.Combine(home, "local.conf"), $$"""
            {
              "settings": { "primaryPort": "{{Port}}", "bind": [ "10.99.0.2/0", "{{Late}}" ], "allowManagementFrom": [ "0.0.0.0" ], "interfacePrefixBlacklist": [ "", 7 ],
                "portMappingEnabled": "0", "allowTcpFallbackRelay": 0, "secondaryPort": "0", "softwareUpdate": "disable" },
              "physical": { "10.99.0.0/24": { "mtu": 1300, "blacklist": 0 }, "192.0.2.0/24": { "blacklist": "true" } }
            }
            """);
        foreach (var line in new[] { [binary, "-U", home], LanyardCommand.Line("service", "--home", home).ToArray() })
        {
            using (host.Start(line))
            {
                await Eventually.TrueAsync(async () => await TryGetAsync(host, "127.0.0.1", home) is { } status && status.GetProperty("online").GetBoolean(), $"{line[0]} is online");
                var status = await TryGetAsync(host, "127.0.0.1", home);
                Assert.Equal(address.ToString(), status?.GetProperty("address").GetString());
                Assert.Equal(Port, status?.GetProperty("config").GetProperty("settings").GetProperty("primaryPort").GetInt32());
                Assert.Equal(address.ToString(), (await TryGetAsync(other, "10.99.0.2", home))?.GetProperty("address").GetString());

                await host.RunAsync("ip", "addr", "add", $"{Late}/24", "dev", "eth0");
                await Eventually.TrueAsync(async () => (await ListeningAsync(host)).Contains(string.Create(CultureInfo.InvariantCulture, $"{Late}:{Port}"), StringComparison.Ordinal), "the address that came up is bound");
            }

            await Eventually.TrueAsync(async () => await TryGetAsync(host, "127.0.0.1", home) is null, "the process has ended");
            await host.RunAsync("ip", "addr", "del", $"{Late}/24", "dev", "eth0");
        }
    }

    private static Task<string> ListeningAsync(LabHost host) => host.RunAsync("ss", "-lnu");

    private static async Task<JsonElement?> TryGetAsync(LabHost from, string address, string home)
    {
        var token = Path.Combine(home, "authtoken.secret");
        if (!File.Exists(token))
            return null;
        var (exitCode, output, _) = await from.TryAsync(
            NamespaceLab.CommandTimeout, "curl", "-s", "-m", "60", "-H", $"X-ZT1-Auth: {await File.ReadAllTextAsync(token)}", string.Create(CultureInfo.InvariantCulture, $"http://{address}:{Port}/status"));
        return exitCode == 0 && output.StartsWith('{') ? JsonDocument.Parse(output).RootElement : null;
    }
}
