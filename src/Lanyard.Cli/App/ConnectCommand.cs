using System.CommandLine;
using Lanyard.Primitives;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard connect</c>: a TCP connection over the LAN on standard input and output.</summary>
internal static class ConnectCommand
{
    public static Command Create()
    {
        var address = Parse.AddressArgument("The peer's virtual address.");
        var port = Parse.PortArgument("Its TCP port.");
        var options = new AppOptions();
        var command = new Command(
            "connect",
            "Connect to a TCP port on the LAN; what is read from standard input is sent, what arrives is written to standard output. When standard input ends, "
            + "sending is finished (a half-close), and it goes on until the peer has finished too. At a terminal it ends as soon as the peer has.")
        {
            address,
            port,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation);
            var remote = new InetEndpoint(result.GetRequiredValue(address), (ushort)result.GetRequiredValue(port));
            await using var stream = await app.Network.ConnectAsync(remote, cancellationToken: cancellation);
            await StandardStreams.RelayAsync(stream, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }
}
