using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service.Tests;

/// <summary>
/// The services of a recording, in this process and on the loopback interface: its root <c>r</c>, with a controller, and its leaves, each with
/// the identity that it has there.
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
    public static async Task<ServiceLan> StartAsync(string recording = "peer-1.14", bool isController = true)
    {
        var lan = new ServiceLan(recording);
        var root = await lan.StartServiceAsync("r", isController);
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
    public async Task<LanyardService> StartServiceAsync(string name, bool isController = false)
    {
        var home = Home(name);
        Directory.CreateDirectory(home);
        if (!File.Exists(Path.Combine(home, "identity.secret")))
        {
            File.WriteAllText(Path.Combine(home, "identity.secret"), TestData.Text(_recording, $"{name}.identity.secret"));
            File.WriteAllText(Path.Combine(home, "identity.public"), TestData.Text(_recording, $"{name}.identity.public"));
        }

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
