using System.Globalization;

namespace Lanyard.Intercept.Supervision;

/// <summary>The status of a thread (<c>proc_pid_status(5)</c>).</summary>
/// <param name="Process">The process ID.</param>
/// <param name="Own">The pending signals of the thread that it does not block, as bits.</param>
/// <param name="Shared">The pending signals of the process that the thread does not block, as bits.</param>
internal readonly record struct ThreadStatus(int Process, ulong Own, ulong Shared)
{
    /// <summary>Reads the status of a thread. Returns false if the thread has ended.</summary>
    public static bool TryRead(int thread, out ThreadStatus status)
    {
        var (process, own, shared, blocked) = (-1, 0UL, 0UL, 0UL);
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/status")))
            {
                if (line.StartsWith("Tgid:", StringComparison.Ordinal))
                    process = int.Parse(line.AsSpan(5), CultureInfo.InvariantCulture);
                else if (line.StartsWith("SigPnd:", StringComparison.Ordinal))
                    own = Mask(line);
                else if (line.StartsWith("ShdPnd:", StringComparison.Ordinal))
                    shared = Mask(line);
                else if (line.StartsWith("SigBlk:", StringComparison.Ordinal))
                    blocked = Mask(line);
            }
        }
        catch (IOException)
        {
            // The thread has ended.
        }

        status = new ThreadStatus(process, own & ~blocked, shared & ~blocked);
        return process >= 0;
    }

    private static ulong Mask(string line) => ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
