using System.CommandLine;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Cli.App;

/// <summary>The options of verbs that are a node themselves.</summary>
internal sealed class AppOptions(bool withCapture = true, bool networkRequired = true)
{
    private readonly Option<string> _home = HomeFolder.AppOption();
    private readonly Option<NetworkId> _network = Parse.NetworkOption(networkRequired);
    private readonly Option<string?> _planet = PlanetOption();
    private readonly Option<double> _joinTimeout = Parse.SecondsOption("--join-timeout", "How long to wait for the controller.", 60);

    private readonly Option<bool> _wait = new("--wait")
    {
        Description = "Wait without limit, also while the controller refuses this node, until it is authorized.",
    };

    private readonly Option<LogLevel> _log = LogOutput.LevelOption();

    private readonly Option<string?> _capture = new("--capture")
    {
        Description = "File for the frames that are sent and received on the network, in pcapng format for Wireshark and tcpdump.",
        HelpName = "FILE",
    };

    /// <summary>Adds these options to a verb.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _home, _network, _planet, _joinTimeout, _wait, _log })
            command.Add(option);
        if (withCapture)
            command.Add(_capture);
    }

    /// <summary>Starts the node and waits until it has an address. The addresses are written to standard error.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="capture">Where the traffic is captured; where the command line says if none is given, which may be nowhere.</param>
    /// <param name="isQuiet">Whether the addresses are not written.</param>
    public Task<AppNode> StartAsync(ParseResult result, CancellationToken cancellationToken, AppCapture? capture = null, bool isQuiet = false)
    {
        var error = isQuiet ? TextWriter.Null : result.InvocationConfiguration.Error;
        var options = Configure(result);
        if (withCapture && result.GetValue(_capture) is { } file)
            capture = new AppCapture(Files.OpenWrite(file), new LanyardCaptureOptions());
        return AppNode.StartAsync(options, result.GetRequiredValue(_network), result.GetValue(_wait), error, capture, cancellationToken);
    }

    /// <summary>Whether the command line names a network.</summary>
    public bool NamesNetwork(ParseResult result) => result.GetResult(_network) is { Implicit: false };

    /// <summary>Starts the node on all networks that its folder remembers, and waits for none of them.</summary>
    public async Task<LanyardNode> StartNodeAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var node = await AppNode.StartNodeAsync(Configure(result) with { JoinKnownNetworks = true }, cancellationToken);
        if (node.Networks.Count > 0)
            return node;
        await node.DisposeAsync();
        throw new CommandException(ExitCode.Usage, $"The folder '{result.GetRequiredValue(_home)}' remembers no network: name one with --network.");
    }

    private LanyardOptions Configure(ParseResult result)
    {
        var error = result.InvocationConfiguration.Error;
        return AppNode.Configure(result.GetRequiredValue(_home), error) with
        {
            Planet = ReadPlanet(result.GetValue(_planet)),
            JoinTimeout = result.GetTime(_joinTimeout),
            LoggerFactory = LogOutput.Create(result.GetValue(_log), error),
        };
    }

    /// <summary>The option of whoever starts a node.</summary>
    public static Option<string?> PlanetOption() => new("--planet")
    {
        Description = "Planet file. Copied to the state folder.",
        HelpName = "FILE",
    };

    /// <summary>The planet in a file; null where no file is given.</summary>
    /// <exception cref="CommandException">The file cannot be read, or holds none.</exception>
    public static World? ReadPlanet(string? file)
    {
        if (file is null)
            return null;
        return World.TryParse(Files.ReadBytes(file), out var world) && world.Type == WorldType.Planet
            ? world
            : throw new CommandException(ExitCode.Failed, $"'{file}' is not a planet.");
    }
}
