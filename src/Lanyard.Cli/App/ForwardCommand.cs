using System.CommandLine;
using Lanyard.Proxies;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard forward</c>: forwards ports of this host to the LAN, and ports on the LAN to destinations that this host reaches.</summary>
internal static class ForwardCommand
{
    public static Command Create()
    {
        var local = ForwardOption("-L", "--local", LanyardForwardDirection.Local, "Forward from a port of this host (on 127.0.0.1, or on BIND) to a port on the LAN.");
        var remote = ForwardOption("-R", "--remote", LanyardForwardDirection.Remote, "Forward from a port of this node on the LAN to a port that this host reaches.");
        var options = new AppOptions();
        var command = new CliCommand(
            "forward", "Forward TCP and UDP ports, like ssh -L and -R",
            "-L and -R may be repeated. IPv6 addresses go in brackets; /udp at the end forwards datagrams.\n" + CliCommand.Serves,
            "lanyard forward -L 5432:10.1.0.2:5432 --home a --network 8056c2e21c000001\nlanyard forward -R 53:127.0.0.1:53/udp --home a --network 8056c2e21c000001")
        {
            local,
            remote,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            LanyardForward[] forwards = [.. result.GetValue(local) ?? [], .. result.GetValue(remote) ?? []];
            if (forwards.Length == 0)
                throw new CommandException(ExitCode.Usage, "No forwards are given. Use -L or -R.");
            var error = result.InvocationConfiguration.Error;
            await using var app = await options.StartAsync(result, cancellation);
            var forwarders = new List<LanyardForwarder>();
            try
            {
                foreach (var forward in forwards)
                {
                    var forwarder = app.Network.StartForward(forward);
                    forwarders.Add(forwarder);
                    error.WriteLine($"forward {(forward.Direction == LanyardForwardDirection.Local ? "-L" : "-R")} {forward} listening on {forwarder.LocalEndPoint}");
                }

                await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return ExitCode.Ok;
            }
            finally
            {
                foreach (var forwarder in forwarders)
                    await forwarder.DisposeAsync();
            }
        });
        return command;
    }

    private static Option<LanyardForward[]> ForwardOption(string name, string alias, LanyardForwardDirection direction, string description) => new(name, alias)
    {
        Description = description,
        HelpName = "[BIND:]PORT:HOST:HOSTPORT[/udp]",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var forwards = new List<LanyardForward>();
            foreach (var token in result.Tokens)
            {
                if (LanyardForward.TryParse(direction, token.Value, out var forward, out var error))
                    forwards.Add(forward);
                else
                    result.AddError(error);
            }

            return [.. forwards];
        },
    };
}
