using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Lanyard.Controller;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>
/// The daemon: a node that joins the networks its folder remembers, with the local JSON API on 127.0.0.1 and, where there is one, [::1], at
/// the TCP port of the node's UDP port; and a controller of networks if asked. A root where the planet or a moon names its identity.
/// </summary>
/// <remarks>
/// While it runs, the folder's <c>zerotier-one.port</c> and <c>zerotier-one.pid</c> say where, under the names that existing tools look for, and
/// <c>authtoken.secret</c> lets whoever may read it use the API.
/// </remarks>
public sealed class LanyardService : IAsyncDisposable
{
    private const int PortTrials = 16;
    private const string PortFile = "zerotier-one.port";
    private const string ProcessFile = "zerotier-one.pid";

    // Where the node keeps the port that it had, to have it again.
    private const string KeptPortFile = "lanyard.port";

    private const string ControllerFile = "controller.sqlite";

    // Where other controllers keep what this one takes over when it begins.
    private const string ImportFolder = "controller.d";

    private readonly string _home;
    private readonly ControllerHost? _controller;
    private readonly ApiServer _server;
    private readonly ProxyHost _proxies;
    private int _disposed;

    private LanyardService(string home, LanyardNode node, ControllerHost? controller, ApiServer server, ProxyHost proxies)
    {
        _home = home;
        Node = node;
        _controller = controller;
        _server = server;
        _proxies = proxies;
    }

    /// <summary>The node.</summary>
    public LanyardNode Node { get; }

    /// <summary>The controller; null where the service is none.</summary>
    public NetworkController? Controller => _controller?.Controller;

    /// <summary>The UDP port of the node and TCP port of the API.</summary>
    public int Port => _server.Port;

    /// <summary>The proxies and forwards.</summary>
    internal ProxyHost Proxies => _proxies;

    /// <summary>Starts the service. The API answers when this returns.</summary>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops the making of an identity.</param>
    /// <exception cref="LanyardStateException">The folder, or a file in it, cannot be used; the exception names it.</exception>
    /// <exception cref="LanyardException">The port cannot be bound.</exception>
    /// <exception cref="ControllerStoreException">The controller's records cannot be read.</exception>
    public static async Task<LanyardService> StartAsync(LanyardServiceOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var home = Path.GetFullPath(options.HomeDirectory);
        var configured = options.Port ?? LocalConfiguration.Read(home).PrimaryPort ?? LanyardOptions.DefaultPort;
        for (var trial = 1; ; trial++)
        {
            var controllerLink = options.IsController ? new ControllerLink() : null;
            var node = await LanyardNode.StartAsync(
                options.Node with
                {
                    StateDirectory = home,
                    Store = null,
                    Port = configured,
                    JoinKnownNetworks = true,
                    Controller = controllerLink,
                    LoggerFactory = options.LoggerFactory ?? options.Node.LoggerFactory,
                },
                cancellationToken).ConfigureAwait(false);
            ControllerHost? controller = null;
            ProxyHost? proxies = null;
            try
            {
                controller = controllerLink is null ? null : StartController(home, node, controllerLink, options.LoggerFactory);
                var token = AuthToken.LoadOrCreate(home);
                proxies = await ProxyHost.StartAsync(node, home, options.LoggerFactory).ConfigureAwait(false);
                var api = new LocalApi(node, controller?.Controller, home, token);
                var server = await ApiServer.StartAsync(api, node.BoundEndPoints[0].Port, cancellationToken).ConfigureAwait(false);
                var service = new LanyardService(home, node, controller, server, proxies);
                StateFiles.Write(Path.Combine(home, PortFile), server.Port.ToString(CultureInfo.InvariantCulture));
                StateFiles.Write(Path.Combine(home, ProcessFile), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                return service;
            }
            catch (Exception failure)
            {
                if (proxies is not null)
                    await proxies.DisposeAsync().ConfigureAwait(false);
                await EndAsync(node, controller).ConfigureAwait(false);
                if (failure is not PortInUseException)
                    throw;
                // A free UDP port need not be free as a TCP port.
                if (configured != 0 || trial == PortTrials)
                    throw new LanyardException(failure.Message, failure);
                StateFiles.TryDelete(Path.Combine(home, KeptPortFile));
            }
        }
    }

    /// <summary>Reads <c>local.conf</c> again, as it does by itself where the system tells of the file's changes: proxies and forwards that did not
    /// change go on as they are. Where it makes no sense that is logged, and all stays.</summary>
    public Task ReloadAsync() => _proxies.ReloadAsync();

    /// <summary>Ends the service: what waits to be stored is stored, the node tells nobody and keeps its state, the API is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _server.DisposeAsync().ConfigureAwait(false);
        await _proxies.DisposeAsync().ConfigureAwait(false);
        await EndAsync(Node, _controller).ConfigureAwait(false);
        StateFiles.TryDelete(Path.Combine(_home, ProcessFile));
        StateFiles.TryDelete(Path.Combine(_home, PortFile));
    }

    private static ControllerHost StartController(string home, LanyardNode node, ControllerLink link, ILoggerFactory? loggers)
    {
        var identity = StateFiles.ReadIdentity(Path.Combine(home, "identity.secret"));
        var file = Path.Combine(home, ControllerFile);
        var import = File.Exists(file) ? null : ControllerFolder.Read(Path.Combine(home, ImportFolder));
        var store = SqliteControllerStore.Open(file, loggers?.CreateLogger<SqliteControllerStore>());
        try
        {
            return new ControllerHost(node, new NetworkController(identity, store, RandomNumberGenerator.Fill, import: import), store, link);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private static async ValueTask EndAsync(LanyardNode node, ControllerHost? controller)
    {
        // The controller stops sending before the node ends, and is still there while the node does.
        if (controller is not null)
            await controller.StopAsync().ConfigureAwait(false);
        await node.DisposeAsync().ConfigureAwait(false);
        controller?.Dispose();
    }
}
