using System.CommandLine;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard ssh-proxy</c>: connects standard input and output to a TCP port on the LAN, for <c>ProxyCommand</c> of ssh.</summary>
internal static class SshProxyCommand
{
    public static Command Create()
    {
        var host = new Argument<string>("HOST") { Description = "Peer: an IP address, a node address, or a name in the network's DNS (%h of ssh)." };
        var port = Parse.PortArgument("TCP port of the peer (%p of ssh).");
        var options = new AppOptions(withCapture: false);
        var command = new CliCommand(
            "ssh-proxy", "Connect ssh to a host on the LAN (ProxyCommand)",
            "Carries one TCP connection over standard input and output. Writes only errors to standard error.",
            "ssh -o 'ProxyCommand lanyard ssh-proxy --home a --network 8056c2e21c000001 %h %p' user@10.1.0.2")
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
