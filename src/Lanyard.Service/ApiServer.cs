using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lanyard.Service;

/// <summary>The local API's HTTP server: Kestrel without a host, by default on the loopback addresses.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private const int MinBodyBytesPerSecond = 240;
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BodyGracePeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromMilliseconds(500);

    private readonly KestrelServer _server;

    private ApiServer(KestrelServer server, int port, bool isPublic, string addresses)
    {
        _server = server;
        Port = port;
        IsPublic = isPublic;
        Addresses = addresses;
    }

    /// <summary>The TCP port.</summary>
    public int Port { get; }

    /// <summary>Whether the server listens on all addresses of this machine, not only on loopback addresses.</summary>
    public bool IsPublic { get; }

    /// <summary>The addresses, for messages.</summary>
    public string Addresses { get; }

    /// <summary>Starts the server.</summary>
    /// <param name="api">The handler of requests.</param>
    /// <param name="port">The TCP port.</param>
    /// <param name="isPublic">Whether to listen on all addresses of this machine.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PortInUseException">Another program listens on the port.</exception>
    public static async Task<ApiServer> StartAsync(LocalApi api, int port, bool isPublic, CancellationToken cancellationToken)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxRequestBodySize = LocalApi.MaxReadBytes;
        options.Limits.RequestHeadersTimeout = HeadersTimeout;
        options.Limits.MinRequestBodyDataRate = new MinDataRate(MinBodyBytesPerSecond, BodyGracePeriod);
        // A socket on the IPv6 wildcard address receives IPv4 too.
        List<IPAddress> addresses = isPublic ? [HasIPv6Loopback() ? IPAddress.IPv6Any : IPAddress.Any]
            : HasIPv6Loopback() ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];
        var seats = new ConnectionSeats();
        foreach (var address in addresses)
            options.Listen(address, port, listen => Configure(listen, seats));
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
        var server = new KestrelServer(Options.Create(options), transport, NullLoggerFactory.Instance);
        try
        {
            await server.StartAsync(new Application(api), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException failure) when (failure.InnerException is AddressInUseException)
        {
            server.Dispose();
            throw new PortInUseException(port, failure);
        }
        catch
        {
            server.Dispose();
            throw;
        }

        return new ApiServer(server, port, isPublic, string.Join(", ", addresses));
    }

    /// <summary>Stops the server. Requests in progress get a short time to complete.</summary>
    public async ValueTask DisposeAsync()
    {
        using var timeout = new CancellationTokenSource(StopTimeout);
        await _server.StopAsync(timeout.Token).ConfigureAwait(false);
        _server.Dispose();
    }

    private static void Configure(ListenOptions listen, ConnectionSeats seats)
    {
        seats.Supply(listen);
        listen.Protocols = HttpProtocols.Http1;
        MissingHostHeader.Supply(listen, HeadersTimeout);
    }

    private static bool HasIPv6Loopback()
    {
        if (!Socket.OSSupportsIPv6)
            return false;
        try
        {
            using var probe = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private sealed class Application(LocalApi api) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => api.HandleAsync(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}

/// <summary>Thrown when another program listens on the API's TCP port.</summary>
internal sealed class PortInUseException(int port, Exception innerException)
    : Exception($"TCP port {port} of this machine is in use by another program. Stop it, or choose another port.", innerException);
