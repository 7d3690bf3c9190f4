using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>Starts nodes from their options and their stored state.</summary>
internal static class NodeStart
{
    /// <summary>Loads or generates the identity, binds the sockets, and starts the node. The generation of an identity can take seconds of processor
    /// time.</summary>
    public static async Task<LanyardNode> RunAsync(LanyardOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        ILanyardStore? store = null;
        NodeTransport? transport = null;
        NodeRuntime? runtime = null;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            store = options.Store ?? (options.StateDirectory is { } directory ? new LanyardFolderStore(directory, logger) : new LanyardMemoryStore());
            var identity = await IdentityLoader.LoadAsync(options, store, logger, cancellationToken).ConfigureAwait(false);
            WorldLoader.KeepPlanet(options, store, logger);
            var moons = WorldLoader.FindMoons(store, logger);
            var events = new EventQueue(logger);
            transport = options.Transport is { } custom
                ? new CustomTransport(custom, events, logger)
                : PortKeeper.Bind(options.BindAddresses, options.Port, options.BatchDatagrams, options.AwaitBindAddresses, store, logger);
            runtime = new NodeRuntime(options, identity, transport, new StateKeeper(store, events), events);
            var node = new LanyardNode(options, store, identity, runtime, logger);
            JoinKnown(node, runtime, store, moons, logger);
            node.Start();
            return node;
        }
        catch
        {
            // Each of these disposes of the next.
            if (runtime is not null)
                runtime.Dispose();
            else if (transport is not null)
                transport.Dispose();
            else
                options.Transport?.Dispose();
            if (options.Store is null)
                (store as IDisposable)?.Dispose();
            throw;
        }
    }

    // Follows the stored moons and joins the stored networks.
    private static void JoinKnown(LanyardNode node, NodeRuntime runtime, ILanyardStore store, IReadOnlyList<ulong> moons, ILogger logger)
    {
        using (new GateHold(runtime))
        {
            foreach (var moon in moons)
                runtime.Engine.Orbit(runtime.NowMs, moon, default);
        }

        if (!node.Options.JoinKnownNetworks)
            return;
        foreach (var name in store.List(StateNames.NetworkFolder))
        {
            if (StateNames.TryParseNetwork(name, out var id) && id != 0)
                node.Join(new NetworkId(id));
            else if (!StateNames.IsOfNetwork(name))
                Log.NetworkFileLeft(logger, IdentityLoader.PathOf(store, name));
        }
    }
}
