using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Lanyard.Cli.Daemon;

/// <summary>
/// The pages of program files that are in this process's memory. Starting runs through most of a program, and what is at rest afterwards needs little
/// of it: the rest can go, and the system maps again what is used again, without reading the disk while the file is cached.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class ResidentPages
{
    private const string MapsFile = "/proc/self/smaps";
    private const string OwnPagesField = "Anonymous:";
    private const int DoNotNeed = 4; // MADV_DONTNEED

    /// <summary>Lets go of all pages that are as in their file. Where the system does not tell which they are, nothing happens.</summary>
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
                    // Changed pages, as the linker's or a debugger's, are the process's own, and would be lost.
                    if (line.AsSpan(OwnPagesField.Length).Trim().SequenceEqual("0 kB"))
                        _ = Advise(file.Start, file.Length, DoNotNeed);
                    mapping = null;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not told, as where /proc is not mounted.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nint length, int advice);

    /// <summary>A file that is mapped for this process alone, and not to be written.</summary>
    private readonly record struct Mapping(nint Start, nint Length)
    {
        /// <summary>Reads a head line of <c>proc_pid_smaps(5)</c>; null for any other kind of mapping.</summary>
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
