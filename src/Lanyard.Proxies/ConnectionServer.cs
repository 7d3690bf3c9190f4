using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Lanyard.Proxies;

/// <summary>Accepts clients and serves them, up to a maximum number at a time. Cuts off clients that miss a deadline. Disposing ends all connections.</summary>
internal sealed class ConnectionServer : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(100);

    private readonly Func<CancellationToken, ValueTask<StreamEnd>> _accept;
    private readonly IDisposable _listener;
    private readonly Func<ServedConnection, Task> _serve;
    private readonly int _maxConnections;
    private readonly LanyardProxyCounters _counters;
    private readonly ILogger _logger;
    private readonly Dictionary<ServedConnection, Task> _connections = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Timer _sweep;
    private readonly TimeSpan _sweepInterval;
    private readonly Task _accepting;

    /// <summary>Starts to accept.</summary>
    /// <param name="accept">Waits for a client; fails when the listener is disposed of.</param>
    /// <param name="listener">The listener, which is disposed of at the end.</param>
    /// <param name="serve">Serves a client until it has finished.</param>
    /// <param name="maxConnections">The maximum number of clients at a time.</param>
    /// <param name="shortestTimeout">The shortest of all timeouts; it sets the interval of checks.</param>
    /// <param name="counters">The counters.</param>
    /// <param name="logger">The log for failures.</param>
    public ConnectionServer(
        Func<CancellationToken, ValueTask<StreamEnd>> accept, IDisposable listener, Func<ServedConnection, Task> serve, int maxConnections,
        TimeSpan shortestTimeout, LanyardProxyCounters counters, ILogger logger)
    {
        _accept = accept;
        _listener = listener;
        _serve = serve;
        _maxConnections = maxConnections;
        _counters = counters;
        _logger = logger;
        _sweepInterval = TimeSpan.FromMilliseconds(Math.Clamp(shortestTimeout.TotalMilliseconds / 8, 20, 1_000));
        _sweep = new Timer(static server => ((ConnectionServer)server!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Stops accepting, cuts off all clients and waits until all connections have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
            return;
        _end.Cancel();
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        Task[] left;
        lock (_connections)
        {
            foreach (var connection in _connections.Keys)
                connection.Cut(null);
            left = [.. _connections.Values];
        }

        await Task.WhenAll(left).ConfigureAwait(false);
        _sweep.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                Begin(await _accept(_end.Token).ConfigureAwait(false));
            }
            catch (Exception failure) when (StreamEnd.IsFailure(failure))
            {
                if (_end.IsCancellationRequested)
                    return;
                // For example, the process has no free descriptor, or the client has already disconnected.
                if (failure is not SocketException)
                {
                    ProxyLog.ListenerEnded(_logger, failure);
                    return;
                }

                ProxyLog.AcceptFailed(_logger, failure);
                await Task.WhenAny(Task.Delay(PauseAfterFailure, _end.Token)).ConfigureAwait(false);
            }
        }
    }

    private void Begin(StreamEnd client)
    {
        _counters.Add(LanyardProxyCounter.Accepted);
        var connection = new ServedConnection(client, _counters);
        lock (_connections)
        {
            if (_connections.Count < _maxConnections)
            {
                if (_connections.Count == 0)
                    _sweep.Change(_sweepInterval, _sweepInterval);
                // The task takes this lock before it removes itself.
                _connections.Add(connection, Task.Run(() => ServeAsync(connection)));
                _counters.AddActive(1);
                return;
            }
        }

        _counters.Add(LanyardProxyCounter.OverLimit);
        ProxyLog.OverLimit(_logger, client.Remote, _maxConnections);
        connection.Cut(null);
        connection.Dispose();
    }

    private async Task ServeAsync(ServedConnection connection)
    {
        try
        {
            await _serve(connection).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A failing client must not end the service of others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            connection.Cut(LanyardProxyCounter.Failed);
            if (!StreamEnd.IsFailure(failure))
                ProxyLog.InternalError(_logger, failure);
            else if (connection.CutBecause == LanyardProxyCounter.Failed)
                ProxyLog.Failed(_logger, connection.Client.Remote, failure.Message);
        }

        if (connection.CutBecause is { } because)
        {
            _counters.Add(because);
            if (because != LanyardProxyCounter.Failed)
                ProxyLog.Cut(_logger, connection.Client.Remote, because);
        }

        connection.Dispose();
        lock (_connections)
        {
            _connections.Remove(connection);
            _counters.AddActive(-1);
            if (_connections.Count == 0 && !_end.IsCancellationRequested)
                _sweep.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private void Sweep()
    {
        ServedConnection[] all;
        lock (_connections)
            all = [.. _connections.Keys];
        var now = ServedConnection.NowMs;
        foreach (var connection in all)
            connection.CutIfLate(now);
    }
}
