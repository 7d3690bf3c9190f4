namespace Lanyard.Cli;

/// <summary>What the command's exit codes mean.</summary>
internal static class ExitCode
{
    /// <summary>It did what was asked.</summary>
    public const int Ok = 0;

    /// <summary>It could not do what was asked; standard error says why.</summary>
    public const int Failed = 1;

    /// <summary>It was asked in a way that makes no sense; standard error says how to ask.</summary>
    public const int Usage = 2;

    /// <summary>The other end (a service, a controller, a peer) did not answer, or refused.</summary>
    public const int Unreachable = 3;

    /// <summary>The program of <c>lanyard run</c> is missing, or cannot be run: 127, as shells have it.</summary>
    public const int NotRun = 127;

    /// <summary>It was interrupted before it was done: 128 and the number of SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>The codes, for the help.</summary>
    public const string Help = """
        Exit codes:
          0    success
          1    failure: standard error says why
          2    invalid command line
          3    the service, controller or peer did not answer, or refused
          130  interrupted
        Data goes to standard output, everything else to standard error.
        """;
}
