using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>The options of a <see cref="LanyardService"/>. Immutable.</summary>
public sealed record LanyardServiceOptions
{
    /// <summary>The node's state folder, in the layout of existing nodes. Created if it is missing.</summary>
    public required string HomeDirectory { get; init; }

    /// <summary>
    /// The UDP port of the node and TCP port of the API, 0 to 65,535; 0 for a port that is free for both. Null, the default, uses
    /// <c>settings.primaryPort</c> of <c>local.conf</c>, or else <see cref="LanyardOptions.DefaultPort"/>.
    /// </summary>
    public int? Port { get; init; }

    /// <summary>Whether to run a network controller, with records in the folder's <c>controller.sqlite</c>. Default: false.</summary>
    public bool IsController { get; init; }

    /// <summary>The node's other options. The service sets the folder, the port, the known networks and the controller.</summary>
    public LanyardOptions Node { get; init; } = new();

    /// <summary>Creates the loggers; null, the default, for none.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }
}
