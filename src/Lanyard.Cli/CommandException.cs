namespace Lanyard.Cli;

/// <summary>Thrown to end the command. The message contains the reason and a remedy.</summary>
/// <param name="exitCode">The exit code; see <see cref="ExitCode"/>.</param>
/// <param name="message">The message for standard error.</param>
internal sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
