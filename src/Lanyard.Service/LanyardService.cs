using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Lanyard.Controller;
using Lanyard.Intercept;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Service;

/// <summary>
/// The daemon: a node that joins the networks in its folder, with the local JSON API on 127.0.0.1 and, if it exists, [::1], on
/// the TCP port with the number of the node's UDP port. Optionally a network controller. The node is a root if the planet or a moon contains its identity.
/// </summary>
/// <remarks>
/// While the service runs, the folder contains <c>zerotier-one.port</c> and <c>zerotier-one.pid</c>, which existing tools read. A user that can read
/// <c>authtoken.secret</c> may use the API.
/// </remarks>
public sealed class LanyardService : IAsyncDisposable
{
    private const int PortTrials = 16;

    // The file in which the node stores its last port.
    private const string KeptPortFile = LanyardFolderStore.PortFileName;

    private readonly string _home;
    private readonly LanyardOptions _options;
    private readonly ConfigurationKeeper _configuration;
    private readonly ControllerHost? _controller;
    private readonly LocalApi _api;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _end = new();
    private readonly InterceptServer? _intercept;
    private readonly ProxyHost _proxies;
    private LocalConfiguration _applied;
    private ApiServer _server;
    private int _disposed;

    private LanyardService(
        string home, LanyardOptions options, LanyardNode node, ControllerHost? controller, ConfigurationKeeper configuration, LocalConfiguration applied,
        LocalApi api, ApiServer server, ProxyHost proxies, InterceptServer? intercept, ILogger logger)
    {
        _home = home;
        _options = options;
        Node = node;
        _controller = controller;
        _configuration = configuration;
        _applied = applied;
        _api = api;
        _server = server;
        _proxies = proxies;
        _intercept = intercept;
        _logger = logger;
        Port = server.Port;
        configuration.Changed += OnConfigurationChanged;
        configuration.Watch();
    }

    /// <summary>The node.</summary>
    public LanyardNode Node { get; }

    /// <summary>The controller; null if the service has none.</summary>
    public NetworkController? Controller => _controller?.Controller;

    /// <summary>The UDP port of the node and TCP port of the API.</summary>
    public int Port { get; }

    /// <summary>The proxies and forwards.</summary>
    internal ProxyHost Proxies => _proxies;

