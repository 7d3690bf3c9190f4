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

/// <summary>How a redirected program sees networks. Immutable.</summary>
public sealed record ProgramOptions
{
    /// <summary>The path of the service's local socket: see <see cref="ServiceSocket"/>.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The only network that the program sees; null, the default, for all that its user may use.</summary>
    public NetworkId? Network { get; init; }

    /// <summary>Whether the program is kept off the system's network. Default false.</summary>
    public bool IsIsolated { get; init; }

    /// <summary>Whether programs that a preloaded program starts, and that cannot be preloaded, run on the system's network. Default false: they are not started.</summary>
    public bool AllowsOutside { get; init; }

    /// <summary>The networks on which to open ports that the program binds to the wildcard address. Default: the virtual networks.</summary>
    public ListenPlace Listening { get; init; }
}
