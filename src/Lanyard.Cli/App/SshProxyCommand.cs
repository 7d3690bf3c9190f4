using System.CommandLine;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard ssh-proxy</c>: a TCP connection over the LAN on standard input and output, for <c>ProxyCommand</c> of ssh.</summary>
internal static class SshProxyCommand
{
    public static Command Create()
    {
        var host = new Argument<string>("HOST") { Description = "The peer: an address, a node's address, or a name that the network's DNS knows. ssh's %h." };
        var port = Parse.PortArgument("Its TCP port. ssh's %p.");
        var options = new AppOptions(withCapture: false);
        var command = new Command(
            "ssh-proxy",
            "Connect to a TCP port on the LAN for a program that speaks over standard input and output, as with ssh -o 'ProxyCommand lanyard ssh-proxy --home DIR --network ID %h %p'. "
            + "Nothing but what is wrong is written to standard error.")
        {
            host,
            port,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation, isQuiet: true);
            await using var stream = await app.Network.ConnectAsync(result.GetRequiredValue(host), result.GetRequiredValue(port), cancellation);
            await StandardStreams.RelayAsync(stream, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }
}
