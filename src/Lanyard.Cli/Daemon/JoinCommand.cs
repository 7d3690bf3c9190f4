using System.CommandLine;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard join</c>: joins a network with a running service.</summary>
internal static class JoinCommand
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private static readonly (string Option, string Field, string Description)[] Switches =
    [
        ("--allow-managed", "allowManaged", "Whether to accept addresses and routes from the controller."),
        ("--allow-global", "allowGlobal", "Whether to accept globally routed addresses and routes."),
        ("--allow-default", "allowDefault", "Whether to accept a default route."),
        ("--allow-dns", "allowDNS", "Whether to accept DNS settings."),
    ];

    public static Command Create()
    {
        var network = Parse.NetworkArgument();
        var home = HomeFolder.ServiceOption();
        var json = Parse.JsonOption();
        var wait = Parse.SecondsOption("--wait", "Seconds to wait until the node is a member. Exits with 3 if it is not a member by then.", 0);
        var switches = Array.ConvertAll(Switches, one => new Option<bool?>(one.Option) { Description = one.Description, HelpName = "true|false" });
        var command = new CliCommand(
            "join", "Join a network with a running service", "For a network that is already joined, changes its settings.",
            "lanyard join 8056c2e21c000001 --wait 30\nlanyard join 8056c2e21c000001 --allow-dns true") { network, wait, home, json };
        foreach (var one in switches)
            command.Add(one);
        command.SetAction(async (result, cancellation) =>
        {
            using var service = new LocalApiClient(result.GetRequiredValue(home));
            var path = $"/network/{result.GetRequiredValue(network)}";
            var settings = JsonOutput.ToText(writer =>
            {
                writer.WriteStartObject();
                for (var i = 0; i < switches.Length; i++)
                {
                    if (result.GetValue(switches[i]) is { } value)
                        writer.WriteBoolean(Switches[i].Field, value);
                }

                writer.WriteEndObject();
            });
            var joined = await service.PostAsync(path, settings, cancellation);
            var deadline = result.GetTime(wait);
            if (deadline > TimeSpan.Zero)
                joined = await WaitAsync(service, path, deadline, cancellation);
            if (result.GetValue(json))
                result.InvocationConfiguration.Output.WriteLine(joined.GetRawText());
            else
                NetworkTable.Write(result.InvocationConfiguration.Output, joined);
            if (deadline == TimeSpan.Zero || joined.Text("status") == "OK")
                return ExitCode.Ok;
            result.InvocationConfiguration.Error.WriteLine("The node is not a member yet. The service continues to request membership.");
            return ExitCode.Unreachable;
        });
        return command;
    }

    private static async Task<JsonElement> WaitAsync(LocalApiClient service, string path, TimeSpan deadline, CancellationToken cancellation)
    {
        var end = TimeProvider.System.GetTimestamp() + (long)(deadline.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (true)
        {
            var network = await service.GetAsync(path, cancellation);
            if (network.Text("status") == "OK" || TimeProvider.System.GetTimestamp() >= end)
                return network;
            await Task.Delay(PollInterval, cancellation);
        }
    }
}
