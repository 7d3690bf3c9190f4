using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>How a <see cref="LanyardService"/> is started. Immutable.</summary>
public sealed record LanyardServiceOptions
{
    /// <summary>The folder of the node's state, in the layout of existing nodes. It is created where it is missing.</summary>
    public required string HomeDirectory { get; init; }

    /// <summary>
    /// The UDP port of the node and TCP port of the API, 0 to 65,535; 0 takes one that is free for both. Null, the default, takes the folder's
    /// <c>local.conf</c>'s <c>settings.primaryPort</c>, or else <see cref="LanyardOptions.DefaultPort"/>.
    /// </summary>
    public int? Port { get; init; }

    /// <summary>Whether the node is a controller of networks too, which are kept in the folder's <c>controller.sqlite</c>. Default false.</summary>
    public bool IsController { get; init; }

    /// <summary>The node's other settings. The folder, the port, the known networks and the controller are the service's to set.</summary>
    public LanyardOptions Node { get; init; } = new();

    /// <summary>Where events are logged; nowhere by default.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }
}
