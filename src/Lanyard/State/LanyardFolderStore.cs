using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard;

/// <summary>
/// Stores a node's state in a folder, in the layout of existing nodes. Files are replaced atomically. Only this user can access a folder that the store creates
/// and its files, except <c>identity.public</c>, which everyone can read. Modes that allow more are restricted. A second node cannot use the folder at the
/// same time.
/// </summary>
public sealed class LanyardFolderStore : ILanyardStore, IDisposable
{
    /// <summary>The name of the file with the node's identity and its secret key.</summary>
    public const string IdentityFileName = StateNames.SecretIdentity;

    /// <summary>The name of the file with the UDP port used last time. The node uses it again if <see cref="LanyardOptions.Port"/> is 0.</summary>
    public const string PortFileName = StateNames.Port;

    private const string LockName = StateNames.Lock;
    private const int MaxFileBytes = 4 << 20;

    // The error codes for a file that another process has locked: EWOULDBLOCK, ERROR_SHARING_VIOLATION.
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = 32;

    private readonly FileStream _lock;

    /// <summary>Opens and locks a folder. Creates it if it does not exist.</summary>
    /// <param name="directory">The folder.</param>
    /// <exception cref="LanyardStateInUseException">Another node uses the folder.</exception>
    /// <exception cref="LanyardStateException">The folder cannot be created or written to, or a file in it belongs to another user.</exception>
    public LanyardFolderStore(string directory)
        : this(directory, NullLogger.Instance)
    {
    }

    /// <summary>Opens and locks a folder. Creates it if it does not exist.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="logger">The logger of restricted modes.</param>
    internal LanyardFolderStore(string directory, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(directory);
        Directory = System.IO.Path.GetFullPath(directory);
        try
        {
            StateFile.CreateFolder(Directory);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(Directory, $"The state folder '{Directory}' cannot be created: {e.Message}", e);
        }

        var guard = new StateGuard(Directory, logger);
        guard.CheckFile(System.IO.Path.Combine(Directory, LockName), StateFileAccess.Owner);
        _lock = TakeLock();
        try
        {
            guard.RemoveTemporaries(StateNames.Files);
            foreach (var name in StateNames.Files)
                guard.CheckFile(System.IO.Path.Combine(Directory, name), StateNames.AccessOf(name));
            foreach (var folder in StateNames.Folders)
                guard.CheckFolder(System.IO.Path.Combine(Directory, folder), withFiles: true);
        }
        catch (Exception e)
        {
            _lock.Dispose();
            if (!IsFileError(e))
                throw;
            throw new LanyardStateException(Directory, $"The state folder '{Directory}' cannot be read: {e.Message}", e);
        }
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
                throw new LanyardStateException(path, $"'{path}' has {file.Length} bytes, more than any file of a node. Replace it with the right "
                    + "file, or remove it.");
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
    /// <remarks>Throws if <c>identity.secret</c> exists, which is never overwritten.</remarks>
    public void Save(string name, ReadOnlySpan<byte> value)
    {
        var path = PathOf(name);
        var isSecret = name == StateNames.SecretIdentity;
        if (isSecret && File.Exists(path))
            throw new LanyardStateException(path, $"'{path}' exists and is never overwritten. To give the node another identity, move the "
                + "file away first.");
        try
        {
            StateFile.CreateFolder(System.IO.Path.GetDirectoryName(path)!);
            if (isSecret)
                StateFile.Create(path, value, StateNames.AccessOf(name));
            else
                StateFile.Replace(path, value, StateNames.AccessOf(name));
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
            StateFile.Delete(path);
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

    /// <summary>Unlocks the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static bool IsFileError(Exception e) =>
        e is (IOException or UnauthorizedAccessException or NotSupportedException) and not LanyardException;

    private string PathOf(string name)
    {
        if (name.Length == 0 || name.Contains("..", StringComparison.Ordinal) || name.Contains('\\', StringComparison.Ordinal)
            || name[0] == '/')
            throw new ArgumentException($"'{name}' is not a valid name of a value.", nameof(name));
        return System.IO.Path.Combine(Directory, name.Replace('/', System.IO.Path.DirectorySeparatorChar));
    }

    // The kernel releases the lock when the process ends. The file stays.
    [SuppressMessage("Reliability", "CA2000", Justification = "Kept in a field.")]
    private FileStream TakeLock()
    {
        var path = System.IO.Path.Combine(Directory, LockName);
        try
        {
            if (!File.Exists(path))
                CreateLock(path);
            return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException e) when ((e.HResult & 0xffff) is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
        {
            var owner = UnixFiles.TryGetStatus(Directory, follow: true)?.User ?? UnixFiles.User;
            throw LockHolder.Explain(Directory, path, owner) is { } reason
                ? new LanyardStateInUseException(Directory, reason, e)
                : new LanyardStateInUseException(Directory, e);
        }
        catch (Exception e) when (IsFileError(e))
        {
            throw new LanyardStateException(Directory, $"This user cannot write to the state folder '{Directory}': {e.Message}", e);
        }
    }

    private static void CreateLock(string path)
    {
        try
        {
            StateFile.Create(path, default, StateFileAccess.Owner);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another node has created the file. Only one of the two gets the lock.
        }
    }
}
