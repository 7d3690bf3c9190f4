using System.CommandLine;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard info</c>: prints the node address and status of a running service.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var home = HomeFolder.ServiceOption();
        var json = Parse.JsonOption();
        var command = new CliCommand("info", "Show the address of a running service, and whether it is online", examples: "lanyard info --home /var/lib/zerotier-one") { home, json };
        command.SetAction(async (result, cancellation) =>
        {
            using var service = new LocalApiClient(result.GetRequiredValue(home));
            var status = await service.GetAsync("/status", cancellation);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
                output.WriteLine(status.GetRawText());
            else
                output.WriteLine($"{status.Text("address")} {status.Text("version")} {(status.Flag("online") ? "ONLINE" : "OFFLINE")}");
            return ExitCode.Ok;
        });
        return command;
    }
}
