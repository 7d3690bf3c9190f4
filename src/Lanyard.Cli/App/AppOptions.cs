using System.CommandLine;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Cli.App;

/// <summary>The options of commands that run a node.</summary>
internal sealed class AppOptions(bool withCapture = true, bool networkRequired = true)
{
    private readonly Option<string> _home = HomeFolder.AppOption();
    private readonly Option<NetworkId> _network = Parse.NetworkOption(networkRequired);
    private readonly Option<string?> _planet = PlanetOption();
    private readonly Option<double> _joinTimeout = Parse.SecondsOption("--join-timeout", "Seconds to wait for the controller.", 60);

    private readonly Option<bool> _wait = new("--wait")
    {
        Description = "Wait without limit until this node is authorized, even while the controller refuses it.",
    };

    private readonly Option<LogLevel> _log = LogOutput.LevelOption();

    private readonly Option<string?> _capture = new("--capture")
    {
        Description = "File for the frames on the network, in pcapng format for Wireshark and tcpdump.",
        HelpName = "FILE",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _home, _network, _planet, _joinTimeout, _wait, _log })
            command.Add(option);
        if (withCapture)
            command.Add(_capture);
    }

    /// <summary>Starts the node and waits until it has an address. Writes the addresses to standard error.</summary>
    /// <param name="result">The parsed command line.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="capture">The traffic capture; null for the capture of the command line, if any.</param>
    /// <param name="isQuiet">Whether to omit the addresses.</param>
    public Task<AppNode> StartAsync(ParseResult result, CancellationToken cancellationToken, AppCapture? capture = null, bool isQuiet = false)
    {
        var error = isQuiet ? TextWriter.Null : result.InvocationConfiguration.Error;
        var options = Configure(result);
        if (withCapture && result.GetValue(_capture) is { } file)
            capture = new AppCapture(Files.OpenWrite(file), new LanyardCaptureOptions());
        return AppNode.StartAsync(options, result.GetRequiredValue(_network), result.GetValue(_wait), error, capture, cancellationToken);
    }

    /// <summary>Returns whether the command line contains a network.</summary>
    public bool NamesNetwork(ParseResult result) => result.GetResult(_network) is { Implicit: false };

    /// <summary>Starts the node on all networks in its folder, without waiting for them.</summary>
    public async Task<LanyardNode> StartNodeAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var node = await AppNode.StartNodeAsync(Configure(result) with { JoinKnownNetworks = true }, cancellationToken);
        if (node.Networks.Count > 0)
            return node;
        await node.DisposeAsync();
        throw new CommandException(ExitCode.Usage, $"The folder '{result.GetRequiredValue(_home)}' contains no joined network. Choose one with --network.");
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

    /// <summary>Creates the option of commands that start a node.</summary>
    public static Option<string?> PlanetOption() => new("--planet")
    {
        Description = "Planet file. Copied to the state folder.",
        HelpName = "FILE",
    };

    /// <summary>Reads the planet in a file; returns null if the option is not given.</summary>
    /// <exception cref="CommandException">The file cannot be read, or is not a planet.</exception>
    public static World? ReadPlanet(string? file)
    {
        if (file is null)
            return null;
        return World.TryParse(Files.ReadBytes(file), out var world) && world.Type == WorldType.Planet
            ? world
            : throw new CommandException(ExitCode.Failed, $"'{file}' is not a planet.");
    }
}
