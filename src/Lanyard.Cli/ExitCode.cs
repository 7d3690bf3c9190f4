namespace Lanyard.Cli;

/// <summary>The command's exit codes.</summary>
internal static class ExitCode
{
    /// <summary>The command succeeded.</summary>
    public const int Ok = 0;

    /// <summary>The command failed; standard error contains the reason.</summary>
    public const int Failed = 1;

    /// <summary>The command line is invalid; standard error contains the reason.</summary>
    public const int Usage = 2;

    /// <summary>A service, controller or peer did not reply, or refused.</summary>
    public const int Unreachable = 3;

    /// <summary>The program of <c>lanyard run</c> is missing or cannot be run: 127, as in shells.</summary>
    public const int NotRun = 127;

    /// <summary>SIGINT interrupted the command: 128 plus the signal number, as in shells.</summary>
    public const int Interrupted = 130;

    /// <summary>The exit codes for the help.</summary>
    public const string Help = """
        Exit codes:
          0    success
          1    failure; standard error contains the reason
          2    invalid command line
          3    the service, controller or peer did not reply, or refused
          130  interrupted
        Data goes to standard output, everything else to standard error.
        """;
}
