namespace Lanyard.Intercept;

/// <summary>The options of an <see cref="InterceptServer"/>. Immutable.</summary>
public sealed record InterceptOptions
{
    /// <summary>The path of the local socket that programs connect to.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The file mode of the socket, which determines the users that may use the server. Default: the process's own user and the superuser.</summary>
    public UnixFileMode SocketMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// The file that stores programs' listening and receiving sockets, so that the next server adopts them after this server has stopped or was killed; null, the
    /// default, for none.
    /// </summary>
    public string? MemoryPath { get; init; }

    /// <summary>Returns whether the programs of a user (a user ID) may use a network. Default: all users that <see cref="SocketMode"/> permits.</summary>
    public Func<uint, LanyardNetwork, bool> MayUse { get; init; } = static (_, _) => true;
}
