using System.CommandLine;

namespace Lanyard.Cli;

/// <summary>A command: a short summary for the list of commands, and details and examples for the command's own help.</summary>
/// <param name="name">The name.</param>
/// <param name="summary">One short line in the imperative, without a period.</param>
/// <param name="details">Paragraphs for the command's own help, such as exit codes; null if none.</param>
/// <param name="examples">Example command lines, one per line; null if none.</param>
internal sealed class CliCommand(string name, string summary, string? details = null, string? examples = null) : Command(name, summary)
{
    /// <summary>The details of a command that runs until it is stopped.</summary>
    public const string Serves = "Runs until SIGTERM or SIGINT, then exits with 0.";

    /// <summary>Paragraphs for the command's own help, such as exit codes; null if none.</summary>
    public string? Details { get; } = details;

    /// <summary>Example command lines, one per line; null if none.</summary>
    public string? Examples { get; } = examples;
}
