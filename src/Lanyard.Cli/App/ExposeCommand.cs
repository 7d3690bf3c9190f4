using System.CommandLine;
using System.Globalization;
using Lanyard.Proxies;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard expose</c>: forwards a TCP port on the LAN to a local port. A short form of one remote forward.</summary>
internal static class ExposeCommand
{
    public static Command Create()
    {
        var port = Parse.PortArgument("TCP port on the LAN.");
        var target = new Argument<(string Host, ushort Port)>("HOST:PORT")
        {
            Description = "Destination of connections: a TCP endpoint that this machine can reach.",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                var cut = text.LastIndexOf(':');
                if (cut > 0 && ushort.TryParse(text.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number != 0)
                    return (text[..cut].Trim('[', ']'), number);
                result.AddError($"'{text}' is not a host and a port, such as 127.0.0.1:80.");
                return default;
            },
        };
        var options = new AppOptions();
        var command = new CliCommand(
            "expose", "Offer a local TCP port on the LAN", CliCommand.Serves, "lanyard expose 80 127.0.0.1:8080 --home a --network 8056c2e21c000001") { port, target };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation);
            var (host, hostPort) = result.GetRequiredValue(target);
            var forward = new LanyardForward(LanyardForwardDirection.Remote, (ushort)result.GetRequiredValue(port), host, hostPort);
            await using var forwarder = app.Network.StartForward(forward);
            result.InvocationConfiguration.Error.WriteLine($"listening on port {forwarder.LocalEndPoint.Port}");
            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Ok;
        });
        return command;
    }
}
