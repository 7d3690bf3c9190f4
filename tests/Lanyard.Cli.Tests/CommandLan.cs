using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Service.Tests;
using Lanyard.Wire;
using Lanyard.Wire.Tests;

namespace Lanyard.Cli.Tests;

/// <summary>A root with a controller, as a process, with a public and a private network; and folders for nodes with recorded identities.</summary>
public sealed class CommandLan : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly HttpClient _api = new(new SocketsHttpHandler { UseProxy = false });
    private CommandProcess? _root;

    /// <summary>A network for everyone.</summary>
    public string PublicNetwork { get; private set; } = "";

    /// <summary>A network that nobody was let in to.</summary>
    public string PrivateNetwork { get; private set; } = "";

    public string RootHome => Home("root");

    public string Home(string name) => _folder.PathOf(name);

    public async ValueTask InitializeAsync()
    {
        var port = FreePort.Find();
        using var root = TestData.SecretIdentity("peer-1.14", "r");
        using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        var planet = World.Create(
            WorldType.Planet, 7, 1, key.PublicKey, [new WorldRoot(root.WithoutSecret(), [new InetEndpoint(InetAddress.Parse("127.0.0.1"), (ushort)port)])], key);
        MakeHome("root", "peer-1.14", "r", planet);
        MakeHome("server", "peer-1.14", "a", planet);
        MakeHome("other-server", "peer-1.14", "b", planet);
        MakeHome("client", "peer-1.4.6", "a", planet);
        MakeHome("service", "peer-1.4.6", "b", planet);
        _root = CommandProcess.Start("service", "--home", RootHome, "--port", $"{port}", "--controller");
        await _root.WaitForErrorAsync("Node ");
        _api.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        _api.DefaultRequestHeaders.Add("X-ZT1-Auth", File.ReadAllText(_folder.PathOf("root", "authtoken.secret")));
        PublicNetwork = await CreateNetworkAsync("""
            { "private": false, "v4AssignMode": { "zt": true }, "v6AssignMode": { "rfc4193": true }, "routes": [ { "target": "10.1.0.0/24" } ],
              "ipAssignmentPools": [ { "ipRangeStart": "10.1.0.2", "ipRangeEnd": "10.1.0.99" } ] }
            """);
        PrivateNetwork = await CreateNetworkAsync("""{ "private": true }""");
    }

    public async ValueTask DisposeAsync()
    {
        _api.Dispose();
        if (_root is not null)
            Assert.Equal(ExitCode.Ok, await _root.TerminateAsync());
        _root?.Dispose();
        _folder.Dispose();
    }

    private async Task<string> CreateNetworkAsync(string settings)
    {
        using var response = await _api.PostAsync(new Uri("/controller/network", UriKind.Relative), new StringContent(settings, Encoding.UTF8, "application/json"), CommandProcess.Guard);
        using var network = JsonDocument.Parse(await response.Content.ReadAsStringAsync(CommandProcess.Guard));
        return network.RootElement.GetProperty("id").GetString()!;
    }

    private void MakeHome(string name, string recording, string node, World planet)
    {
        Directory.CreateDirectory(Home(name));
        foreach (var kind in new[] { "secret", "public" })
            File.WriteAllText(_folder.PathOf(name, $"identity.{kind}"), TestData.Text(recording, $"{node}.identity.{kind}"));
        File.WriteAllBytes(_folder.PathOf(name, "planet"), planet.ToArray());
        // A node would narrow them, and say so.
        foreach (var file in OperatingSystem.IsWindows() ? [] : Directory.GetFiles(Home(name)))
            FileModes.Set(file, "0600");
    }
}
