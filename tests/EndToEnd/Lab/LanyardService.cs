using System.Globalization;
using System.Text.Json;
using Lanyard;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace EndToEnd.Lab;

/// <summary>Folders for nodes of a lab: an identity, and the planet that all nodes of the lab share.</summary>
internal sealed class LabPlanet
{
    private readonly World _planet;

    private LabPlanet(Identity root, World planet)
    {
        Root = root;
        _planet = planet;
    }

    public Identity Root { get; }

    public static LabPlanet Create(params InetEndpoint[] rootEndpoints)
    {
        var root = NewIdentity();
        using var key = WorldKey.Generate(System.Security.Cryptography.RandomNumberGenerator.Fill);
        return new LabPlanet(root, World.Create(
            WorldType.Planet, 0x1122_3344, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), key.PublicKey,
            [new WorldRoot(root.WithoutSecret(), rootEndpoints.ToEquatableArray())], key));
    }

    /// <summary>Makes a node's folder: with an identity of its own, or the root's.</summary>
    public (string Home, NodeAddress Address) NewHome(LabHost host, string name, bool isRoot = false)
    {
        var home = Directory.CreateDirectory(Path.Combine(host.Directory, name)).FullName;
        var identity = isRoot ? Root : NewIdentity();
        File.WriteAllText(Path.Combine(home, "identity.secret"), identity.ToSecretString());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(home, "identity.secret"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(Path.Combine(home, "identity.public"), identity.ToString());
        File.WriteAllBytes(Path.Combine(home, "planet"), _planet.ToArray());
        return (home, identity.Address);
    }

    private static Identity NewIdentity() => Identity.Generate(System.Security.Cryptography.RandomNumberGenerator.Fill);
}

/// <summary>A controller's JSON API on a lab's host, Lanyard's or the reference's: both have the same.</summary>
internal sealed class LabController(LabHost host, string home, NodeAddress address)
{
    private const string NetworkBody = """
        {"name":"lab","private":true,"enableBroadcast":true,"v4AssignMode":{"zt":true},"v6AssignMode":{"rfc4193":true,"6plane":true},
        "routes":[{"target":"10.144.0.0/16"}],"ipAssignmentPools":[{"ipRangeStart":"10.144.0.10","ipRangeEnd":"10.144.0.200"}],
        "rules":[{"type":"ACTION_ACCEPT"}]}
        """;

    public string Network { get; } = NetworkId.Create(address, 0xbeef).ToString();

    public async Task CreateNetworkAsync()
    {
        await Eventually.TrueAsync(async () => await TryCallAsync("controller", null) is { } answer && answer.TryGetProperty("controller", out _), "the controller answers");
        await CallAsync($"controller/network/{Network}", NetworkBody);
    }

    public Task AuthorizeAsync(NodeAddress member, bool authorized = true) =>
        CallAsync($"controller/network/{Network}/member/{member}", $$"""{"authorized":{{(authorized ? "true" : "false")}}}""");

    /// <summary>Calls the API of the controller's node. Throws if the node does not answer or refuses the call.</summary>
    public async Task<JsonElement> CallAsync(string path, string? body) =>
        await TryCallAsync(path, body) ?? throw new InvalidOperationException($"The controller did not answer {path}.");

    private async Task<JsonElement?> TryCallAsync(string path, string? body)
    {
        var token = Path.Combine(home, "authtoken.secret");
        if (!File.Exists(token))
            return null;
        string[] post = body is null ? [] : ["-X", "POST", "-d", body];
        var (exitCode, output, _) = await host.TryAsync(
            NamespaceLab.CommandTimeout,
            ["curl", "-s", "-f", "-m", "10", "-H", $"X-ZT1-Auth: {await File.ReadAllTextAsync(token)}", .. post, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:9993/{path}")]);
        return exitCode == 0 && output.StartsWith('{') ? JsonDocument.Parse(output).RootElement : null;
    }
}
