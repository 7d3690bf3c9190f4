using Lanyard.Wire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Lanyard.AspNetCore;

/// <summary>A node as a part of an application.</summary>
public static class LanyardServiceCollectionExtensions
{
    /// <summary>
    /// Adds a node that starts and ends with the application and joins networks, as <see cref="ILanyardAccessor"/>; a health check named
    /// <c>lanyard</c>; and Kestrel's way to listen on its networks (<c>options.ListenLanyard(port)</c>).
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Says how the node is started and which networks it joins.</param>
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

/// <summary>The node of an application.</summary>
public sealed class LanyardHostingOptions
{
    /// <summary>How the node is started. Its log goes to the application's, where it has none of its own.</summary>
    public LanyardOptions Node { get; set; } = new();

    /// <summary>The networks to join. The first is the application's main one.</summary>
    public IList<NetworkId> Networks { get; } = [];

    /// <summary>
    /// Whether the application's start waits until its networks are up, and fails where they refuse it. Default true. Else they come up
    /// when they do.
    /// </summary>
    public bool WaitForNetworks { get; set; } = true;
}

/// <summary>Gives the application's node, once the application has begun to start.</summary>
public interface ILanyardAccessor
{
    /// <summary>The node.</summary>
    /// <exception cref="InvalidOperationException">The application has not started.</exception>
    LanyardNode Node { get; }

    /// <summary>The application's main network.</summary>
    /// <exception cref="InvalidOperationException">The application has not started, or joins no network.</exception>
    LanyardNetwork Network { get; }
}
