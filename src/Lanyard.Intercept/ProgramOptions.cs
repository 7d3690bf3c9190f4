using Lanyard.Wire;

namespace Lanyard.Intercept;

/// <summary>The networks on which to open ports that a program binds to the wildcard address.</summary>
public enum ListenPlace
{
    /// <summary>The virtual networks.</summary>
    Virtual,

    /// <summary>The system's network.</summary>
    Host,

    /// <summary>Both.</summary>
    Both,
}

/// <summary>A redirected program's access to networks. Immutable.</summary>
public sealed record ProgramOptions
{
    /// <summary>The path of the service's local socket: see <see cref="ServiceSocket"/>.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The only network that the program may use; null, the default, for all networks that its user may use.</summary>
    public NetworkId? Network { get; init; }

    /// <summary>Whether the program is isolated from the system's network. Default: false.</summary>
    public bool IsIsolated { get; init; }

    /// <summary>
    /// Whether programs that a preloaded program starts, and that cannot be preloaded, run on the system's network. Default: false, which refuses to start
    /// them.
    /// </summary>
    public bool AllowsOutside { get; init; }

    /// <summary>The networks on which to open ports that the program binds to the wildcard address. Default: the virtual networks.</summary>
    public ListenPlace Listening { get; init; }
}
