using System.Net;
using Lanyard.Proxies;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Service;

/// <summary>
/// Runs the configured proxies and forwards, and follows changes of the networks. Unchanged proxies and forwards continue; those that cannot be started yet
/// are retried.
/// </summary>
internal sealed class ProxyHost : IAsyncDisposable
{
    private static readonly TimeSpan DefaultRetryInterval = TimeSpan.FromSeconds(10);

    private readonly LanyardNode _node;
    private readonly ILogger _logger;
    private readonly TimeSpan _retryInterval;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<object, Running> _running = [];
    private readonly HashSet<object> _failing = [];
    private readonly Timer _again;
    private LocalConfiguration _configuration;
    private volatile bool _isDisposed;

    private ProxyHost(LanyardNode node, LocalConfiguration configuration, ILogger logger, TimeSpan retryInterval)
    {
        _node = node;
        _configuration = configuration;
        _logger = logger;
        _retryInterval = retryInterval;
        _again = new Timer(static host => _ = ((ProxyHost)host!).ReconcileAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        node.NetworkChanged += OnNetworkChanged;
    }

    /// <summary>The endpoints of the proxies and forwards.</summary>
    public IReadOnlyList<(object Entry, IPEndPoint LocalEndPoint)> Listening
    {
        get
        {
            lock (_running)
                return [.. _running.Select(running => (running.Key, running.Value.LocalEndPoint))];
        }
    }

    /// <summary>Starts the configured proxies and forwards. Logs and retries those that cannot be started yet.</summary>
    /// <param name="node">The node.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="loggers">Creates the logger; null for none.</param>
    /// <param name="retryInterval">The interval of retries; 10 s by default.</param>
    public static async Task<ProxyHost> StartAsync(LanyardNode node, LocalConfiguration configuration, ILoggerFactory? loggers, TimeSpan? retryInterval = null)
    {
        var host = new ProxyHost(node, configuration, loggers?.CreateLogger("Lanyard.Proxy") ?? NullLogger.Instance, retryInterval ?? DefaultRetryInterval);
        await host.ReconcileAsync().ConfigureAwait(false);
        return host;
    }

    /// <summary>Applies a changed configuration.</summary>
    public Task ApplyAsync(LocalConfiguration configuration) => ReconcileAsync(configuration);

    /// <summary>Stops all proxies and forwards.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _node.NetworkChanged -= OnNetworkChanged;
        await _turn.WaitAsync().ConfigureAwait(false);
        await _again.DisposeAsync().ConfigureAwait(false);
        foreach (var entry in _running.Keys.ToArray())
            await StopAsync(entry).ConfigureAwait(false);
        _turn.Release();
    }

    private async Task ReconcileAsync(LocalConfiguration? changed = null)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!await Background.TryAsync(() => ReconcileInTurnAsync(changed), failure => ProxyHostLog.InternalError(_logger, failure)).ConfigureAwait(false))
                _again.Change(_retryInterval, Timeout.InfiniteTimeSpan);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ReconcileInTurnAsync(LocalConfiguration? changed)
    {
        if (_isDisposed)
            return;
        if (changed is not null)
        {
            _configuration = changed;
            _failing.Clear();
        }

        var wanted = Wanted();
        foreach (var (entry, running) in _running.ToArray())
        {
            if (!wanted.TryGetValue(entry, out var network) || network != running.Network)
                await StopAsync(entry).ConfigureAwait(false);
        }

        _failing.IntersectWith(wanted.Keys);
        foreach (var (entry, network) in wanted)
            Start(entry, network);
        _again.Change(_failing.Count > 0 ? _retryInterval : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    // The entries that can run now, each with its network. Entries of networks that are not joined start later.
    private Dictionary<object, LanyardNetwork?> Wanted()
    {
        var wanted = new Dictionary<object, LanyardNetwork?>();
        foreach (var proxy in _configuration.Proxies)
        {
            if (proxy.Network is not { } id)
                wanted[proxy] = null;
            else if (_node.TryGetNetwork(id, out var network))
                wanted[proxy] = network;
        }

        foreach (var forward in _configuration.Forwards)
        {
            if (_node.TryGetNetwork(forward.Network, out var network))
                wanted[forward] = network;
        }

        return wanted;
    }

    private void Start(object entry, LanyardNetwork? network)
    {
        if (_running.ContainsKey(entry))
            return;
        try
        {
            var running = entry switch
            {
                ConfiguredProxy proxy => Begin(network is null ? _node.StartProxy(proxy.Options) : network.StartProxy(proxy.Options)),
                ConfiguredForward forward => Begin(network!.StartForward(forward.Forward)),
                _ => throw new ArgumentException("The entry is neither a proxy nor a forward.", nameof(entry)),
            };
            lock (_running)
                _running.Add(entry, running);
            _failing.Remove(entry);
        }
        catch (LanyardException failure)
        {
            // Log the failure once, not for each attempt.
            if (_failing.Add(entry))
                ProxyHostLog.NotStarted(_logger, failure.Message);
        }

        Running Begin(IAsyncDisposable started) =>
            new(started, network, started is LanyardProxy proxy ? proxy.LocalEndPoint : ((LanyardForwarder)started).LocalEndPoint);
    }

    private async Task StopAsync(object entry)
    {
        Running? running;
        lock (_running)
            _running.Remove(entry, out running);
        await running!.Service.DisposeAsync().ConfigureAwait(false);
    }

    private void OnNetworkChanged(object? sender, LanyardNetworkEventArgs e) => _ = ReconcileAsync();

    private sealed record Running(IAsyncDisposable Service, LanyardNetwork? Network, IPEndPoint LocalEndPoint);
}

/// <summary>The log events of proxies and forwards.</summary>
internal static partial class ProxyHostLog
{
    [LoggerMessage(203, LogLevel.Error, "Could not start a proxy or forward of local.conf; retrying: {Error}")]
    public static partial void NotStarted(ILogger logger, string error);

    [LoggerMessage(205, LogLevel.Error, "Could not update proxies and forwards; retrying. Please report this.")]
    public static partial void InternalError(ILogger logger, Exception exception);
}
