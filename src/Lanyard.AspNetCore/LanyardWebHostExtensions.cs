using Lanyard.Wire;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lanyard.AspNetCore;

/// <summary>Kestrel on virtual networks.</summary>
public static class LanyardWebHostExtensions
{
    /// <summary>Lets Kestrel listen on <see cref="LanyardEndPoint"/>s, besides those of the system's sockets.</summary>
    public static IWebHostBuilder UseLanyard(this IWebHostBuilder builder, Action<LanyardTransportOptions>? configure = null) => throw new NotImplementedException();

    /// <summary>Lets Kestrel listen on a network and nothing else: no TCP port of the machine is opened.</summary>
    /// <param name="builder">The web host.</param>
    /// <param name="network">The network.</param>
    /// <param name="port">The port on it.</param>
    /// <param name="configure">More settings.</param>
    public static IWebHostBuilder UseLanyard(this IWebHostBuilder builder, LanyardNetwork network, int port, Action<LanyardTransportOptions>? configure = null) => throw new NotImplementedException();

    /// <summary>Listens on a port of the network that <see cref="LanyardServiceCollectionExtensions.AddLanyard"/> joins.</summary>
    public static void ListenLanyard(this KestrelServerOptions options, int port, Action<ListenOptions>? configure = null) => throw new NotImplementedException();

    /// <summary>Listens on a port of a network.</summary>
    public static void ListenLanyard(this KestrelServerOptions options, LanyardNetwork network, int port, Action<ListenOptions>? configure = null) => throw new NotImplementedException();

    /// <summary>The node that sent this request; null if it did not come over a virtual network, or the caller lies behind a bridge.</summary>
    public static NodeAddress? GetLanyardCaller(this HttpContext context) => throw new NotImplementedException();
}
