namespace Lanyard.Intercept;

/// <summary>How programs' sockets are redirected.</summary>
public sealed record InterceptOptions
{
    /// <summary>The local socket that programs find the service at.</summary>
    public required string SocketPath { get; init; }

    /// <summary>Who may ask at all. By default the service's own user (and the superuser).</summary>
    public UnixFileMode SocketMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// The file that says which programs' sockets listen and receive, so that a service that starts after this one ended, or was killed, takes them up; null for
    /// none.
    /// </summary>
    public string? MemoryPath { get; init; }

    /// <summary>Whether the programs of a user (its number) may use a network. By default all that can ask may.</summary>
    public Func<uint, LanyardNetwork, bool> MayUse { get; init; } = static (_, _) => true;
}
