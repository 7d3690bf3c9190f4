using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Checks a state folder before its files are trusted. Only its owner, this user and the superuser may write to it and own its files, and only they may read
/// secrets. Modes that allow more are restricted and logged. Files of other users are refused.
/// </summary>
/// <remarks>On systems that do not report the owners of files, which are all except Linux, only modes are checked. On Windows, nothing is checked.</remarks>
public sealed class StateGuard
{
    private const int WriteByOthers = 0x12; // 0022
    private const int Sticky = 0x200; // 01000
    private const int OwnerFile = 0x180; // 0600
    private const int PublicFile = 0x1a4; // 0644
    private const int OwnerFolder = 0x1c0; // 0700

    // The suffix of temporary files of earlier versions, whose names were predictable.
    private const string OldTemporaryEnd = ".new";

    private readonly string _folder;
    private readonly uint _owner;
    private readonly ILogger _logger;

    /// <summary>Checks the folder itself. Its permission to read stays as it is.</summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="logger">The logger of restricted modes and of failures to restrict them.</param>
    public StateGuard(string folder, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(logger);
        _folder = folder;
        _logger = logger;
        if (UnixFiles.TryGetStatus(folder, follow: true) is not { IsFolder: true } status)
            return;
        _owner = status.User;
        if ((status.Permissions & WriteByOthers) == 0)
            return;
        // Do not change the mode of a shared folder such as /tmp.
        if ((status.Permissions & Sticky) == 0 && UnixFiles.TrySetMode(folder, status.Permissions & ~WriteByOthers))
            Log.FolderNarrowed(logger, folder, Octal(status.Permissions), Octal(status.Permissions & ~WriteByOthers));
        else
            Log.FolderOpen(logger, folder, Octal(status.Permissions));
    }

    /// <summary>Checks a file, if it exists.</summary>
    /// <param name="path">The file.</param>
    /// <param name="access">The users that may read it.</param>
    /// <exception cref="LanyardStateException">The file belongs to another user, or is not a file.</exception>
    public void CheckFile(string path, StateFileAccess access)
    {
        if (UnixFiles.TryGetStatus(path, follow: false) is not { } status)
            return;
        RequireOwner(path, status);
        if (status.IsLink)
        {
            // The owner has chosen the target of the link, so its mode stays as it is.
            if (UnixFiles.TryGetStatus(path, follow: true) is not { } target)
                return;
            RequireOwner(path, target);
            RequireFile(path, target);
            return;
        }

        RequireFile(path, status);
        Narrow(path, status.Permissions, access == StateFileAccess.Owner ? OwnerFile : PublicFile);
    }

    /// <summary>Checks a subfolder, if it exists.</summary>
    /// <param name="path">The subfolder.</param>
    /// <param name="withFiles">Whether to check its files too; only their owner may read them.</param>
    /// <exception cref="LanyardStateException">The subfolder or one of its files belongs to another user.</exception>
    public void CheckFolder(string path, bool withFiles)
    {
        if (UnixFiles.TryGetStatus(path, follow: false) is not { } status || (status.IsLink ? UnixFiles.TryGetStatus(path, follow: true) : status) is not { IsFolder: true } folder)
            return;
        RequireOwner(path, status);
        RequireOwner(path, folder);
        if (!status.IsLink)
            Narrow(path, status.Permissions, OwnerFolder);
        if (!withFiles)
            return;
        foreach (var file in Directory.EnumerateFiles(path))
        {
            if (IsTemporary(Path.GetFileName(file), out _))
                Remove(file);
            else
                CheckFile(file, StateFileAccess.Owner);
        }
    }

    /// <summary>Removes the temporary files that a stopped process has left. No other process may be writing the files.</summary>
    /// <param name="names">The names of the files in the folder.</param>
    public void RemoveTemporaries(IReadOnlyCollection<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var file in Directory.EnumerateFiles(_folder))
        {
            if (IsTemporary(Path.GetFileName(file), out var name) && names.Contains(name))
                Remove(file);
        }
    }

    private static bool IsTemporary(string name, out string of)
    {
        var mark = name.EndsWith(OldTemporaryEnd, StringComparison.Ordinal)
            ? name.Length - OldTemporaryEnd.Length
            : name.LastIndexOf(StateFile.TemporaryMark, StringComparison.Ordinal);
        of = mark > 0 ? name[..mark] : "";
        return mark > 0;
    }

    private static string Octal(int mode) => "0" + Convert.ToString(mode, 8);

    private void Remove(string file)
    {
        try
        {
            File.Delete(file);
            Log.TemporaryRemoved(_logger, file);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // A file that stays does no harm.
        }
    }

    private void Narrow(string path, int permissions, int most)
    {
        if ((permissions & ~most) == 0)
            return;
        if (UnixFiles.TrySetMode(path, permissions & most))
            Log.FileNarrowed(_logger, path, Octal(permissions), Octal(permissions & most));
        else
            Log.FileNotNarrowed(_logger, path, Octal(permissions), Octal(most));
    }

    private void RequireOwner(string path, in UnixFileStatus status)
    {
        if (status.User != 0 && status.User != _owner && status.User != UnixFiles.User)
            throw new LanyardStateException(path, $"'{path}' belongs to user {status.User}, who is neither this user nor the owner of '{_folder}'. "
                + "If the file is not expected, remove it. Otherwise change its owner to this user with chown.");
    }

    private static void RequireFile(string path, in UnixFileStatus status)
    {
        if (!status.IsFile)
            throw new LanyardStateException(path, $"'{path}' is not a file. Remove it.");
    }
}
