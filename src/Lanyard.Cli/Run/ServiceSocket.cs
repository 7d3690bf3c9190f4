using Lanyard.Service;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>Where the service is found that programs are to use.</summary>
internal static class ServiceSocket
{
    /// <summary>Where a service for all users of a system has its socket.</summary>
    public const string OfSystem = "/run/lanyard/intercept.sock";

    /// <summary>The socket that was asked for, the one of the folder, or the system's where the user asked for neither and has none.</summary>
    public static string Find(string? socket, string home, bool isHomeGiven)
    {
        if (socket is not null)
            return Path.GetFullPath(socket);
        var own = OfFolder(Path.GetFullPath(home));
        return !isHomeGiven && !Libc.IsSocket(own) && Libc.IsSocket(OfSystem) ? OfSystem : own;
    }

    /// <summary>Says what is wrong with a socket that nobody answers at, where that is not that no service runs.</summary>
    /// <exception cref="CommandException">It is not this user's to use; or it is needed.</exception>
    public static void ThrowIfThere(string socket, bool isNeeded)
    {
        if (Libc.IsSocket(socket) && !Libc.MayWrite(socket))
            throw new CommandException(ExitCode.Failed, $"The service's local socket {socket} is not this user's to use: lanyard.intercept in its local.conf says whose it is.");
        if (isNeeded)
            throw new CommandException(ExitCode.Failed, $"No service answers at {socket}. Start it, or say with --home where one is.");
    }

    private static string OfFolder(string home)
    {
        try
        {
            return File.ReadAllText(Path.Combine(home, StateFiles.InterceptPath));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No service runs there, or the folder is not this user's.
            return Path.Combine(home, InterceptServer.SocketFile);
        }
    }
}
