using Lanyard.Wire;

namespace Lanyard.Intercept;

/// <summary>Where ports open that a program binds to the wildcard address.</summary>
public enum ListenPlace
{
    /// <summary>On the virtual networks.</summary>
    Virtual,

    /// <summary>On the system's network.</summary>
    Host,

    /// <summary>On both.</summary>
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

    /// <summary>Where ports open that the program binds to the wildcard address. Default on the virtual networks.</summary>
    public ListenPlace Listening { get; init; }
}
