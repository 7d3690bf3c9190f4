using System.CommandLine;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard leave</c>: leaves a network with a running service.</summary>
internal static class LeaveCommand
{
    public static Command Create()
    {
        var network = Parse.NetworkArgument();
        var home = HomeFolder.ServiceOption();
        var command = new CliCommand("leave", "Leave a network with a running service", examples: "lanyard leave 8056c2e21c000001") { network, home };
        command.SetAction(async (result, cancellation) =>
        {
            using var service = new LocalApiClient(result.GetRequiredValue(home));
            var id = result.GetRequiredValue(network);
            var reply = await service.DeleteAsync($"/network/{id}", cancellation);
            return reply.Flag("result") ? ExitCode.Ok : throw new CommandException(ExitCode.Failed, $"The service has not joined the network {id}.");
        });
        return command;
    }
}
