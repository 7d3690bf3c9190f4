namespace Lanyard.Cli.App;

/// <summary>Where a verb's traffic is captured, and how.</summary>
internal sealed record AppCapture(Stream Output, LanyardCaptureOptions Options)
{
    /// <summary>Opens a capture file; <c>-</c> is standard output.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    public static Stream Open(string path) => path == "-" ? Console.OpenStandardOutput() : Files.OpenWrite(path);
}
