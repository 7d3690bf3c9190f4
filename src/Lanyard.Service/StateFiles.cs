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

    // The files that tell other users in the folder where the service is. All other files are secret or may contain secrets.
    private static readonly string[] Public = [Port, Process, InterceptPath];

    private static readonly string[] All =
    [
        .. Public, ApiToken.FileName, ApiToken.MetricsFileName, LocalConfiguration.FileName, TrustedPathsFile.FileName, InterceptMemory,
        Controller, Controller + "-wal", Controller + "-shm", Controller + "-journal",
    ];

    /// <summary>Checks the service's files before they are trusted: see <see cref="StateGuard"/>.</summary>
    /// <exception cref="LanyardStateException">A file belongs to another user, or is not a regular file.</exception>
    public static void Check(string home, ILogger logger)
    {
        var guard = new StateGuard(home, logger);
        foreach (var name in All)
            guard.CheckFile(Path.Combine(home, name), AccessOf(name));
        guard.CheckFolder(Path.Combine(home, ControllerImport), withFiles: false);
    }

    /// <summary>Checks a file again that another program may have written.</summary>
    /// <exception cref="LanyardStateException">The file belongs to another user, or is not a regular file.</exception>
    public static void Check(string home, string name, ILogger logger) => new StateGuard(home, logger).CheckFile(Path.Combine(home, name), AccessOf(name));

    /// <summary>Removes incomplete files of a service that stopped during a write. The caller owns the folder.</summary>
    public static void RemoveTemporaries(string home, ILogger logger) => new StateGuard(home, logger).RemoveTemporaries(All);

    /// <summary>Reads an identity with its secret key.</summary>
    /// <exception cref="LanyardStateException">The file is missing or contains no such identity.</exception>
    public static Identity ReadIdentity(string path) =>
        Identity.TryParse(StateFile.TryReadText(path), out var identity) && identity.HasSecret
            ? identity
            : throw new LanyardStateException(path, $"The file '{path}' does not contain an identity with its secret key.");

    /// <summary>Replaces the content of a file: see <see cref="StateFile"/>.</summary>
    /// <exception cref="LanyardStateException">The write failed. The file is unchanged.</exception>
    public static void Write(string path, string text) => Write(path, () => StateFile.Replace(path, Encoding.UTF8.GetBytes(text), AccessOf(Path.GetFileName(path))));

    /// <summary>Creates a file.</summary>
    /// <exception cref="LanyardStateException">The file exists, or the write failed.</exception>
    public static void Create(string path, string text) => Write(path, () => StateFile.Create(path, Encoding.UTF8.GetBytes(text), AccessOf(Path.GetFileName(path))));

    /// <summary>Deletes a file of a running service. A file that cannot be deleted refers to a service that does not answer.</summary>
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

    private static StateFileAccess AccessOf(string name) => Public.Contains(name) ? StateFileAccess.Everyone : StateFileAccess.Owner;

    private static void Write(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LanyardStateException(path, $"Cannot write the file '{path}': {failure.Message}", failure);
        }
    }
}
