using Lanyard.Wire;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Lanyard.AspNetCore;

/// <summary>Kestrel on virtual networks.</summary>
public static class LanyardWebHostExtensions
{
    /// <summary>Lets Kestrel listen on <see cref="LanyardEndPoint"/>s, in addition to endpoints of the system.</summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Changes the transport's options.</param>
    public static IWebHostBuilder UseLanyard(this IWebHostBuilder builder, Action<LanyardTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services => services.AddLanyardTransport(configure));
    }

    /// <summary>
    /// Lets Kestrel listen on a network. Unless other endpoints are configured, Kestrel listens only there, so no TCP port of the machine is opened.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="network">The network.</param>
    /// <param name="port">The port on the network.</param>
    /// <param name="configure">Changes the transport's options.</param>
    public static IWebHostBuilder UseLanyard(
        this IWebHostBuilder builder, LanyardNetwork network, int port, Action<LanyardTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        return builder.UseLanyard(configure).ConfigureServices(
            services => services.Configure<KestrelServerOptions>(options => options.ListenLanyard(network, port)));
    }

    /// <summary>Listens on a port of the network that <see cref="LanyardServiceCollectionExtensions.AddLanyard"/> joins.</summary>
    /// <param name="options">Kestrel's options.</param>
    /// <param name="port">The port; 0 selects a free port.</param>
    /// <param name="configure">Changes the endpoint: protocols, TLS.</param>
    public static void ListenLanyard(this KestrelServerOptions options, int port, Action<ListenOptions>? configure = null) =>
        Listen(options, new LanyardEndPoint(port), configure);

    /// <summary>Listens on a port of a network.</summary>
    /// <param name="options">Kestrel's options.</param>
    /// <param name="network">The network.</param>
    /// <param name="port">The port; 0 selects a free port.</param>
    /// <param name="configure">Changes the endpoint: protocols, TLS.</param>
    public static void ListenLanyard(
        this KestrelServerOptions options, LanyardNetwork network, int port, Action<ListenOptions>? configure = null) =>
        Listen(options, new LanyardEndPoint(port, network), configure);

    /// <summary>
    /// The node that sent this request; null if the request did not arrive over a virtual network, or the caller is behind a bridge.
    /// </summary>
    public static NodeAddress? GetLanyardCaller(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<ILanyardConnectionFeature>() is { RemoteNode.IsNone: false } connection ? connection.RemoteNode : null;
    }

    internal static void AddLanyardTransport(this IServiceCollection services, Action<LanyardTransportOptions>? configure)
    {
        services.AddOptions();
        if (configure is not null)
            services.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, LanyardTransportFactory>());
    }

    private static void Listen(KestrelServerOptions options, LanyardEndPoint endpoint, Action<ListenOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Listen(endpoint, configure ?? (_ => { }));
    }
}