    /// <summary>Starts the service. The API is ready when the task completes.</summary>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the generation of an identity.</param>
    /// <exception cref="LanyardStateException">The folder or a file in it cannot be used. The message names the file.</exception>
    /// <exception cref="LanyardException">The port cannot be bound.</exception>
    /// <exception cref="ControllerStoreException">The controller's records cannot be read.</exception>
    public static async Task<LanyardService> StartAsync(LanyardServiceOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var home = Path.GetFullPath(options.HomeDirectory);
        var loggers = options.LoggerFactory ?? options.Node.LoggerFactory;
        var logger = loggers?.CreateLogger<LanyardService>() ?? NullLogger<LanyardService>.Instance;
        StateFiles.Check(home, logger);
        var keeper = new ConfigurationKeeper(home, logger);
        var configuration = keeper.Current;
        var configured = options.Port ?? configuration.PrimaryPort ?? LanyardOptions.DefaultPort;
        for (var trial = 1; ; trial++)
        {
            var controller = options.IsController ? new ControllerHost(logger, loggers) : null;
            var node = await LanyardNode.StartAsync(
                configuration.Apply(options.Node) with
                {
                    StateDirectory = home,
                    Store = null,
                    Port = configured,
                    AwaitBindAddresses = true,
                    JoinKnownNetworks = true,
                    Controller = controller?.Worker,
                    LoggerFactory = loggers,
                },
                cancellationToken).ConfigureAwait(false);
            ProxyHost? proxies = null;
            ApiServer? server = null;
            InterceptServer? intercept = null;
            try
            {
                StateFiles.RemoveTemporaries(home, logger);
                controller?.Start(node, home);
                proxies = await ProxyHost.StartAsync(node, configuration, loggers).ConfigureAwait(false);
                var access = new ApiAccess(ApiToken.LoadOrCreate(home, logger), ApiToken.LoadOrCreate(home, logger, ApiToken.MetricsFileName), keeper);
                var api = new LocalApi(node, controller?.Controller, home, access, keeper);
                server = await ApiServer.StartAsync(api, node.Port, IsPublic(configuration), cancellationToken).ConfigureAwait(false);
                ServiceLog.ApiStarted(logger, server.Port, server.Addresses);
                if (OperatingSystem.IsLinux())
                {
                    var programs = ConfigureIntercept(home, keeper);
                    intercept = InterceptServer.Start(node, programs, loggers);
                    StateFiles.Write(Path.Combine(home, StateFiles.InterceptPath), programs.SocketPath);
                    api.Programs = intercept;
                }

                StateFiles.Write(Path.Combine(home, StateFiles.Port), server.Port.ToString(CultureInfo.InvariantCulture));
                StateFiles.Write(Path.Combine(home, StateFiles.Process), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                return new LanyardService(home, options.Node, node, controller, keeper, configuration, api, server, proxies, intercept, logger);
            }
            catch (Exception failure)
            {
                if (intercept is not null)
                    await intercept.DisposeAsync().ConfigureAwait(false);
                if (server is not null)
                    await server.DisposeAsync().ConfigureAwait(false);
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

    /// <summary>
    /// Reloads <c>local.conf</c>, as the service does when the file changes, and applies the settings that can change while the service runs. Unchanged proxies and
    /// forwards continue. If the file is invalid, logs the error and keeps the previous configuration.
    /// </summary>
    public async Task ReloadAsync()
    {
        _configuration.Reload();
        await TryApplyAsync().ConfigureAwait(false);
    }

    /// <summary>Stops the service: writes pending changes, and closes the node and the API. The node keeps its state and memberships.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _configuration.Changed -= OnConfigurationChanged;
        await _configuration.DisposeAsync().ConfigureAwait(false);
        await _end.CancelAsync().ConfigureAwait(false);
        // From here on, no configuration is applied.
        await _turn.WaitAsync().ConfigureAwait(false);
        _turn.Release();
        await _server.DisposeAsync().ConfigureAwait(false);
        if (_intercept is not null)
            await _intercept.DisposeAsync().ConfigureAwait(false);
        await _proxies.DisposeAsync().ConfigureAwait(false);
        await EndAsync(Node, _controller).ConfigureAwait(false);
        foreach (var file in new[] { StateFiles.Process, StateFiles.Port, StateFiles.InterceptPath })
            StateFiles.TryDelete(Path.Combine(_home, file));
    }

    private void OnConfigurationChanged(object? sender, EventArgs e) => _ = Task.Run(TryApplyAsync);

    private Task TryApplyAsync() => Background.TryAsync(ApplyAsync, failure => ServiceLog.ConfigurationFailed(_logger, failure));

    private async Task ApplyAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            var wanted = _configuration.Current;
            if (ReferenceEquals(wanted, _applied) || _disposed != 0)
                return;
            var restart = string.Join(", ", NeedsRestart(_applied, wanted));
            if (restart.Length > 0)
                ServiceLog.NextStart(_logger, restart);
            _applied = wanted;
            Node.ChangePaths(wanted.Apply(_options));
            await _proxies.ApplyAsync(wanted).ConfigureAwait(false);
            if (IsPublic(wanted) != _server.IsPublic)
                await ReopenApiAsync(IsPublic(wanted)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The service stops, so the API stays closed.
        }
        finally
        {
            _turn.Release();
        }
    }

    private static IEnumerable<string> NeedsRestart(LocalConfiguration before, LocalConfiguration wanted)
    {
        if (wanted.PrimaryPort != before.PrimaryPort)
            yield return "settings.primaryPort";
        if (!wanted.Bind.SequenceEqual(before.Bind))
            yield return "settings.bind";
        if (wanted.Intercept.SocketPath != before.Intercept.SocketPath)
            yield return "lanyard.intercept.socket";
        if (wanted.Intercept.SocketMode != before.Intercept.SocketMode)
            yield return "lanyard.intercept.mode";
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

    private static InterceptOptions ConfigureIntercept(string home, ConfigurationKeeper keeper)
    {
        var settings = keeper.Current.Intercept;
        var options = new InterceptOptions
        {
            SocketPath = settings.SocketPath ?? Path.Combine(home, InterceptServer.SocketFile),
            MemoryPath = Path.Combine(home, StateFiles.InterceptMemory),
            MayUse = (user, network) => keeper.Current.Intercept.Users.MayUse(user, network.Id),
        };
        if (File.Exists(options.SocketPath) && !InterceptServer.IsSocket(options.SocketPath))
        {
            throw new LanyardStateException(options.SocketPath, $"The file '{options.SocketPath}' has the path of the local socket for programs. "
                + $"Move it away, or set lanyard.intercept.socket in {LocalConfiguration.FileName} to another path.");
        }

        return settings.SocketMode is { } mode ? options with { SocketMode = mode } : options;
    }

    private static async ValueTask EndAsync(LanyardNode node, ControllerHost? controller)
    {
        // The controller stops sending before the node stops, and exists until the node has stopped.
        if (controller is not null)
            await controller.Worker.DisposeAsync().ConfigureAwait(false);
        await node.DisposeAsync().ConfigureAwait(false);
        controller?.Dispose();
    }
}
