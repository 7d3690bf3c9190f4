namespace Lanyard.Intercept;

/// <summary>Thrown when a program cannot be started with redirected sockets. The message contains the reason and a remedy.</summary>
/// <param name="message">The reason and a remedy.</param>
/// <param name="isNotRun">Whether the kernel does not run the program, redirected or not.</param>
public sealed class ProgramStartException(string message, bool isNotRun = false) : LanyardException(message)
{
    /// <summary>Whether the kernel does not run the program, redirected or not, because the file is missing or is not a program.</summary>
    public bool IsNotRun { get; } = isNotRun;
}
