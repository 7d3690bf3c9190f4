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
        var command = new CliCommand(
            "connect", "Connect to a TCP port on the LAN",
            "Sends standard input, and writes what arrives to standard output. When standard input ends, the connection is half-closed,\nand the command ends when the peer closes it too. At a terminal it ends as soon as the peer closes.",
            "lanyard connect 10.1.0.2 7 --home a --network 8056c2e21c000001\nlanyard connect 10.1.0.2 9000 --home a --network 8056c2e21c000001 < file")
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
