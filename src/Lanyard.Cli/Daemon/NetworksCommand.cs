using System.CommandLine;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard networks</c>: lists the joined networks of a running service.</summary>
internal static class NetworksCommand
{
    public static Command Create()
    {
        var home = HomeFolder.ServiceOption();
        var json = Parse.JsonOption();
        var command = new CliCommand("networks", "List the networks of a running service", examples: "lanyard networks --json") { home, json };
        command.SetAction(async (result, cancellation) =>
        {
            using var service = new LocalApiClient(result.GetRequiredValue(home));
            var networks = await service.GetAsync("/network", cancellation);
            if (result.GetValue(json))
                result.InvocationConfiguration.Output.WriteLine(networks.GetRawText());
            else
                NetworkTable.Write(result.InvocationConfiguration.Output, networks.Items());
            return ExitCode.Ok;
        });
        return command;
    }
}
