using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard;

/// <summary>
/// Keeps a node's state in a folder, in the layout of existing nodes. Files are written beside the old one and put in its place, so that none is ever
/// half written. A folder that is made, and all files but <c>identity.public</c>, are for this user alone; a mode that lets others read more, or write,
/// is narrowed. A second node cannot use the folder at the same time.
/// </summary>
public sealed class LanyardFolderStore : ILanyardStore, IDisposable
{
    /// <summary>The name of the file with the node's identity and its secret key.</summary>
    public const string IdentityFileName = StateNames.SecretIdentity;

    /// <summary>The name of the file with the UDP port of the last time, which the node takes again where <see cref="LanyardOptions.Port"/> leaves the choice.</summary>
    public const string PortFileName = StateNames.Port;

    private const string LockName = StateNames.Lock;
    private const int MaxFileBytes = 4 << 20;

    // What the systems call a file that another holds.
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = 32;

    private readonly FileStream _lock;

    /// <summary>Takes a folder, making it where it is missing.</summary>
    /// <exception cref="LanyardStateInUseException">Another node uses it.</exception>
    /// <exception cref="LanyardStateException">It cannot be made or written to, or a file in it belongs to another user.</exception>
    public LanyardFolderStore(string directory)
        : this(directory, NullLogger.Instance)
    {
    }

    /// <summary>As the public one.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="logger">Where it is logged that a mode was narrowed.</param>
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
            throw new LanyardStateException(Directory, $"The state folder '{Directory}' cannot be made: {e.Message}", e);
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
            throw new LanyardStateException(Directory, $"The state folder '{Directory}' cannot be written to by this user: {e.Message}", e);
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
            // Another node was faster: one of both gets the lock.
        }
    }
}
