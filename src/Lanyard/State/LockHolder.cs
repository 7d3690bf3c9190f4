using System.Globalization;

namespace Lanyard;

/// <summary>Finds the process that holds the lock on a file, on Linux (proc_locks(5)).</summary>
internal static class LockHolder
{
    private const int ProcessField = 4;
    private const int FileField = 5;

    /// <summary>
    /// Explains a lock that a process of another user holds, if the process is not a node of this folder: others could once open an old lock file. Returns null if the
    /// holder is unknown or may be a node.
    /// </summary>
    /// <param name="folder">The state folder.</param>
    /// <param name="path">The lock file.</param>
    /// <param name="owner">The user ID of the folder's owner.</param>
    public static string? Explain(string folder, string path, uint owner)
    {
        if (!UnixFiles.AreOwnersKnown || UnixFiles.TryGetNode(path) is not { } node || FindProcess(node) is not { } process
            || UnixFiles.TryGetStatus(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}"), follow: true) is not { } status
            || status.User == 0 || status.User == owner || status.User == UnixFiles.User)
            return null;
        return string.Create(CultureInfo.InvariantCulture, $"The state folder '{folder}' is locked: process {process} of user {status.User} holds '{path}', which other users could ")
            + "open before. If that process is not a node, end it, or remove the file; then start again.";
    }

    private static int? FindProcess(ulong node)
    {
        var end = string.Create(CultureInfo.InvariantCulture, $":{node}");
        try
        {
            foreach (var line in File.ReadLines("/proc/locks"))
            {
                // Format: 1: FLOCK  ADVISORY  WRITE 1234 fd:01:56789 0 EOF
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length > FileField && fields[1] == "FLOCK" && fields[FileField].EndsWith(end, StringComparison.Ordinal)
                    && int.TryParse(fields[ProcessField], NumberStyles.None, CultureInfo.InvariantCulture, out var process) && process > 0)
                    return process;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The system does not report locks.
        }

        return null;
    }
}
