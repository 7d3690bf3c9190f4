using System.Globalization;
using System.Text.Json;

namespace EndToEnd.Lab;

/// <summary>A ZeroTier One node that a test runs on a lab's host, driven through its local JSON API.</summary>
internal sealed class RealNode
{
    private readonly LabHost _host;
    private readonly string _home;

    private RealNode(LabHost host, string home)
    {
        _host = host;
        _home = home;
    }

    public required RunningProcess Process { get; init; }

    private int Port { get; init; } = 9993;

    public string Address => File.ReadAllText(Path.Combine(_home, "identity.public"))[..10];

    /// <summary>The binary that an environment variable names; skips the test where it names none.</summary>
    public static string BinaryOrSkip(string variable)
    {
        var path = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(path))
            Assert.Skip($"{variable} does not name a ZeroTier One binary.");
        if (!File.Exists(path))
            Assert.Skip($"{variable} names '{path}', which does not exist.");
        return path;
    }

    public static async Task<RealNode> StartAsync(LabHost host, string binary, string home, int port = 9993)
    {
        var process = host.Start(binary, "-U", string.Create(CultureInfo.InvariantCulture, $"-p{port}"), home);
        var node = new RealNode(host, home) { Process = process, Port = port };
        await Eventually.TrueAsync(async () => (await node.TryGetAsync("status"))?.GetProperty("address").GetString() is { Length: 10 }, "the real node answers");
        return node;
    }

    public async Task<JsonElement?> TryGetAsync(string path)
    {
        var token = Path.Combine(_home, "authtoken.secret");
        if (!File.Exists(token))
            return null;
        var (exitCode, output, _) = await _host.TryAsync(NamespaceLab.CommandTimeout, "curl", "-s", "-m", "5", "-H", $"X-ZT1-Auth: {await File.ReadAllTextAsync(token)}", Url(path));
        return exitCode == 0 && output.StartsWith('{') ? JsonDocument.Parse(output).RootElement : null;
    }

    public async Task<JsonElement> PostAsync(string path, string body)
    {
        var token = await File.ReadAllTextAsync(Path.Combine(_home, "authtoken.secret"));
        var output = await _host.RunAsync("curl", "-s", "-f", "-m", "10", "-H", $"X-ZT1-Auth: {token}", "-X", "POST", "-d", body, Url(path));
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Waits until the node is on a network and gives its addresses, without prefix lengths.</summary>
    public async Task<IReadOnlyList<string>> WaitForAddressesAsync(string network)
    {
        IReadOnlyList<string> addresses = [];
        await Eventually.TrueAsync(
            async () =>
            {
                if (await TryGetAsync($"network/{network}") is not { } status || status.GetProperty("status").GetString() != "OK")
                    return false;
                addresses = [.. status.GetProperty("assignedAddresses").EnumerateArray().Select(a => a.GetString()!.Split('/')[0])];
                return addresses.Count >= 3;
            },
            "the real node has its addresses");
        return addresses;
    }

    private string Url(string path) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/{path}");
}
