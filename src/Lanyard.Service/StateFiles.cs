using System.Text;
using Lanyard.Intercept;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>The files of the service, in the state folder of the node. Errors name the file.</summary>
internal static class StateFiles
{
    /// <summary>The port and process ID files of a running service, under the names that existing tools read.</summary>
    public const string Port = "zerotier-one.port";

    /// <summary>The file with the process ID of the service, while it runs.</summary>
    public const string Process = "zerotier-one.pid";

    /// <summary>The file with the path of the local socket for programs, while the service runs.</summary>
    public const string InterceptPath = ServiceSocket.PathFileName;

    /// <summary>The listeners and UDP sockets of programs.</summary>
    public const string InterceptMemory = "intercept.json";

    /// <summary>The controller's records.</summary>
    public const string Controller = "controller.sqlite";

    /// <summary>The folder with the records of an existing node's controller, imported at the first start.</summary>
    public const string ControllerImport = "controller.d";

    // What tells where the service is, to whoever may look into the folder. The rest is secret, or may hold what is.
    private static readonly string[] ForEveryone = [Port, Process, InterceptPath];

    private static readonly string[] All =
    [
        .. ForEveryone, ApiToken.FileName, ApiToken.MetricsFileName, LocalConfiguration.FileName, TrustedPathsFile.FileName, InterceptMemory,
        Controller, Controller + "-wal", Controller + "-shm", Controller + "-journal",
    ];

    /// <summary>Looks at the service's files before they are trusted: see <see cref="StateGuard"/>.</summary>
    /// <exception cref="LanyardStateException">One is another user's, or no file.</exception>
    public static void Check(string home, ILogger logger)
    {
        var guard = new StateGuard(home, logger);
        foreach (var name in All)
            guard.CheckFile(Path.Combine(home, name), AccessOf(name));
        guard.CheckFolder(Path.Combine(home, ControllerImport), withFiles: false);
    }

    /// <summary>Looks at one of them again, which somebody else may have written.</summary>
    /// <exception cref="LanyardStateException">It is another user's, or no file.</exception>
    public static void Check(string home, string name, ILogger logger) => new StateGuard(home, logger).CheckFile(Path.Combine(home, name), AccessOf(name));

    /// <summary>Removes what was being written when a service stopped. The folder is this service's.</summary>
    public static void RemoveTemporaries(string home, ILogger logger) => new StateGuard(home, logger).RemoveTemporaries(All);

    /// <summary>The identity in a file, with its secret.</summary>
    /// <exception cref="LanyardStateException">It is not there, or is none.</exception>
    public static Identity ReadIdentity(string path) =>
        Identity.TryParse(StateFile.TryReadText(path), out var identity) && identity.HasSecret
            ? identity
            : throw new LanyardStateException(path, $"The file '{path}' does not hold an identity with its secret key.");

    /// <summary>Puts a text into one of the files, in the place of the old one: see <see cref="StateFile"/>.</summary>
    /// <exception cref="LanyardStateException">It cannot be written; the old one is there as before.</exception>
    public static void Write(string path, string text) => Write(path, () => StateFile.Replace(path, Encoding.UTF8.GetBytes(text), AccessOf(Path.GetFileName(path))));

    /// <summary>Puts a text into a new file.</summary>
    /// <exception cref="LanyardStateException">It is there already, or cannot be written.</exception>
    public static void Create(string path, string text) => Write(path, () => StateFile.Create(path, Encoding.UTF8.GetBytes(text), AccessOf(Path.GetFileName(path))));

    /// <summary>Deletes a file that tells of a running service. If it stays, it tells of one that does not answer.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            StateFile.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static StateFileAccess AccessOf(string name) => ForEveryone.Contains(name) ? StateFileAccess.Everyone : StateFileAccess.Owner;

    private static void Write(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LanyardStateException(path, $"The file '{path}' cannot be written: {failure.Message}", failure);
        }
    }
}
