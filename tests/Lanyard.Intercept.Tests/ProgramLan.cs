using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lanyard.Cli.Tests;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Tests;

namespace Lanyard.Intercept.Tests;

/// <summary>A root with a controller and two services, each a process, on one network; programs run beside the services.</summary>
public partial class ProgramLan : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly HttpClient _api = new(new SocketsHttpHandler { UseProxy = false });
    private readonly Dictionary<string, ProgramProcess> _services = [];
    private readonly Dictionary<string, string> _addresses = [];

    public string Network { get; private set; } = "";

    /// <summary>A folder for what programs need.</summary>
    public string Folder => _folder.PathOf("programs");

    /// <summary>A service's address on the network.</summary>
    public string Address(string service, bool v6 = false) => _addresses[service + (v6 ? "6" : "4")];

    /// <summary>The same as in a URL.</summary>
    public string Host(string service, bool v6) => v6 ? $"[{Address(service, v6)}]" : Address(service);

    /// <summary>A service's node address.</summary>
    public string Node(string service) => File.ReadAllText(Path.Combine(Home(service), "identity.public"))[..10];

    public string Home(string service) => service.Length == 0 ? _folder.PathOf() : _folder.PathOf(service);

    /// <summary>How many MiB of objects a service may hold; null for as many as the machine has room for.</summary>
    protected virtual int? HeapMiB => null;

    public ProgramProcess Service(string name) => _services[name];

    /// <summary>How many descriptors a service has open.</summary>
    public int CountDescriptors(string service) => Directory.GetFiles($"/proc/{Service(service).Id}/fd").Length;

    /// <summary>How much memory of the machine is a service's own, in KiB: without what is mapped from files.</summary>
    public long OwnKiB(string service) => long.Parse(
        File.ReadLines($"/proc/{Service(service).Id}/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public async ValueTask InitializeAsync()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(Path.Combine(AppContext.BaseDirectory, "liblanyard-intercept.so")))
            return;
        var port = FreePort.Find();
        using var root = TestData.SecretIdentity("peer-1.14", "r");
        using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        var planet = World.Create(
            WorldType.Planet, 9, 1, key.PublicKey, [new WorldRoot(root.WithoutSecret(), [new InetEndpoint(InetAddress.Parse("127.0.0.1"), (ushort)port)])], key);
        Directory.CreateDirectory(Folder);
        foreach (var name in new[] { "r", "a", "b" })
        {
            Directory.CreateDirectory(Home(name));
            foreach (var kind in new[] { "secret", "public" })
                File.WriteAllText(Path.Combine(Home(name), $"identity.{kind}"), TestData.Text("peer-1.14", $"{name}.identity.{kind}"));
            File.WriteAllBytes(Path.Combine(Home(name), "planet"), planet.ToArray());
        }

        Unprivileged.Own(_folder.PathOf());
        await StartServiceAsync("r", "--port", $"{port}", "--controller");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{port}/controller/network");
        request.Headers.Add("X-ZT1-Auth", File.ReadAllText(Path.Combine(Home("r"), "authtoken.secret")));
        request.Content = new StringContent(
            """
            { "private": false, "v4AssignMode": { "zt": true }, "v6AssignMode": { "rfc4193": true }, "routes": [ { "target": "10.77.0.0/16" } ],
              "ipAssignmentPools": [ { "ipRangeStart": "10.77.0.2", "ipRangeEnd": "10.77.0.99" } ] }
            """,
            Encoding.UTF8,
            "application/json");
        using var response = await _api.SendAsync(request, ProgramProcess.Guard);
        using var made = JsonDocument.Parse(await response.Content.ReadAsStringAsync(ProgramProcess.Guard));
        Network = made.RootElement.GetProperty("id").GetString()!;
        foreach (var name in new[] { "a", "b" })
        {
            await StartServiceAsync(name, "--port", "0");
            await JoinAsync(name);
        }
    }

    /// <summary>Starts a service, or starts it again.</summary>
    public async Task StartServiceAsync(string name, params string[] args)
    {
        string[] limit = HeapMiB is { } limited ? ["env", $"DOTNET_GCHeapHardLimit={limited << 20:x}"] : [];
        var service = ProgramProcess.Start(Home(name), [.. limit, "dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), "service", "--home", Home(name), .. args]);
        _services[name] = service;
        await UntilAsync(() => service.Output.Contains("API at", StringComparison.Ordinal), () => service.Output);
    }

    /// <summary>Joins the network and waits for addresses.</summary>
    public async Task JoinAsync(string name)
    {
        await LanyardAsync("join", Network, "--home", Home(name));
        var guard = ProgramProcess.Guard;
        var told = "";
        while (V4().Match(told) is not { Success: true } || V6().Match(told) is not { Success: true })
        {
            told = await LanyardAsync("networks", "--home", Home(name));
            await Task.Delay(20, guard);
        }

        _addresses[name + "4"] = V4().Match(told).Value;
        _addresses[name + "6"] = V6().Match(told).Value;
    }

    /// <summary>Skips the test where programs cannot be redirected, or one that it needs is missing.</summary>
    public void Require(params string[] programs)
    {
        if (Network.Length == 0)
            Assert.Skip("Programs are redirected on Linux only, by a library that is built where there is a C compiler.");
        foreach (var program in programs)
        {
            if (ProgramProcess.Find(program) is null)
                Assert.Skip($"{program} is not installed.");
        }
    }

    /// <summary>Starts a program beside a service.</summary>
    public ProgramProcess Start(string service, params string[] command) => StartWith(service, [], command);

    /// <summary>Starts a program beside a service, with options of <c>lanyard run</c>.</summary>
    public ProgramProcess StartWith(string service, string[] options, params string[] command) => ProgramProcess.Start(
        Folder,
        ["dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), "run", "--home", Home(service), .. options, "--", ProgramProcess.Find(command[0])!, .. command[1..]]);

    /// <summary>Runs a program beside a service to its end.</summary>
    public Task<(int ExitCode, string Output)> RunAsync(string service, params string[] command) => FeedAsync(service, "", command);

    public async Task<(int ExitCode, string Output)> FeedAsync(string service, string input, params string[] command)
    {
        await using var program = Start(service, command);
        await program.FeedAsync(input);
        var code = await program.WaitAsync();
        return (code, program.Output);
    }

    /// <summary>Starts a server beside service b and waits until its TCP port accepts connections.</summary>
    public async Task<ProgramProcess> ServeAsync(int port, params string[] command)
    {
        var guard = ProgramProcess.Guard;
        // A server of a test before this one was killed, and may not be forgotten yet.
        while (await CanConnectAsync(port))
            await Task.Delay(20, guard);
        var server = Start("b", command);
        while (!await CanConnectAsync(port))
        {
            Assert.False(server.HasExited, $"It ended: {server.Output}");
            await Task.Delay(20, guard);
        }

        return server;
    }

    private async Task<bool> CanConnectAsync(int port)
    {
        var (code, _) = await RunAsync("a", "python3", "-c", $"import socket; socket.create_connection(('{Address("b")}', {port}), 5)");
        return code == 0;
    }

    public async ValueTask DisposeAsync()
    {
        _api.Dispose();
        foreach (var service in _services.Values)
            await service.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Waits until something is so.</summary>
    public static Task UntilAsync(Func<bool> isSo, Func<string> describe) => UntilAsync(() => Task.FromResult(isSo()), describe);

    /// <summary>The same, where it takes some time to find out.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo, Func<string> describe)
    {
        var guard = ProgramProcess.Guard;
        while (!await isSo())
        {
            if (guard.IsCancellationRequested)
                throw new TimeoutException(describe());
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task<string> LanyardAsync(params string[] args)
    {
        await using var command = ProgramProcess.Start(Folder, ["dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), .. args]);
        Assert.True(await command.WaitAsync() == 0, command.Output);
        return command.Output;
    }

    [GeneratedRegex(@"10\.77\.\d+\.\d+")]
    private static partial Regex V4();

    [GeneratedRegex(@"fd[0-9a-f:]+(?=/)")]
    private static partial Regex V6();
}
