using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Looks at a state folder before its files are trusted: nobody but its owner, this user and the superuser may write in it or own what is in it, and nobody
/// else may read what is secret. A mode that allows more is narrowed, and that is logged; a file of another user's is refused.
/// </summary>
/// <remarks>Where the system does not say whose files are, as beside Linux, modes are looked at only; on Windows, nothing is.</remarks>
public sealed class StateGuard
{
    private const int WriteByOthers = 0x12; // 0022
    private const int Sticky = 0x200; // 01000
    private const int OwnerFile = 0x180; // 0600
    private const int PublicFile = 0x1a4; // 0644
    private const int OwnerFolder = 0x1c0; // 0700

    // Of versions that gave them names that can be guessed.
    private const string OldTemporaryEnd = ".new";

    private readonly string _folder;
    private readonly uint _owner;
    private readonly ILogger _logger;

    /// <summary>Looks at a folder itself. What is in it stays readable where it is.</summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="logger">Where it is logged that a mode was narrowed, or could not be.</param>
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
        // A folder such as /tmp is not this node's to change.
        if ((status.Permissions & Sticky) == 0 && UnixFiles.TrySetMode(folder, status.Permissions & ~WriteByOthers))
            Log.FolderNarrowed(logger, folder, Octal(status.Permissions), Octal(status.Permissions & ~WriteByOthers));
        else
            Log.FolderOpen(logger, folder, Octal(status.Permissions));
    }

    /// <summary>Looks at a file, where there is one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="access">Who may read it.</param>
    /// <exception cref="LanyardStateException">It is another user's, or no file.</exception>
    public void CheckFile(string path, StateFileAccess access)
    {
        if (UnixFiles.TryGetStatus(path, follow: false) is not { } status)
            return;
        RequireOwner(path, status);
        if (status.IsLink)
        {
            // Where it leads is its owner's choice, and what is there not this node's to change.
            if (UnixFiles.TryGetStatus(path, follow: true) is not { } target)
                return;
            RequireOwner(path, target);
            RequireFile(path, target);
            return;
        }

        RequireFile(path, status);
        Narrow(path, status.Permissions, access == StateFileAccess.Owner ? OwnerFile : PublicFile);
    }

    /// <summary>Looks at a folder in the folder, where there is one.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="withFiles">Whether all files in it are the owner's alone, too.</param>
    /// <exception cref="LanyardStateException">It, or a file in it, is another user's.</exception>
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

    /// <summary>Removes what was to take the place of one of these files when a process or machine stopped. Nobody else may be writing them.</summary>
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
            // It harms nobody.
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
                + "Find out who put it there; then remove it, or make it this user's with chown.");
    }

    private static void RequireFile(string path, in UnixFileStatus status)
    {
        if (!status.IsFile)
            throw new LanyardStateException(path, $"'{path}' is not a file. Remove it.");
    }
}
