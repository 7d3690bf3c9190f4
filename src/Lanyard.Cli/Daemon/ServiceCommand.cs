using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Lanyard.Cli.App;
using Lanyard.Service;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard service</c>: the daemon.</summary>
internal static class ServiceCommand
{
    /// <summary>The name of the command.</summary>
    public const string Name = "service";

    // By then, the service has completed its startup work.
    private static readonly TimeSpan StartUp = TimeSpan.FromSeconds(20);
    private static readonly EventId Ready = new(100, nameof(Ready));

    public static Command Create()
    {
        var home = HomeFolder.ServiceOption();
        home.Description = "State folder of the node, in the layout of existing nodes. Created if it does not exist.";
        var port = new Option<int?>("--port", "-p")
        {
            Description = "UDP port of the node, and TCP port of the API on the loopback addresses; 0 for a free one (default: from local.conf, or 9993).",
            HelpName = "PORT",
            CustomParser = result => Parse.Number(result, 0, ushort.MaxValue),
        };
        var controller = new Option<bool>("--controller") { Description = "Also run a network controller." };
        var planet = AppOptions.PlanetOption();
        var log = LogOutput.LevelOption();
        var logFormat = LogOutput.FormatOption();
        var untilInputEnds = new Option<bool>("--until-stdin-ends") { Description = "Exit when standard input closes (for supervising parent processes)." };
        var command = new CliCommand(
            Name, "Run a node with the local JSON API",
            "Joins the networks in its folder. The node is a root if the planet or a moon contains its identity.\nSIGHUP reloads local.conf. " + CliCommand.Serves,
            "lanyard service --home a --planet planet\nlanyard service --home root --planet planet --controller")
        {
            home,
            port,
            controller,
            planet,
            log,
            logFormat,
            untilInputEnds,
        };
        command.SetAction(async (result, cancellation) =>
        {
            var error = result.InvocationConfiguration.Error;
            using var loggers = LogOutput.Create(result.GetValue(log), error, result.GetValue(logFormat));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (result.GetValue(untilInputEnds))
                StandardInput.WhenEnded(stop.Cancel);
            var options = new LanyardServiceOptions
            {
                HomeDirectory = result.GetRequiredValue(home),
                Port = result.GetValue(port),
                IsController = result.GetValue(controller),
                Node = new LanyardOptions
                {
                    Planet = AppOptions.ReadPlanet(result.GetValue(planet)),
                    IdentityProgress = new IdentityProgress(error),
                    ShutdownTimeout = TimeSpan.FromSeconds(1),
                },
                LoggerFactory = loggers,
            };
            await using var service = await LanyardService.StartAsync(options, stop.Token);
            using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
            {
                signal.Cancel = true;
                _ = service.ReloadAsync();
            });
            var description = Describe(service, options.HomeDirectory);
            if (result.GetValue(logFormat) == LogFormat.Text)
                error.WriteLine(description);
            else
                LogOutput.Create(LogLevel.Information, error, LogFormat.Json).CreateLogger("Service").Log(LogLevel.Information, Ready, description, null, (text, _) => text);
            await Task.Delay(StartUp, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (OperatingSystem.IsLinux() && !stop.IsCancellationRequested)
                ResidentPages.Release();
            await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Describe(LanyardService service, string home)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Node {service.Node.Address}, UDP port {service.Port}; API at http://127.0.0.1:{service.Port}, token in {Path.Combine(home, ApiConnection.TokenFileName)}.");
        if (service.Node.Status.IsRoot)
            text.Append(" The node is a root.");
        if (service.Controller is not null)
            text.Append(CultureInfo.InvariantCulture, $" The node is the controller of the networks {service.Node.Address}......");
        if (service.Node.Planet is null && service.Node.Moons.Count == 0)
            text.Append(CultureInfo.InvariantCulture, $" The node knows no roots, so it cannot reach any peer: put a planet file into {home}, or use --planet.");
        return text.ToString();
    }
}
