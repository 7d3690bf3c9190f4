using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service.Tests;

/// <summary>
/// The services of a recording, in this process and on the loopback interface: the root <c>r</c>, with a controller, and the leaves, each with
/// its recorded identity.
/// </summary>
internal sealed class ServiceLan : IAsyncDisposable
{
    private readonly string _recording;
    private readonly TestFolder _folder = new();
    private readonly Dictionary<string, LanyardService> _services = [];
    private readonly Dictionary<string, ServiceClient> _clients = [];
    private World? _planet;

    private ServiceLan(string recording) => _recording = recording;

    /// <summary>A guard against hanging; no test waits for it.</summary>
    public static CancellationToken Guard => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token).Token;

    /// <summary>Starts the root.</summary>
    public static async Task<ServiceLan> StartAsync(string recording = "peer-1.14", bool isController = true, string? localConf = null)
    {
        var lan = new ServiceLan(recording);
        var root = await lan.StartServiceAsync("r", isController, localConf);
        using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        var endpoint = new InetEndpoint(InetAddress.FromIPAddress(IPAddress.Loopback), (ushort)root.Port);
        lan._planet = World.Create(WorldType.Planet, 0x1234, 1, key.PublicKey, [new WorldRoot(root.Node.Identity, [endpoint])], key);
        Assert.True(root.Node.AddWorld(lan._planet));
        return lan;
    }

    public LanyardService Service(string name) => _services[name];

    public ServiceClient Client(string name) => _clients[name];

    public string Home(string name) => _folder.PathOf(name);

    /// <summary>Starts a node of the recording, or starts it again.</summary>
    /// <param name="name">The node's name in the recording.</param>
    /// <param name="isController">Whether it is a controller.</param>
    /// <param name="localConf">Its <c>local.conf</c>; null leaves what there is.</param>
    public async Task<LanyardService> StartServiceAsync(string name, bool isController = false, string? localConf = null)
    {
        var home = Home(name);
        Directory.CreateDirectory(home);
        if (!File.Exists(Path.Combine(home, "identity.secret")))
        {
            File.WriteAllText(Path.Combine(home, "identity.secret"), TestData.Text(_recording, $"{name}.identity.secret"));
            File.WriteAllText(Path.Combine(home, "identity.public"), TestData.Text(_recording, $"{name}.identity.public"));
        }

        if (localConf is not null)
            Configure(name, localConf);
        var service = await LanyardService.StartAsync(
            new LanyardServiceOptions
            {
                HomeDirectory = home,
                Port = 0,
                IsController = isController,
                Node = new LanyardOptions { Planet = _planet, BindAddresses = [IPAddress.Loopback] },
            },
            Guard);
        _services[name] = service;
        _clients[name] = new ServiceClient(service, home);
        return service;
    }

    /// <summary>Writes a node's <c>local.conf</c>.</summary>
    public void Configure(string name, string localConf) => File.WriteAllText(Path.Combine(Home(name), LocalConfiguration.FileName), localConf);

    /// <summary>Makes a public network with IPv4 and IPv6 addresses, and has leaves join it.</summary>
    public async Task<string> JoinAllAsync(params string[] leaves)
    {
        const string Body = """
            { "private": false, "v4AssignMode": { "zt": true }, "v6AssignMode": { "rfc4193": true }, "routes": [ { "target": "10.1.0.0/24" } ],
              "ipAssignmentPools": [ { "ipRangeStart": "10.1.0.2", "ipRangeEnd": "10.1.0.9" } ] }
            """;
        var network = (await Client("r").CallAsync("POST", "/controller/network", Body)).GetProperty("id").GetString()!;
        foreach (var leaf in leaves)
            await Client(leaf).CallAsync("POST", $"/network/{network}", "{}");
        foreach (var leaf in leaves)
            await WaitForNetworkAsync(leaf, network, told => told.GetProperty("status").GetString() == "OK" && told.GetProperty("assignedAddresses").GetArrayLength() == 2);
        return network;
    }

    /// <summary>Pings from one node another's IPv6 address on a network until there is a reply.</summary>
    public async Task PingAsync(string from, string to, string network, int payloadBytes = 56)
    {
        var id = NetworkId.Parse(network);
        Assert.True(Service(from).Node.TryGetNetwork(id, out var port));
        var address = DerivedAddresses.Rfc4193(id, NodeAddress.Parse(TestData.Text(_recording, $"{to}.identity.public")[..10])).Address.ToIPAddress();
        while (!(await port.PingAsync(address, TimeSpan.FromSeconds(1), payloadBytes, Guard)).IsSuccess)
            Guard.ThrowIfCancellationRequested();
    }

    public async Task StopServiceAsync(string name)
    {
        _clients[name].Dispose();
        await _services[name].DisposeAsync();
        _services.Remove(name);
    }

    /// <summary>Asks for a network until something is so.</summary>
    public async Task<JsonElement> WaitForNetworkAsync(string name, string network, Func<JsonElement, bool> isSo)
    {
        while (true)
        {
            var json = await Client(name).CallAsync("GET", $"/network/{network}");
            if (isSo(json))
                return json;
            await Task.Delay(20, Guard);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _services.Keys.OrderBy(name => name == "r").ToArray())
            await StopServiceAsync(name);
        _folder.Dispose();
    }
}
