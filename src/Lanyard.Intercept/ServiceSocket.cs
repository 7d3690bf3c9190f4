using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept;

/// <summary>Where the service is found that programs are to use.</summary>
public static class ServiceSocket
{
    /// <summary>The name of the file in a service's folder with the path of its socket, while the service runs.</summary>
    public const string PathFileName = "intercept.path";

    /// <summary>Where a service for all users of a system has its socket.</summary>
    public const string OfSystem = "/run/lanyard/intercept.sock";

    /// <summary>The socket that was asked for, the one of the folder, or the system's where the user asked for neither and has none.</summary>
    /// <param name="socket">The path that was asked for; null for none.</param>
    /// <param name="home">The service's folder.</param>
    /// <param name="isHomeGiven">Whether the folder was asked for, and is not the default.</param>
    /// <returns>The full path of the socket, whether there is one or not.</returns>
    public static string Find(string? socket, string home, bool isHomeGiven)
    {
        if (socket is not null)
            return Path.GetFullPath(socket);
        var own = OfFolder(Path.GetFullPath(home));
        return !isHomeGiven && !Libc.IsSocket(own) && Libc.IsSocket(OfSystem) ? OfSystem : own;
    }

    /// <summary>Says what is wrong with a socket that nobody answers at, where that is not that no service runs.</summary>
    /// <param name="socket">The path of the socket.</param>
    /// <param name="isNeeded">Whether the program cannot do without a service.</param>
    /// <exception cref="ProgramStartException">It is not this user's to use; or it is needed.</exception>
    public static void ThrowIfThere(string socket, bool isNeeded)
    {
        if (Libc.IsSocket(socket) && !Libc.MayWrite(socket))
            throw new ProgramStartException($"The service's local socket {socket} is not this user's to use: lanyard.intercept in its local.conf says whose it is.");
        if (isNeeded)
            throw new ProgramStartException($"No service answers at {socket}. Start it, or say with --home where one is.");
    }

    private static string OfFolder(string home)
    {
        try
        {
            return File.ReadAllText(Path.Combine(home, PathFileName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No service runs there, or the folder is not this user's.
            return Path.Combine(home, InterceptServer.SocketFile);
        }
    }
}
