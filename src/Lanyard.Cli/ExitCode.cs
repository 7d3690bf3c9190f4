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
}
