using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lanyard.AspNetCore;

/// <summary>Creates Kestrel's listeners on <see cref="LanyardEndPoint"/>s; other transports handle other endpoints.</summary>
internal sealed class LanyardTransportFactory(
    IOptions<LanyardTransportOptions> options, ILoggerFactory loggerFactory, ILanyardAccessor? node = null)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ILogger _logger = loggerFactory.CreateLogger("Lanyard.AspNetCore.Transport");

    public bool CanBind(EndPoint endpoint) => endpoint is LanyardEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not LanyardEndPoint wanted)
            throw new NotSupportedException($"This transport listens on {nameof(LanyardEndPoint)}s, not on {endpoint}.");
        var network = wanted.Network ?? node?.Network
            ?? throw new InvalidOperationException("There is no network to listen on. Pass a network, or add services.AddLanyard(...), whose "
                + "first network is the default.");
        try
        {
            var listener = network.Listen(new InetEndpoint(wanted.Address, (ushort)wanted.Port), options.Value.Backlog);
            return new ValueTask<IConnectionListener>(new LanyardConnectionListener(listener, wanted.Address, options.Value, _logger));
        }
        catch (LanyardSocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }
}

/// <summary>Accepts the connections of a port for Kestrel.</summary>
internal sealed class LanyardConnectionListener(
    LanyardListener listener, InetAddress address, LanyardTransportOptions options, ILogger logger) : IConnectionListener
{
    public EndPoint EndPoint { get; } = new LanyardEndPoint(listener.LocalEndPoint.Port, listener.Network, address);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var connection = new LanyardConnection(await listener.AcceptAsync(cancellationToken).ConfigureAwait(false), options, logger);
            connection.Start();
            return connection;
        }
        catch (Exception e) when (e is ObjectDisposedException or LanyardNetworkException)
        {
            // The listener was unbound, or the network was left: no more connections will arrive.
            return null;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        listener.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        listener.Dispose();
        return default;
    }
}
