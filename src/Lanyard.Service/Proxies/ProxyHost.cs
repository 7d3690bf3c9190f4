using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Service;

/// <summary>
/// Runs the proxies and forwards that <c>local.conf</c> asks for, and follows changes of that file and of the networks: what did not change is not
/// touched, what cannot be started yet is tried again.
/// </summary>
internal sealed class ProxyHost : IAsyncDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);

    // Programs write a file in several steps.
    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(200);

    private readonly LanyardNode _node;
    private readonly string _home;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Dictionary<object, Running> _running = [];
    private readonly HashSet<object> _failing = [];
    private readonly Timer _again;
    private readonly FileSystemWatcher? _watcher;
    private ProxyConfiguration _configuration;
    private bool _isStale;
    private volatile bool _isDisposed;

    private ProxyHost(LanyardNode node, string home, ProxyConfiguration configuration, ILogger logger)
    {
        _node = node;
        _home = home;
        _configuration = configuration;
        _logger = logger;
        _again = new Timer(static host => _ = ((ProxyHost)host!).ReconcileAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        node.NetworkChanged += OnNetworkChanged;
        _watcher = Watch(home);
    }

    /// <summary>Where proxies and forwards listen.</summary>
    public IReadOnlyList<(object Entry, IPEndPoint LocalEndPoint)> Listening
    {
        get
        {
            lock (_running)
                return [.. _running.Select(running => (running.Key, running.Value.LocalEndPoint))];
        }
    }

    /// <summary>Starts what the folder asks for. What cannot be started yet is logged and tried again.</summary>
    /// <exception cref="LanyardStateException">The file cannot be read, or what it says makes no sense.</exception>
    public static async Task<ProxyHost> StartAsync(LanyardNode node, string home, ILoggerFactory? loggers)
    {
        var configuration = ProxyConfiguration.Read(home);
        if (configuration.Errors.Count > 0)
        {
            var path = Path.Combine(home, LocalConfiguration.FileName);
            throw new LanyardStateException(path, $"The file '{path}' cannot be used. {string.Join(" ", configuration.Errors)}");
        }

        var host = new ProxyHost(node, home, configuration, loggers?.CreateLogger("Lanyard.Proxy") ?? NullLogger.Instance);
        await host.ReconcileAsync().ConfigureAwait(false);
        return host;
    }

    /// <summary>Reads the file again. Where it makes no sense, what was stays.</summary>
    public Task ReloadAsync()
    {
        Volatile.Write(ref _isStale, true);
        return ReconcileAsync();
    }

    /// <summary>Ends all proxies and forwards.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _node.NetworkChanged -= OnNetworkChanged;
        _watcher?.Dispose();
        await _again.DisposeAsync().ConfigureAwait(false);
        await _turn.WaitAsync().ConfigureAwait(false);
        foreach (var entry in _running.Keys.ToArray())
            await StopAsync(entry).ConfigureAwait(false);
        _turn.Release();
    }

    private async Task ReconcileAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isDisposed)
                return;
            if (_isStale)
            {
                _isStale = false;
                Load();
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
            // What changed meanwhile is not forgotten.
            var next = Volatile.Read(ref _isStale) ? SettleTime : _failing.Count > 0 ? RetryInterval : Timeout.InfiniteTimeSpan;
            if (!_isDisposed)
                _again.Change(next, Timeout.InfiniteTimeSpan);
        }
#pragma warning disable CA1031 // It runs on timers and events: there is nobody else to tell.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            ProxyHostLog.InternalError(_logger, failure);
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Load()
    {
        try
        {
            var configuration = ProxyConfiguration.Read(_home);
            foreach (var error in configuration.Errors)
                ProxyHostLog.Wrong(_logger, error);
            if (configuration.Errors.Count > 0)
                return;
            _configuration = configuration;
            _failing.Clear();
            ProxyHostLog.Loaded(_logger, configuration.Proxies.Count, configuration.Forwards.Count);
        }
        catch (LanyardStateException unreadable)
        {
            ProxyHostLog.Wrong(_logger, unreadable.Message);
        }
    }

    // What can run at present, each with its network; one that is not joined comes when it is.
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
                _ => throw new ArgumentException("It is neither a proxy nor a forward.", nameof(entry)),
            };
            lock (_running)
                _running.Add(entry, running);
            _failing.Remove(entry);
        }
        catch (LanyardException failure)
        {
            // Said once, not with every attempt.
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

    private void OnFileChanged(object sender, FileSystemEventArgs e)
    {
        Volatile.Write(ref _isStale, true);
        try
        {
            _again.Change(SettleTime, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // It has just ended.
        }
    }

    private FileSystemWatcher? Watch(string home)
    {
        try
        {
            var watcher = new FileSystemWatcher(home, LocalConfiguration.FileName)
            {
                NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName | NotifyFilters.Size,
            };
            watcher.Changed += OnFileChanged;
            watcher.Created += OnFileChanged;
            watcher.Deleted += OnFileChanged;
            watcher.Renamed += OnFileChanged;
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception unavailable) when (unavailable is IOException or PlatformNotSupportedException)
        {
            ProxyHostLog.NotWatched(_logger, unavailable);
            return null;
        }
    }

    private sealed record Running(IAsyncDisposable Service, LanyardNetwork? Network, IPEndPoint LocalEndPoint);
}

/// <summary>What the running of proxies and forwards logs.</summary>
internal static partial class ProxyHostLog
{
    [LoggerMessage(201, LogLevel.Information, "local.conf asks for {Proxies} proxies and {Forwards} forwards.")]
    public static partial void Loaded(ILogger logger, int proxies, int forwards);

    [LoggerMessage(202, LogLevel.Error, "local.conf is not taken, proxies and forwards stay as they are: {Error}")]
    public static partial void Wrong(ILogger logger, string error);

    [LoggerMessage(203, LogLevel.Error, "A proxy or forward of local.conf cannot be started, and is tried again: {Error}")]
    public static partial void NotStarted(ILogger logger, string error);

    [LoggerMessage(204, LogLevel.Warning, "Changes of local.conf are not noticed: the system does not tell. SIGHUP has it read again.")]
    public static partial void NotWatched(ILogger logger, Exception exception);

    [LoggerMessage(205, LogLevel.Error, "The proxies and forwards could not be brought in line; they stay as they are. Please report this.")]
    public static partial void InternalError(ILogger logger, Exception exception);
}
