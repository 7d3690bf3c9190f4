using System.CommandLine;
using System.CommandLine.Help;
using Lanyard.Cli.Dissect;

namespace Lanyard.Cli;

/// <summary>The <c>lanyard</c> command: its verbs, and how it is run.</summary>
internal static class LanyardCommand
{
    /// <summary>Runs the command.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="output">Where data goes.</param>
    /// <param name="error">Where everything else goes.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var result = Create().Parse(args);
        var code = result.Invoke(new InvocationConfiguration { Output = output, Error = error });
        return result.Errors.Count > 0 ? ExitCode.Usage : code;
    }

    // Not a RootCommand: that would take the name of the program's file.
    private static Command Create() => new("lanyard", "Encrypted peer-to-peer LANs from the inside.")
    {
        new HelpOption { Recursive = true },
        new VersionOption(),
        DissectCommand.Create(),
    };
}
