using System.Globalization;

namespace Lanyard.Cli.Demo;

/// <summary>Inspects the open files and ports of a process on Linux.</summary>
internal static class ProcessInspector
{
    private const string SocketPrefix = "socket:[";
    private const string Listen = "0A";

    /// <summary>Whether this system supports the inspection.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>Returns the TUN and TAP devices among a process's open files.</summary>
    public static IReadOnlyList<string> FindTunnels(int process) =>
        [.. OpenFiles(process).Where(file => file.StartsWith("/dev/net/tun", StringComparison.Ordinal) || file.StartsWith("/dev/tap", StringComparison.Ordinal))];

    /// <summary>Returns the TCP ports of this machine that a process listens on.</summary>
    public static IReadOnlyList<int> FindTcpListeners(int process)
    {
        var sockets = OpenFiles(process).Where(file => file.StartsWith(SocketPrefix, StringComparison.Ordinal))
            .Select(file => file[SocketPrefix.Length..^1]).ToHashSet();
        var ports = new SortedSet<int>();
        foreach (var table in new[] { "tcp", "tcp6" })
        {
            var path = $"/proc/{process}/net/{table}";
            if (!File.Exists(path))
                continue;
            // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode ...
            foreach (var line in File.ReadLines(path).Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length > 9 && fields[3] == Listen && sockets.Contains(fields[9]))
                    ports.Add(int.Parse(fields[1].AsSpan(fields[1].IndexOf(':', StringComparison.Ordinal) + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            }
        }

        return [.. ports];
    }

    private static IEnumerable<string> OpenFiles(int process)
    {
        foreach (var descriptor in new DirectoryInfo($"/proc/{process}/fd").EnumerateFileSystemInfos())
        {
            if (descriptor.LinkTarget is { } target)
                yield return target;
        }
    }
}
