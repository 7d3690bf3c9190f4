using System.Security.Cryptography;
using System.Text;

namespace Lanyard;

/// <summary>
/// Writes the files of a node's state atomically. Each is written to a new file with an unpredictable name and its final mode, flushed to the disk, and
/// renamed over the old file; then the folder is flushed. A process or machine that stops at any moment leaves the old content or the new one. A symbolic link
/// is replaced, and its target stays as it is.
/// </summary>
public static class StateFile
{
    /// <summary>The size in bytes of the largest file that <see cref="TryReadText"/> reads. Files of the state are far smaller.</summary>
    public const int MaxTextBytes = 1 << 20;

    /// <summary>The mark between a file's name and the random suffix in the name of its temporary replacement.</summary>
    internal const string TemporaryMark = ".new-";

    /// <summary>Returns the text of a file in UTF-8; null if the file does not exist.</summary>
    /// <param name="path">The file, which another process may replace meanwhile.</param>
    /// <exception cref="LanyardStateException">The file cannot be read, or is larger than <see cref="MaxTextBytes"/>.</exception>
    public static string? TryReadText(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            if (file.Length > MaxTextBytes)
                throw new LanyardStateException(path, $"The file '{path}' is larger than 1 MiB, the limit for files of this kind. Replace it with the right file.");
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

    /// <summary>Whether a path is a link, a device or a pipe, which is written to directly instead of being replaced.</summary>
    /// <param name="path">The path.</param>
    public static bool IsSpecial(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return UnixFiles.AreHere && (path.StartsWith("/dev/", StringComparison.Ordinal) || UnixFiles.TryGetStatus(path, follow: false) is { IsFile: false, IsFolder: false });
    }

    /// <summary>Writes a file, replacing the old one if it exists.</summary>
    /// <param name="path">The file.</param>
    /// <param name="value">The content.</param>
    /// <param name="access">The users that may read it.</param>
    /// <exception cref="IOException">The file cannot be written. The old file stays.</exception>
    /// <exception cref="UnauthorizedAccessException">This user has no permission to write the file.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> value, StateFileAccess access) => Write(path, value, access, overwrite: true);

    /// <summary>Writes a new file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="value">The content.</param>
    /// <param name="access">The users that may read it.</param>
    /// <exception cref="IOException">The file exists, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This user has no permission to write the file.</exception>
    public static void Create(string path, ReadOnlySpan<byte> value, StateFileAccess access) => Write(path, value, access, overwrite: false);

    /// <summary>Deletes a file, if it exists.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">This user has no permission to delete the file.</exception>
    public static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        SyncFolderOf(path);
    }

    /// <summary>Creates a folder that only its owner can access, unless it exists.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">The folder cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">This user has no permission to create the folder.</exception>
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
        // Fails if the name exists, as a file or a link.
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
        // mkstemp(3) creates files with mode 0600 only.
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
