using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Proxies;

/// <summary>
/// A proxy on the host that connects programs to virtual networks: SOCKS5 and HTTP on one port. It listens until it is disposed of. All members are
/// thread-safe.
/// </summary>
/// <remarks>See <see cref="LanyardProxyExtensions"/>.</remarks>
public sealed class LanyardProxy : IAsyncDisposable
{
    private readonly ProxyContext _context;
    private readonly ConnectionServer _server;

    /// <exception cref="LanyardException">The address cannot be bound.</exception>
    internal LanyardProxy(LanyardNode node, Func<IReadOnlyList<LanyardNetwork>> networks, LanyardProxyOptions options)
    {
        options.Check();
        Options = options;
        var logger = LoggerOf(node);
        _context = new ProxyContext(options, new ProxyRouter(networks, options.Outside), logger);
        var listener = HostSockets.Listen(options.LocalEndPoint);
        LocalEndPoint = (IPEndPoint)listener.LocalEndPoint!;
        var shortest = options.GreetingTimeout < options.IdleTimeout ? options.GreetingTimeout : options.IdleTimeout;
        _server = new ConnectionServer(_ => AcceptAsync(listener), listener, ServeAsync, options.MaxConnections, shortest, Counters, logger);
        ProxyLog.ProxyStarted(logger, LocalEndPoint, options.Protocols);
        if (!IPAddress.IsLoopback(LocalEndPoint.Address) && options.UserName is null)
            ProxyLog.ProxyOpen(logger, LocalEndPoint);
    }

    /// <summary>The endpoint on which the proxy listens.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The options that the proxy was started with.</summary>
    public LanyardProxyOptions Options { get; }

    /// <summary>The proxy's counters.</summary>
    public LanyardProxyCounters Counters => _context.Counters;

    /// <summary>Stops listening, resets the clients' connections and waits until all have ended.</summary>
    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>Waits for the next connection to a socket of the host.</summary>
    internal static async ValueTask<StreamEnd> AcceptAsync(Socket listener) => new HostStreamEnd(await listener.AcceptAsync().ConfigureAwait(false));

    internal static ILogger LoggerOf(LanyardNode node) => node.Options.LoggerFactory?.CreateLogger("Lanyard.Proxy") ?? NullLogger.Instance;

    private async Task ServeAsync(ServedConnection connection)
    {
        using var client = new BufferedEnd(connection.Client);
        connection.SetDeadline(Options.GreetingTimeout, LanyardProxyCounter.GreetingTimedOut);
        if (!await client.FillAsync().ConfigureAwait(false))
            return;
        var first = client.Buffered[0];
        if (first == SocksFormat.Version && (Options.Protocols & LanyardProxyProtocols.Socks) != 0)
            await new SocksSession(_context, connection, client).RunAsync().ConfigureAwait(false);
        else if (first is >= (byte)'A' and <= (byte)'Z' or >= (byte)'a' and <= (byte)'z' && (Options.Protocols & LanyardProxyProtocols.Http) != 0)
            await new HttpSession(_context, connection, client).RunAsync().ConfigureAwait(false);
        else
            connection.Cut(LanyardProxyCounter.Malformed);
    }
}
