using System.Text;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>The service's own files beside the node's. What goes wrong with one is said with its name.</summary>
internal static class StateFiles
{
    /// <summary>Far above what any of these files holds.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The port and process ID files of a running service, under the names that existing tools read.</summary>
    public const string Port = "zerotier-one.port";

    /// <summary>The service's process, while it runs.</summary>
    public const string Process = "zerotier-one.pid";

    /// <summary>Where the local socket for programs is, while the service runs.</summary>
    public const string InterceptPath = "intercept.path";

    /// <summary>Which programs' sockets listen and receive.</summary>
    public const string InterceptMemory = "intercept.json";

    /// <summary>The controller's records.</summary>
    public const string Controller = "controller.sqlite";

    /// <summary>Where other controllers keep what this one takes over when it begins.</summary>
    public const string ControllerImport = "controller.d";

    // What tells where the service is, to whoever may look into the folder. The rest is secret, or may hold what is.
    private static readonly string[] ForEveryone = [Port, Process, InterceptPath];

    private static readonly string[] All =
    [
        .. ForEveryone, AuthToken.FileName, AuthToken.MetricsFileName, LocalConfiguration.FileName, TrustedPathsFile.FileName, InterceptMemory,
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

    /// <summary>A file's text; null where there is none.</summary>
    /// <exception cref="LanyardStateException">It cannot be read, or is too large.</exception>
    public static string? TryRead(string path)
    {
        try
        {
            // Whoever writes it meanwhile is not kept from it.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            if (file.Length > MaxBytes)
                throw new LanyardStateException(path, $"The file '{path}' is larger than 1 MiB, which it cannot rightly be.");
            using var reader = new StreamReader(file, Encoding.UTF8);
            return reader.ReadToEnd();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException && failure is not LanyardException)
        {
            throw new LanyardStateException(path, $"The file '{path}' cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>The identity in a file, with its secret.</summary>
    /// <exception cref="LanyardStateException">It is not there, or is none.</exception>
    public static Identity ReadIdentity(string path) =>
        Identity.TryParse(TryRead(path), out var identity) && identity.HasSecret
            ? identity
            : throw new LanyardStateException(path, $"The file '{path}' does not hold an identity with its secret key.");

    /// <summary>Puts a text into one of the files, in the place of the old one: see <see cref="StateFile"/>.</summary>
    /// <exception cref="LanyardStateException">It cannot be written; the old one is there as before.</exception>
    public static void Write(string path, string text) => Write(path, () => StateFile.Replace(path, Encoding.UTF8.GetBytes(text), AccessOf(Path.GetFileName(path))));

    /// <summary>Puts a text into a new file.</summary>
    /// <exception cref="LanyardStateException">It is there already, or cannot be written.</exception>
    public static void Create(string path, string text) => Write(path, () => StateFile.Create(path, Encoding.UTF8.GetBytes(text), AccessOf(Path.GetFileName(path))));

    /// <summary>Puts bytes into a file of whichever folder, as into one of the state: see <see cref="StateFile"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">What it holds.</param>
    /// <param name="isSecret">Whether nobody but its owner may read it.</param>
    /// <param name="overwrite">Whether in the place of one that is there.</param>
    /// <exception cref="LanyardStateException">It cannot be written, or is there and is not to be replaced.</exception>
    public static void Write(string path, ReadOnlyMemory<byte> bytes, bool isSecret, bool overwrite)
    {
        var access = isSecret ? StateFileAccess.Owner : StateFileAccess.Everyone;
        Write(path, overwrite ? () => StateFile.Replace(path, bytes.Span, access) : () => StateFile.Create(path, bytes.Span, access));
    }

    /// <summary>Whether something is at a path that a file cannot take the place of: a link, a device or a pipe, which is written to as it is.</summary>
    public static bool IsSpecial(string path) => UnixFiles.AreHere
        && (path.StartsWith("/dev/", StringComparison.Ordinal) || UnixFiles.TryGetStatus(path, follow: false) is { IsFile: false, IsFolder: false });

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
