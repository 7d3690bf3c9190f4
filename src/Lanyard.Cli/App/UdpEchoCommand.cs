using System.CommandLine;
using System.Globalization;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard udp-echo</c>: returns datagrams to their senders.</summary>
internal static class UdpEchoCommand
{
    private const int MaxDatagramBytes = 65_535;

    public static Command Create()
    {
        var port = Parse.PortOption("UDP port on the LAN.");
        var options = new AppOptions();
        var command = new CliCommand(
            "udp-echo", "Echo datagrams on a UDP port on the LAN", CliCommand.Serves, "lanyard udp-echo --port 7 --home a --network 8056c2e21c000001") { port };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var error = result.InvocationConfiguration.Error;
            await using var app = await options.StartAsync(result, cancellation);
            using var socket = app.Network.OpenUdp(result.GetRequiredValue(port));
            error.WriteLine($"listening on port {socket.LocalEndPoint.Port}");
            var buffer = new byte[MaxDatagramBytes];
            var echoed = 0L;
            try
            {
                while (true)
                {
                    var datagram = await socket.ReceiveFromAsync(buffer, cancellation);
                    try
                    {
                        socket.SendTo(buffer.AsSpan(0, datagram.Length), datagram.Remote);
                        echoed++;
                    }
                    catch (LanyardSocketException failure)
                    {
                        error.WriteLine($"{datagram.Remote}: {failure.Message}");
                    }
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{echoed} datagrams echoed"));
                return ExitCode.Ok;
            }
        });
        return command;
    }
}
