using System.CommandLine;
using System.Text.Json;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard peers</c>: lists the peers of a running service and their paths.</summary>
internal static class PeersCommand
{
    public static Command Create()
    {
        var home = HomeFolder.ServiceOption();
        var json = Parse.JsonOption();
        var command = new CliCommand("peers", "List the peers of a running service and their paths", examples: "lanyard peers --json") { home, json };
        command.SetAction(async (result, cancellation) =>
        {
            using var service = new LocalApiClient(result.GetRequiredValue(home));
            var peers = await service.GetAsync("/peer", cancellation);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                output.WriteLine(peers.GetRawText());
                return ExitCode.Ok;
            }

            var table = new TextTable("PEER", "VERSION", "ROLE", "LATENCY", "LINK", "PATH");
            foreach (var peer in peers.Items())
            {
                var path = peer.PathInUse();
                table.Add(
                    peer.Text("address"),
                    peer.Number("versionMajor") < 0 ? "" : peer.Text("version"),
                    peer.Text("role"),
                    peer.Number("latency") < 0 ? "" : peer.Text("latency") + " ms",
                    path is null ? "RELAY" : "DIRECT",
                    path?.Text("address") ?? "");
            }

            table.Write(output);
            return ExitCode.Ok;
        });
        return command;
    }
}
