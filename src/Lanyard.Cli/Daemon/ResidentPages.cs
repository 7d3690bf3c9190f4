using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Lanyard.Cli.Daemon;

/// <summary>
/// The resident pages of this process's program files. Startup uses most of a program, but an idle service needs few of these
/// pages. The kernel maps released pages again on use, without disk reads while the file is cached.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class ResidentPages
{
    private const string MapsFile = "/proc/self/smaps";
    private const string OwnPagesField = "Anonymous:";
    private const int DoNotNeed = 4; // MADV_DONTNEED

    /// <summary>Releases all pages that are unchanged from their file. Does nothing if the kernel does not report them.</summary>
    public static void Release()
    {
        try
        {
            Mapping? mapping = null;
            foreach (var line in File.ReadLines(MapsFile))
            {
                if (char.IsAsciiHexDigitLower(line[0]))
                    mapping = Mapping.Of(line);
                else if (mapping is { } file && line.StartsWith(OwnPagesField, StringComparison.Ordinal))
                {
                    // Changed pages, such as the linker's or a debugger's, are private and would be lost.
                    if (line.AsSpan(OwnPagesField.Length).Trim().SequenceEqual("0 kB"))
                        _ = Advise(file.Start, file.Length, DoNotNeed);
                    mapping = null;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not available, for example without /proc.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nint length, int advice);

    /// <summary>A private, read-only file mapping.</summary>
    private readonly record struct Mapping(nint Start, nint Length)
    {
        /// <summary>Parses the first line of an entry of <c>proc_pid_smaps(5)</c>; returns null for other kinds of mappings.</summary>
        public static Mapping? Of(string line)
        {
            var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 6 || fields[1] is not ("r--p" or "r-xp") || fields[5] is not ['/', ..])
                return null;
            var range = fields[0].Split('-');
            var start = nint.Parse(range[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            return new Mapping(start, nint.Parse(range[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) - start);
        }
    }
}
