using Lanyard.Wire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Lanyard.AspNetCore;

/// <summary>Adds a node to an application.</summary>
public static class LanyardServiceCollectionExtensions
{
    /// <summary>
    /// Adds a node that starts and stops with the application and joins networks, as <see cref="ILanyardAccessor"/>; a health check named
    /// <c>lanyard</c>; and the Kestrel transport that listens on its networks (<c>options.ListenLanyard(port)</c>).
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options of the node, and the networks to join.</param>
    public static IServiceCollection AddLanyard(this IServiceCollection services, Action<LanyardHostingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.Configure(configure);
        services.TryAddSingleton<LanyardHostedService>();
        services.TryAddSingleton<ILanyardAccessor>(provider => provider.GetRequiredService<LanyardHostedService>());
        services.AddHostedService(provider => provider.GetRequiredService<LanyardHostedService>());
        services.AddHealthChecks().AddCheck<LanyardHealthCheck>("lanyard");
        services.AddLanyardTransport(configure: null);
        return services;
    }
}

/// <summary>The options of an application's node.</summary>
public sealed class LanyardHostingOptions
{
    /// <summary>The options to start the node with. Without a logger of its own, the node logs to the application's log.</summary>
    public LanyardOptions Node { get; set; } = new();

    /// <summary>The networks to join. The first network is the application's main network.</summary>
    public IList<NetworkId> Networks { get; } = [];

    /// <summary>
    /// Whether the application's start waits until its networks are up, and fails if they refuse the node. Default true. Otherwise the networks come up
    /// later.
    /// </summary>
    public bool WaitForNetworks { get; set; } = true;
}

/// <summary>Returns the application's node, once the application has begun to start.</summary>
public interface ILanyardAccessor
{
    /// <summary>The node.</summary>
    /// <exception cref="InvalidOperationException">The application has not started.</exception>
    LanyardNode Node { get; }

    /// <summary>The application's main network.</summary>
    /// <exception cref="InvalidOperationException">The application has not started, or joins no network.</exception>
    LanyardNetwork Network { get; }
}
