using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing;

/// <summary>
/// A virtual network on a simulated internet: a host that is the root and the controller, and a private network that admits every node. Disposing of it ends all its
/// nodes.
/// </summary>
public sealed class SimulatedLan : IAsyncDisposable
{
    private readonly List<LanyardNode> _members = [];

    private SimulatedLan(SimulatedInternet internet, SimulatedHost rootHost, World planet, LanyardNode root, OpenController controller)
    {
        Internet = internet;
        RootHost = rootHost;
        Planet = planet;
        Root = root;
        Controller = controller;
        Network = controller.Network(1);
    }

    /// <summary>The internet.</summary>
    public SimulatedInternet Internet { get; }

    /// <summary>The host of the root.</summary>
    public SimulatedHost RootHost { get; }

    /// <summary>The planet, with one root.</summary>
    public World Planet { get; }

    /// <summary>The root, which is also the controller.</summary>
    public LanyardNode Root { get; }

    /// <summary>The controller of the network.</summary>
    public OpenController Controller { get; }

    /// <summary>The network ID.</summary>
    public NetworkId Network { get; }

    /// <summary>Adds a host, and starts a root with a controller on it. Call it in <see cref="SimulatedInternet.RunAsync"/>.</summary>
    /// <param name="internet">The internet.</param>
    public static async Task<SimulatedLan> StartAsync(SimulatedInternet internet)
    {
        ArgumentNullException.ThrowIfNull(internet);
        var host = internet.AddHost();
        var options = host.CreateOptions();
        var identity = host.IdentityOf();
        using var key = WorldKey.Generate(internet.Fill);
        var planet = World.Create(
            WorldType.Planet, 1, internet.NowMs, key.PublicKey, [new WorldRoot(identity.WithoutSecret(), [InetEndpoint.FromIPEndPoint(host.EndPoint())])], key);
        var controller = new OpenController(identity);
        var root = await LanyardNode.StartAsync(options with { Planet = planet, Controller = controller }).ConfigureAwait(false);
        controller.Send = message => ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                try
                {
                    root.Send(message);
                }
                catch (ObjectDisposedException)
                {
                    // The root ended.
                }
            },
            null);
        return new SimulatedLan(internet, host, planet, root, controller);
    }

    /// <summary>Adds a host, starts a node on it, and waits until the node is a member with an address.</summary>
    /// <param name="nat">The NAT that the host is behind; null (the default) for a public address.</param>
    /// <param name="configure">Changes the options of the node.</param>
    /// <returns>The network as the new member sees it. <see cref="LanyardNetwork.Node"/> is the node.</returns>
    public Task<LanyardNetwork> JoinAsync(SimulatedNat? nat = null, Func<LanyardOptions, LanyardOptions>? configure = null) => JoinAsync(Internet.AddHost(nat), configure);

    /// <summary>Starts a node on a host, and waits until the node is a member with an address.</summary>
    /// <param name="host">The host. Its port <see cref="LanyardOptions.DefaultPort"/> must be free.</param>
    /// <param name="configure">Changes the options of the node.</param>
    /// <returns>The network as the new member sees it. <see cref="LanyardNetwork.Node"/> is the node.</returns>
    public async Task<LanyardNetwork> JoinAsync(SimulatedHost host, Func<LanyardOptions, LanyardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        var options = host.CreateOptions() with { Planet = Planet };
        var node = await LanyardNode.StartAsync(configure is null ? options : configure(options)).ConfigureAwait(false);
        lock (_members)
            _members.Add(node);
        return await node.JoinAsync(Network).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        LanyardNode[] members;
        lock (_members)
            members = [.. _members];
        foreach (var member in members)
            await member.DisposeAsync().ConfigureAwait(false);
        await Root.DisposeAsync().ConfigureAwait(false);
    }
}
