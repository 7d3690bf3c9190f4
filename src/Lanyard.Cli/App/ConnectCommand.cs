using System.CommandLine;
using Lanyard.Primitives;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard connect</c>: connects standard input and output to a TCP port on the LAN.</summary>
internal static class ConnectCommand
{
    public static Command Create()
    {
        var address = Parse.AddressArgument("Virtual address of the peer.");
        var port = Parse.PortArgument("TCP port of the peer.");
        var options = new AppOptions();
        var command = new CliCommand(
            "connect", "Connect to a TCP port on the LAN",
            "Sends standard input, and writes received data to standard output. When standard input ends, the connection is half-closed,\nand the command ends when the peer closes it too. At a terminal, the command ends as soon as the peer closes the connection.",
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
