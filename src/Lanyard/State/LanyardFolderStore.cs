using System.Diagnostics.CodeAnalysis;

namespace Lanyard;

/// <summary>
/// Keeps a node's state in a folder, in the layout of existing nodes. Files are written beside the old one and put in its place, so that none is ever
/// half written. The folder and what is new in it are for this user alone; a second node cannot use the folder at the same time.
/// </summary>
public sealed class LanyardFolderStore : ILanyardStore, IDisposable
{
    private const string LockName = "lanyard.lock";
    private const int MaxFileBytes = 4 << 20;

    // What the systems call a file that another holds.
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = 32;

    private readonly FileStream _lock;

    /// <summary>Takes a folder, making it where it is missing.</summary>
    /// <exception cref="LanyardStateInUseException">Another node uses it.</exception>
    /// <exception cref="LanyardStateException">It cannot be made or written to.</exception>
    public LanyardFolderStore(string directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        Directory = System.IO.Path.GetFullPath(directory);
        try
        {
            CreateDirectory(Directory);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(Directory, $"The state folder '{Directory}' cannot be made: {e.Message}", e);
        }

        _lock = TakeLock();
    }

    /// <summary>The folder's full path.</summary>
    public string Directory { get; }

    /// <inheritdoc/>
    public byte[]? Load(string name)
    {
        var path = PathOf(name);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > MaxFileBytes)
                throw new LanyardStateException(path, $"'{path}' has {file.Length} bytes, more than any file of a node. Put the right "
                    + "file there, or remove it.");
            var bytes = new byte[file.Length];
            var length = 0;
            for (int read; length < bytes.Length && (read = file.Read(bytes, length, bytes.Length - length)) > 0;)
                length += read;
            return length == bytes.Length ? bytes : bytes.AsSpan(0, length).ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(path, $"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    /// <remarks>An <c>identity.secret</c> that is there is never overwritten: that throws.</remarks>
    public void Save(string name, ReadOnlySpan<byte> value)
    {
        var path = PathOf(name);
        var isSecret = name == StateNames.SecretIdentity;
        if (isSecret && File.Exists(path))
            throw new LanyardStateException(path, $"'{path}' is there already and is never overwritten. Move it away first if the node is "
                + "to have another identity.");
        var temporary = path + ".new";
        try
        {
            CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            using (var file = CreateFile(temporary))
            {
                file.Write(value);
                file.Flush(flushToDisk: isSecret);
            }

            Replace(temporary, path);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(path, $"'{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        var path = PathOf(name);
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(path, $"'{path}' cannot be deleted: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string folder)
    {
        var path = PathOf(folder);
        try
        {
            return System.IO.Directory.EnumerateFiles(path)
                .Select(file => $"{folder}/{System.IO.Path.GetFileName(file)}")
                .OrderBy(name => name, StringComparer.Ordinal)
                .ToArray();
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(path, $"The folder '{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static bool IsFileError(Exception e) =>
        e is (IOException or UnauthorizedAccessException or NotSupportedException) and not LanyardException;

    private string PathOf(string name)
    {
        if (name.Length == 0 || name.Contains("..", StringComparison.Ordinal) || name.Contains('\\', StringComparison.Ordinal)
            || name[0] == '/')
            throw new ArgumentException($"'{name}' is not the name of a value.", nameof(name));
        return System.IO.Path.Combine(Directory, name.Replace('/', System.IO.Path.DirectorySeparatorChar));
    }

    // The system drops the lock when the process ends, however it ends; the file may stay.
    [SuppressMessage("Reliability", "CA2000", Justification = "Kept in a field.")]
    private FileStream TakeLock()
    {
        var path = System.IO.Path.Combine(Directory, LockName);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException e) when ((e.HResult & 0xffff) is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            throw new LanyardStateInUseException(Directory, e);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(Directory, $"The state folder '{Directory}' cannot be written to by this user: {e.Message}", e);
        }
    }

#if NET
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
            System.IO.Directory.CreateDirectory(path);
        else
            System.IO.Directory.CreateDirectory(path, OwnerFile | UnixFileMode.UserExecute);
    }

    private static FileStream CreateFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            // A file that is there keeps its mode when it is written anew.
            File.Delete(path);
            options.UnixCreateMode = OwnerFile;
        }

        return new FileStream(path, options);
    }

    private static void Replace(string temporary, string path) => File.Move(temporary, path, overwrite: true);
#else
    private static void CreateDirectory(string path) => System.IO.Directory.CreateDirectory(path);

    private static FileStream CreateFile(string path) => new(path, FileMode.Create, FileAccess.Write, FileShare.None);

    private static void Replace(string temporary, string path)
    {
        if (File.Exists(path))
            File.Replace(temporary, path, null);
        else
            File.Move(temporary, path);
    }
#endif
}
