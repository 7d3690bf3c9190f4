using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Lanyard.Cli;

/// <summary>Writes help: the commands in groups for <c>lanyard</c> itself; the options, details and examples for a command.</summary>
/// <param name="groups">The groups of commands.</param>
internal sealed class CliHelp(IReadOnlyList<(string Title, Command[] Commands)> groups) : SynchronousCommandLineAction
{
    private readonly HelpAction _options = new();

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Parent is null)
        {
            WriteCommands(output);
            return ExitCode.Ok;
        }

        _options.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not CliCommand command)
            return ExitCode.Ok;
        WriteSection(output, "Details:", command.Details);
        WriteSection(output, "Examples:", command.Examples);
        return ExitCode.Ok;
    }

    private static void WriteSection(TextWriter output, string title, string? text)
    {
        if (text is null)
            return;
        output.WriteLine(title);
        foreach (var line in text.Split('\n'))
            output.WriteLine($"  {line}");
        output.WriteLine();
    }

    private void WriteCommands(TextWriter output)
    {
        output.WriteLine("Encrypted peer-to-peer LANs from inside your app");
        output.WriteLine();
        output.WriteLine("Usage:");
        output.WriteLine("  lanyard <command> [options]");
        output.WriteLine();
        var width = groups.Max(group => group.Commands.Max(command => command.Name.Length));
        foreach (var (title, commands) in groups)
        {
            output.WriteLine($"{title}:");
            foreach (var command in commands)
                output.WriteLine($"  {command.Name.PadRight(width)}  {command.Description}");
            output.WriteLine();
        }

        output.WriteLine("Options:");
        output.WriteLine($"  {"--help".PadRight(width)}  Show this help, or the help of a command");
        output.WriteLine($"  {"--version".PadRight(width)}  Show the version");
        output.WriteLine();
        output.WriteLine(ExitCode.Help);
        output.WriteLine();
        output.WriteLine("Run 'lanyard <command> --help' for the options and examples of a command.");
    }
}
