using System.Globalization;

namespace Lanyard.Bench.Peers.Lab;

/// <summary>The resource usage of processes, from /proc.</summary>
internal static class Usage
{
    /// <summary>The kernel's unit of time in /proc (sysconf(_SC_CLK_TCK), which is 100 on every Linux in use).</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of processes, in seconds.</summary>
    public static double CpuSeconds(params IEnumerable<int> processes) => processes.Sum(process =>
    {
        // The name, in brackets, may hold spaces; utime and stime are the 12th and 13th word behind it.
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
        var words = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(words[11], CultureInfo.InvariantCulture) + double.Parse(words[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    });

    /// <summary>Resident memory of a process in MB (10^6 bytes).</summary>
    public static double ResidentMegabytes(int process)
    {
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status")).First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }
}
