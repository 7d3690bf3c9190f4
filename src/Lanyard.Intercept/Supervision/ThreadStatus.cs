using System.Globalization;

namespace Lanyard.Intercept.Supervision;

/// <summary>What the system says of a thread (<c>proc_pid_status(5)</c>).</summary>
/// <param name="Process">Its process's number.</param>
/// <param name="Own">The signals that wait for it, as bits, but for those that it blocks.</param>
/// <param name="Shared">Those that wait for any thread of its process, but for those that it blocks.</param>
internal readonly record struct ThreadStatus(int Process, ulong Own, ulong Shared)
{
    /// <summary>False where it is gone.</summary>
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
            // It ended meanwhile.
        }

        status = new ThreadStatus(process, own & ~blocked, shared & ~blocked);
        return process >= 0;
    }

    private static ulong Mask(string line) => ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
