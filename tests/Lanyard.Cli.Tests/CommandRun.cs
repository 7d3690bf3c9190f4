namespace Lanyard.Cli.Tests;

/// <summary>The result of a command.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">The text on standard output.</param>
/// <param name="Error">The text on standard error.</param>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of the output.</summary>
    public string[] Lines => Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs <c>lanyard</c> inside the test.</summary>
    public static CommandRun Of(params string[] args)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var code = LanyardCommand.Run(args, output, error);
        return new CommandRun(code, output.ToString(), error.ToString());
    }
}
