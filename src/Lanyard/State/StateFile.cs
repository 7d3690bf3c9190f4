using System.Security.Cryptography;
using System.Text;

namespace Lanyard;

/// <summary>
/// Writes the files of a node's state: each beside the old one, under a name that nobody can guess or have made before, with its mode from the first byte
/// on; it reaches the disk before it takes the old one's place, and its folder after that. A process or machine that stops at any moment leaves the old
/// content or the new one. A link in the file's place is replaced, and what it leads to left alone.
/// </summary>
public static class StateFile
{
    /// <summary>The longest text in bytes that <see cref="TryReadText"/> reads: far above what any file of the state holds.</summary>
    public const int MaxTextBytes = 1 << 20;

    /// <summary>The mark between a file's name and the random suffix in the name of its temporary replacement.</summary>
    internal const string TemporaryMark = ".new-";

    /// <summary>Returns a file's text, in UTF-8; null where there is no such file.</summary>
    /// <param name="path">The file, which another process may replace meanwhile.</param>
    /// <exception cref="LanyardStateException">It cannot be read, or is larger than <see cref="MaxTextBytes"/>.</exception>
    public static string? TryReadText(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            if (file.Length > MaxTextBytes)
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

    /// <summary>Returns the user ID of the owner of a file or folder, following links; null if it is missing, or the system does not report owners.</summary>
    /// <param name="path">The file or folder.</param>
    public static uint? OwnerOf(string path) => UnixFiles.TryGetStatus(path, follow: true)?.User;

    /// <summary>Whether a file cannot take the place of what is at a path: a link, a device or a pipe, which is written to as it is.</summary>
    /// <param name="path">The path.</param>
    public static bool IsSpecial(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return UnixFiles.AreHere && (path.StartsWith("/dev/", StringComparison.Ordinal) || UnixFiles.TryGetStatus(path, follow: false) is { IsFile: false, IsFolder: false });
    }

    /// <summary>Puts bytes into a file, in the place of the old one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="value">All that it holds afterwards.</param>
    /// <param name="access">Who may read it.</param>
    /// <exception cref="IOException">It cannot be written; the old one is there as before.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write it.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> value, StateFileAccess access) => Write(path, value, access, overwrite: true);

    /// <summary>Puts bytes into a new file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="value">All that it holds afterwards.</param>
    /// <param name="access">Who may read it.</param>
    /// <exception cref="IOException">There is one, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write it.</exception>
    public static void Create(string path, ReadOnlySpan<byte> value, StateFileAccess access) => Write(path, value, access, overwrite: false);

    /// <summary>Deletes a file where there is one.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not.</exception>
    public static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        SyncFolderOf(path);
    }

    /// <summary>Makes a folder for its owner alone, where there is none.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not.</exception>
    public static void CreateFolder(string path)
    {
        if (Directory.Exists(path))
            return;
#if NET
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            SyncFolderOf(path);
            return;
        }

        Directory.CreateDirectory(path);
#else
        if (UnixFiles.AreHere && Path.GetDirectoryName(path) is { Length: > 0 } parent)
        {
            Directory.CreateDirectory(parent);
            UnixFiles.CreateFolder(path);
            SyncFolderOf(path);
            return;
        }

        Directory.CreateDirectory(path);
#endif
    }

    private static void Write(string path, ReadOnlySpan<byte> value, StateFileAccess access, bool overwrite)
    {
        string? temporary = null;
        try
        {
            using (var file = CreateTemporary(path, access, out temporary))
            {
                file.Write(value);
                file.Flush(flushToDisk: true);
            }

            Move(temporary, path, overwrite);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }

        SyncFolderOf(path);
    }

    private static void SyncFolderOf(string path)
    {
        if (UnixFiles.AreHere)
            UnixFiles.SyncFolder(Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".");
    }

    private static void TryDelete(string? path)
    {
        try
        {
            if (path is not null)
                File.Delete(path);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // The next start removes it.
        }
    }

#if NET
    private const int RandomCharacters = 12;

    private static FileStream CreateTemporary(string path, StateFileAccess access, out string temporary)
    {
        temporary = path + TemporaryMark + RandomNumberGenerator.GetHexString(RandomCharacters, lowercase: true);
        // A link or a file that is there fails it.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite
                | (access == StateFileAccess.Everyone ? UnixFileMode.GroupRead | UnixFileMode.OtherRead : UnixFileMode.None);
        }

        return new FileStream(temporary, options);
    }

    private static void Move(string temporary, string path, bool overwrite) => File.Move(temporary, path, overwrite);
#else
    private static FileStream CreateTemporary(string path, StateFileAccess access, out string temporary)
    {
        // Here the system makes them for their owner alone, whatever is asked for.
        _ = access;
        if (UnixFiles.AreHere)
            return UnixFiles.CreateTemporary(path + TemporaryMark, out temporary);
        temporary = path + TemporaryMark + Guid.NewGuid().ToString("n");
        return new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    private static void Move(string temporary, string path, bool overwrite)
    {
        if (overwrite && UnixFiles.AreHere)
            UnixFiles.Rename(temporary, path);
        else if (overwrite && File.Exists(path))
            File.Replace(temporary, path, null);
        else
            File.Move(temporary, path);
    }
#endif
}
