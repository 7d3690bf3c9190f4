using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Lanyard.Cli.App;
using Lanyard.Cli.Daemon;
using Lanyard.Cli.Demo;
using Lanyard.Cli.Dissect;
using Lanyard.Cli.Identities;
using Lanyard.Cli.Perf;
using Lanyard.Cli.Run;
using Lanyard.Cli.Worlds;
using Lanyard.Controller;
using Lanyard.Intercept;

namespace Lanyard.Cli;

/// <summary>The <c>lanyard</c> command and its subcommands.</summary>
internal static class LanyardCommand
{
    // No response files: an argument that starts with @ is literal, as in --data @FILE.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs the command.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="output">The output for data.</param>
    /// <param name="error">The output for messages and errors.</param>
    /// <returns>The exit code; see <see cref="ExitCode"/>.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var result = Create().Parse(args, Parsing);
        if (result.Action is ParseErrorAction)
            return Explain(result, error);
        var command = result.CommandResult.Command.Name;
        using var signals = new StopSignals(withInterrupt: command != RunCommand.Name, withHangup: command != ServiceCommand.Name);
        // Signals and failures are handled here, in the same way for all commands.
        var configuration = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            return result.InvokeAsync(configuration, signals.Token).GetAwaiter().GetResult();
        }
        catch (CommandException failure)
        {
            error.WriteLine(failure.Message);
            return failure.ExitCode;
        }
        catch (ProgramStartException failure) when (failure.IsNotRun)
        {
            error.WriteLine(failure.Message);
            return ExitCode.NotRun;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (LanyardNetworkException refused)
        {
            error.WriteLine(refused.Message);
            return ExitCode.Unreachable;
        }
        catch (Exception unreachable) when (unreachable is LanyardSocketException or HttpRequestException)
        {
            error.WriteLine(unreachable.Message);
            return ExitCode.Unreachable;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ControllerStoreException)
        {
            error.WriteLine(failure.Message);
            return ExitCode.Failed;
        }
    }

    private static int Explain(ParseResult result, TextWriter error)
    {
        foreach (var problem in result.Errors)
            error.WriteLine(problem.Message);
        var names = new Stack<string>();
        for (System.CommandLine.Parsing.SymbolResult? at = result.CommandResult; at is System.CommandLine.Parsing.CommandResult command; at = at.Parent)
            names.Push(command.Command.Name);
        error.WriteLine($"Run '{string.Join(' ', names)} --help' for usage.");
        return ExitCode.Usage;
    }

    // Not a RootCommand, which would use the name of the program's file.
    private static Command Create()
    {
        (string Title, Command[] Commands)[] groups =
        [
            ("Applications, each a node in one process",
            [
                ConnectCommand.Create(), ExposeCommand.Create(), ForwardCommand.Create(), ProxyCommand.Create(), SshProxyCommand.Create(), HttpCommand.Create(),
                PingCommand.Create(), PerfCommand.Create(), UdpSendCommand.Create(), UdpEchoCommand.Create(), CaptureCommand.Create(),
            ]),
            ("Programs", [RunCommand.Create()]),
            ("Service", [ServiceCommand.Create(), InfoCommand.Create(), StatusCommand.Create(), PeersCommand.Create()]),
            ("Networks of the service", [JoinCommand.Create(), LeaveCommand.Create(), NetworksCommand.Create()]),
            ("Tools", [IdentityCommand.Create(), PlanetCommand.Create(), MoonCommand.Create(), DissectCommand.Create(), CompletionCommand.Create(), DemoCommand.Create()]),
        ];
        var root = new Command("lanyard")
        {
            new HelpOption { Recursive = true, Action = new CliHelp(groups) },
            new VersionOption(),
            RunSupervisedCommand.Create(),
            GameCommand.Create(),
            PlayerCommand.Create(),
        };
        foreach (var (_, commands) in groups)
        {
            foreach (var command in commands)
                root.Add(command);
        }

        root.Add(CompletionCommand.CreateComplete(line => root.Parse(line, Parsing)));
        return root;
    }
}
