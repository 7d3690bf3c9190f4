using System.Net;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard.Proxies;

/// <summary>A port that is being forwarded, from when it is made until it is disposed of. All members may be called from any thread.</summary>
/// <remarks>A connection whose destination cannot be reached is reset, and the reason logged.</remarks>
public sealed class LanyardForwarder : IAsyncDisposable
{
    private readonly LanyardForwardOptions _options;
    private readonly ProxyRouter _router;
    private readonly ILogger _logger;
    private readonly IAsyncDisposable _server;

    /// <exception cref="LanyardException">The port cannot be opened.</exception>
    internal LanyardForwarder(LanyardNetwork network, LanyardForward forward, LanyardForwardOptions options)
    {
        options.Check();
        Forward = forward;
        Network = network;
        _options = options;
        _logger = LanyardProxy.LoggerOf(network.Node);
        LanyardNetwork[] only = [network];
        var isLocal = forward.Direction == LanyardForwardDirection.Local;
        _router = isLocal ? new ProxyRouter(() => only, LanyardOutsidePolicy.Refuse) : new ProxyRouter(static () => [], LanyardOutsidePolicy.Host);
        if (forward.IsUdp)
        {
            DatagramEnd end = isLocal ? new HostDatagramEnd(HostSockets.BindUdp(HostBind())) : NetworkDatagramEnd.Open(network, NetworkBind());
            LocalEndPoint = end.Local.ToIPEndPoint();
            _server = new DatagramForwarder(end, _router, forward, options, Counters, _logger);
        }
        else if (isLocal)
        {
            var listener = HostSockets.Listen(HostBind());
            LocalEndPoint = (IPEndPoint)listener.LocalEndPoint!;
            _server = Serve(_ => LanyardProxy.AcceptAsync(listener), listener);
        }
        else
        {
            var listener = network.Listen(NetworkBind());
            LocalEndPoint = listener.LocalEndPoint;
            _server = Serve(async cancellation => new NetworkStreamEnd(await listener.AcceptAsync(cancellation).ConfigureAwait(false)), listener);
        }

        ProxyLog.ForwardStarted(_logger, forward, LocalEndPoint);
    }

    /// <summary>From where to where.</summary>
    public LanyardForward Forward { get; }

    /// <summary>The network.</summary>
    public LanyardNetwork Network { get; }

    /// <summary>The side that listens: the host, or the virtual network.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The counters. Clients are the users of the listening port.</summary>
    public LanyardProxyCounters Counters { get; } = new();

    /// <summary>Stops listening, resets connections and waits until nothing is left of them.</summary>
    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private IPEndPoint HostBind() => new(Forward.Bind.Family == InetFamily.None ? IPAddress.Loopback : Forward.Bind.ToIPAddress(), Forward.Port);

    private InetEndpoint NetworkBind() => new(Forward.Bind, Forward.Port);

    private ConnectionServer Serve(Func<CancellationToken, ValueTask<StreamEnd>> accept, IDisposable listener) =>
        new(accept, listener, ServeAsync, _options.MaxConnections, _options.IdleTimeout, Counters, _logger);

    private async Task ServeAsync(ServedConnection connection)
    {
        try
        {
            var destination = new ProxyDestination(Forward.Host, default, Forward.HostPort);
            var other = await _router.ConnectAsync(destination, _options.ConnectTimeout, connection.Token).ConfigureAwait(false);
            connection.Attach(other);
            Counters.Add(LanyardProxyCounter.Connected);
            connection.SetIdleTimeout(_options.IdleTimeout, LanyardProxyCounter.IdleTimedOut);
            await DuplexRelay.RunAsync(connection.Client, other, connection).ConfigureAwait(false);
        }
        catch (ProxyException failure)
        {
            Counters.Add(failure.Failure == ProxyFailure.NotAllowed ? LanyardProxyCounter.NotAllowed : LanyardProxyCounter.Unreachable);
            ProxyLog.ForwardFailed(_logger, Forward, connection.Client.Remote, failure.Message);
            connection.Cut(null);
        }
    }
}
