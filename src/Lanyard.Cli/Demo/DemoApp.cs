using System.CommandLine;
using Lanyard.Cli.App;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Wire;

namespace Lanyard.Cli.Demo;

/// <summary>
/// The common part of the demo's apps, the game and the players: a node that joins the network, waits for authorization and reports it on standard output. It exits
/// when standard input closes, so that no process outlives the demo.
/// </summary>
internal sealed class DemoApp : IAsyncDisposable
{
    private DemoApp(LanyardNode node, LanyardNetwork network)
    {
        Node = node;
        Network = network;
    }

    public LanyardNode Node { get; }

    public LanyardNetwork Network { get; }

    /// <summary>Creates the hidden command of an app.</summary>
    /// <param name="name">The name of the command.</param>
    /// <param name="description">The summary of the command.</param>
    /// <param name="options">Further options.</param>
    /// <param name="run">The work after authorization. Its cancellation ends the app and is no failure.</param>
    public static Command CreateCommand(
        string name, string description, IEnumerable<Option> options, Func<DemoApp, ParseResult, CancellationToken, Task> run)
    {
        var home = HomeFolder.AppOption();
        var network = Parse.NetworkOption();
        var command = new CliCommand(name, description) { home, network };
        command.Hidden = true;
        foreach (var option in options)
            command.Add(option);
        command.SetAction(async (result, cancellation) =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            StandardInput.WhenEnded(stop.Cancel);
            try
            {
                await using var app = await StartAsync(
                    result.GetRequiredValue(home), result.GetRequiredValue(network), result.InvocationConfiguration, stop.Token);
                await run(app, result, stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The demo has ended.
            }

            return ExitCode.Ok;
        });
        return command;
    }

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    private static async Task<DemoApp> StartAsync(string home, NetworkId id, InvocationConfiguration io, CancellationToken stop)
    {
        var node = await AppNode.StartNodeAsync(AppNode.Configure(home, io.Error), stop);
        try
        {
            new DemoEvent(DemoEvent.Node, node.Address.ToString()).Write(io.Output);
            node.NetworkChanged += (_, change) =>
            {
                if (change.Status == LanyardNetworkStatus.AccessDenied)
                    new DemoEvent(DemoEvent.Refused).Write(io.Output);
            };
            var network = node.Join(id);
            await network.WaitUntilReadyAsync(waitForAuthorization: true, stop);
            foreach (var address in network.Addresses)
                new DemoEvent(DemoEvent.Address, address.ToString()).Write(io.Output);
            return new DemoApp(node, network);
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }
}
