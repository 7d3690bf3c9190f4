using System.CommandLine;
using System.Globalization;
using System.Text;

namespace Lanyard.Cli.Demo;

/// <summary><c>lanyard demo</c>: runs a game on a private LAN between processes of an ordinary user.</summary>
internal static class DemoCommand
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(90);

    public static Command Create()
    {
        var noDeadline = new Option<bool>("--no-deadline")
        {
            Description = "Print the time until a player's first response, but do not fail if it is too long. For busy machines.",
        };
        var command = new CliCommand(
            "demo", "Run a demonstration on this machine",
            "Starts a root with a controller, a game server and two players, each in a process of its own on a private LAN. A stranger is refused.\nTakes some seconds, removes its files, and exits with 1 if a check fails.")
        {
            noDeadline,
        };
        command.SetAction((result, cancellation) => RunAsync(!result.GetValue(noDeadline), result.InvocationConfiguration, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(bool hasDeadline, InvocationConfiguration io, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("lanyard-demo-");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeLimit);
        try
        {
            await using var demo = new DemoRun(new DemoScreen(io.Output), folder.FullName, hasDeadline);
            try
            {
                return await demo.RunAsync(limit.Token) ? ExitCode.Ok : ExitCode.Failed;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                var text = new StringBuilder();
                text.Append(CultureInfo.InvariantCulture, $"The demo did not complete within {TimeLimit.TotalSeconds} s.");
                foreach (var (name, errors) in demo.Errors)
                    text.Append(CultureInfo.InvariantCulture, $"\n{name}: {errors}");
                throw new CommandException(ExitCode.Failed, text.ToString());
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
