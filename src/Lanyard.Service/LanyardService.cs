using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Lanyard.Controller;
using Lanyard.Service.Intercept;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

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

    // As often as existing nodes look whether their local.conf changed.
    private static readonly TimeSpan ReloadInterval = TimeSpan.FromSeconds(10);

    private readonly string _home;
    private readonly LanyardOptions _options;
    private readonly ConfigurationKeeper _configuration;
    private readonly ControllerHost? _controller;
    private readonly LocalApi _api;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;
    private readonly InterceptServer? _intercept;
    private LocalConfiguration _inForce;
    private ApiServer _server;
    private int _disposed;

    private LanyardService(
        string home, LanyardOptions options, LanyardNode node, ControllerHost? controller, ConfigurationKeeper configuration, LocalConfiguration inForce,
        LocalApi api, ApiServer server, InterceptServer? intercept, ILogger logger)
    {
        _home = home;
        _options = options;
        Node = node;
        _controller = controller;
        _configuration = configuration;
        _inForce = inForce;
        _api = api;
        _server = server;
        _intercept = intercept;
        _logger = logger;
        Port = server.Port;
        configuration.Changed += OnConfigurationChanged;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>The node.</summary>
    public LanyardNode Node { get; }

    /// <summary>The controller; null where the service is none.</summary>
    public NetworkController? Controller => _controller?.Controller;

    /// <summary>The UDP port of the node and TCP port of the API.</summary>
    public int Port { get; }

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
        var loggers = options.LoggerFactory ?? options.Node.LoggerFactory;
        var logger = loggers?.CreateLogger<LanyardService>() ?? NullLogger<LanyardService>.Instance;
        var keeper = new ConfigurationKeeper(home, logger);
        var configuration = keeper.Current;
        var configured = options.Port ?? configuration.PrimaryPort ?? LanyardOptions.DefaultPort;
        for (var trial = 1; ; trial++)
        {
            var controllerLink = options.IsController ? new ControllerLink() : null;
            var node = await LanyardNode.StartAsync(
                configuration.Apply(options.Node) with
                {
                    StateDirectory = home,
                    Store = null,
                    Port = configured,
                    JoinKnownNetworks = true,
                    Controller = controllerLink,
                    LoggerFactory = loggers,
                },
                cancellationToken).ConfigureAwait(false);
            ControllerHost? controller = null;
            try
            {
                controller = controllerLink is null ? null : StartController(home, node, controllerLink, loggers);
                var access = new ApiAccess(AuthToken.LoadOrCreate(home), AuthToken.LoadOrCreate(home, AuthToken.MetricsFileName), keeper);
                var api = new LocalApi(node, controller?.Controller, home, access, keeper);
                var server = await ApiServer.StartAsync(api, node.BoundEndPoints[0].Port, IsPublic(configuration), cancellationToken).ConfigureAwait(false);
                ServiceLog.ApiStarted(logger, server.Port, server.Addresses);
                var intercept = OperatingSystem.IsLinux()
                    ? InterceptServer.Start(node, new InterceptOptions { SocketPath = Path.Combine(home, InterceptServer.SocketFile) }, loggers) : null;
                var service = new LanyardService(home, options.Node, node, controller, keeper, configuration, api, server, intercept, logger);
                StateFiles.Write(Path.Combine(home, PortFile), server.Port.ToString(CultureInfo.InvariantCulture));
                StateFiles.Write(Path.Combine(home, ProcessFile), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                return service;
            }
            catch (Exception failure)
            {
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

    /// <summary>Ends the service: what waits to be stored is stored, the node tells nobody and keeps its state, the API is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _configuration.Changed -= OnConfigurationChanged;
        await _end.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        await _server.DisposeAsync().ConfigureAwait(false);
        if (_intercept is not null)
            await _intercept.DisposeAsync().ConfigureAwait(false);
        await EndAsync(Node, _controller).ConfigureAwait(false);
        StateFiles.TryDelete(Path.Combine(_home, ProcessFile));
        StateFiles.TryDelete(Path.Combine(_home, PortFile));
    }

    /// <summary>Looks whether the folder's <c>local.conf</c> changed, and puts into force what can be while the service runs.</summary>
    internal async Task ReloadAsync()
    {
        await _reloading.WaitAsync().ConfigureAwait(false);
        try
        {
            _configuration.TryReload();
            var wanted = _configuration.Current;
            if (ReferenceEquals(wanted, _inForce))
                return;
            if (wanted.PrimaryPort != _inForce.PrimaryPort || !wanted.Bind.SequenceEqual(_inForce.Bind))
                ServiceLog.NextStart(_logger);
            _inForce = wanted;
            Node.ChangePaths(wanted.Apply(_options));
            if (IsPublic(wanted) != _server.IsPublic)
                await ReopenApiAsync(IsPublic(wanted)).ConfigureAwait(false);
        }
        finally
        {
            _reloading.Release();
        }
    }

    private static bool IsPublic(LocalConfiguration configuration) => configuration.AllowManagementFrom.Count > 0;

    private async Task ReopenApiAsync(bool isPublic)
    {
        var wasPublic = _server.IsPublic;
        await _server.DisposeAsync().ConfigureAwait(false);
        try
        {
            _server = await ApiServer.StartAsync(_api, Port, isPublic, _end.Token).ConfigureAwait(false);
        }
        catch (PortInUseException failure)
        {
            ServiceLog.ApiNotReopened(_logger, failure);
            _server = await ApiServer.StartAsync(_api, Port, wasPublic, _end.Token).ConfigureAwait(false);
        }

        ServiceLog.ApiStarted(_logger, Port, _server.Addresses);
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            try
            {
                await _wake.WaitAsync(ReloadInterval, _end.Token).ConfigureAwait(false);
                await ReloadAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever is wrong with the settings, the service goes on with those that it has.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                ServiceLog.ConfigurationFailed(_logger, failure);
            }
        }
    }

    private void OnConfigurationChanged(object? sender, EventArgs e)
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is about to be looked at.
        }
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
