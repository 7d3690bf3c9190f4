using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept;

/// <summary>Finds the local socket of the service that programs use.</summary>
public static class ServiceSocket
{
    /// <summary>The name of the file in a service's folder with the path of its socket, while the service runs.</summary>
    public const string PathFileName = "intercept.path";

    /// <summary>The path of the socket of a service for all users of a system.</summary>
    public const string OfSystem = "/run/lanyard/intercept.sock";

    /// <summary>
    /// Returns the path of the requested socket; otherwise the socket of the folder; or the system's socket if the folder is the default and has none.
    /// </summary>
    /// <param name="socket">The requested path; null for none.</param>
    /// <param name="home">The service's folder.</param>
    /// <param name="isHomeGiven">Whether the folder was requested; false for the default.</param>
    /// <returns>The full path of the socket, which may not exist.</returns>
    public static string Find(string? socket, string home, bool isHomeGiven)
    {
        if (socket is not null)
            return Path.GetFullPath(socket);
        var own = OfFolder(Path.GetFullPath(home));
        return !isHomeGiven && !Libc.IsSocket(own) && Libc.IsSocket(OfSystem) ? OfSystem : own;
    }

    /// <summary>Throws for a socket that accepts no connections, if this user may not use it or if a service is needed.</summary>
    /// <param name="socket">The path of the socket.</param>
    /// <param name="isNeeded">Whether the program needs a service.</param>
    /// <exception cref="ProgramStartException">This user may not use the socket, or no service runs and one is needed.</exception>
    public static void ThrowIfThere(string socket, bool isNeeded)
    {
        if (Libc.IsSocket(socket) && !Libc.MayWrite(socket))
            throw new ProgramStartException($"This user may not use the service's local socket {socket}. Permit the user in lanyard.intercept of the service's local.conf.");
        if (isNeeded)
            throw new ProgramStartException($"No service accepts connections at {socket}. Start the service, or set its folder with --home.");
    }

    private static string OfFolder(string home)
    {
        try
        {
            return File.ReadAllText(Path.Combine(home, PathFileName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No service runs in the folder, or this user may not read it.
            return Path.Combine(home, InterceptServer.SocketFile);
        }
    }
}
