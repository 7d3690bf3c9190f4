using System.Net;
using System.Security.Cryptography;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Tests;

/// <summary>A root with a controller, and members, all in this process and on the loopback interface.</summary>
internal sealed class TestLan : IAsyncDisposable
{
    private readonly List<LanyardNode> _members = [];

    private readonly IPAddress _loopback;

    private TestLan(LanyardNode root, TestController controller, World planet, IPAddress loopback)
    {
        _loopback = loopback;
        Root = root;
        Controller = controller;
        Planet = planet;
    }

    public LanyardNode Root { get; }

    public TestController Controller { get; }

    public World Planet { get; }

    public NetworkId Network => Controller.Network;

    /// <summary>A guard against hanging; no test waits for it.</summary>
    public static CancellationToken Guard => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token).Token;

    public static async Task<TestLan> StartAsync(bool isPrivate = true, bool overIPv6 = false)
    {
        var loopback = overIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        var identity = TestIdentities.Get(0);
        var root = await LanyardNode.StartAsync(new LanyardOptions { Identity = identity, BindAddresses = [loopback] }, Guard);
        var key = WorldKey.Generate(RandomNumberGenerator.Fill);
        var endpoint = InetEndpoint.FromIPEndPoint(root.BoundEndPoints[0]);
        var planet = World.Create(WorldType.Planet, 0x1234, 1, key.PublicKey, [new WorldRoot(identity.WithoutSecret(), [endpoint])], key);
        Assert.True(root.AddWorld(planet));
        var controller = new TestController(identity) { IsPrivate = isPrivate };
        root.Controller = controller;
        controller.Send = message => Task.Run(() => root.Send(message));
        return new TestLan(root, controller, planet, loopback);
    }

    /// <summary>Options of a node on this planet.</summary>
    public LanyardOptions Options(int identity) => new()
    {
        Identity = TestIdentities.Get(identity),
        Planet = Planet,
        BindAddresses = [_loopback],
    };

    /// <summary>Starts a node that is authorized, but has not joined.</summary>
    public async Task<LanyardNode> StartNodeAsync(int identity, LanyardOptions? options = null)
    {
        var node = await LanyardNode.StartAsync(options ?? Options(identity), Guard);
        Controller.Authorize(node.Address);
        _members.Add(node);
        return node;
    }

    /// <summary>Starts a node and joins it.</summary>
    public async Task<LanyardNetwork> JoinAsync(int identity, LanyardOptions? options = null) =>
        await (await StartNodeAsync(identity, options)).JoinAsync(Network, Guard);

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
            await member.DisposeAsync();
        await Root.DisposeAsync();
    }
}
