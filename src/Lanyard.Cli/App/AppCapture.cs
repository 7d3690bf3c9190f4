namespace Lanyard.Cli.App;

/// <summary>The destination and the settings of a command's traffic capture.</summary>
internal sealed record AppCapture(Stream Output, LanyardCaptureOptions Options)
{
    /// <summary>Opens a capture file; <c>-</c> for standard output.</summary>
    /// <exception cref="CommandException">The file cannot be written.</exception>
    public static Stream Open(string path) => path == "-" ? Console.OpenStandardOutput() : Files.OpenWrite(path);
}
