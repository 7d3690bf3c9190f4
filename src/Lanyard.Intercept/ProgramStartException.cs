namespace Lanyard.Intercept;

/// <summary>A program cannot be started with its sockets redirected. The message says why and what to do.</summary>
/// <param name="message">What happened and what to do.</param>
/// <param name="isNotRun">Whether the system does not run the program at all, redirected or not.</param>
public sealed class ProgramStartException(string message, bool isNotRun = false) : LanyardException(message)
{
    /// <summary>Whether the system does not run the program at all, redirected or not: it is missing, or no program.</summary>
    public bool IsNotRun { get; } = isNotRun;
}
