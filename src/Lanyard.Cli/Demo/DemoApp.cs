using System.CommandLine;
using Lanyard.Cli.App;
using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Cli.Demo;

/// <summary>
/// What the apps of the demo, game and players, have in common: a node that joins the network, waits until it is let in, tells of it on standard
/// output, and ends when standard input does, so that nothing is left over whatever becomes of the demo.
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

    /// <summary>Makes a verb of an app. It is not shown in the help.</summary>
    /// <param name="name">The verb.</param>
    /// <param name="description">What it is.</param>
    /// <param name="options">Its own options.</param>
    /// <param name="run">What it does once it is let in. Cancelled when it is to end, which is no failure.</param>
    public static Command CreateCommand(
        string name, string description, IEnumerable<Option> options, Func<DemoApp, ParseResult, CancellationToken, Task> run)
    {
        var home = HomeFolder.AppOption();
        var network = Parse.NetworkOption();
        var command = new Command(name, description) { home, network };
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
                // The demo is over.
            }

            return ExitCode.Ok;
        });
        return command;
    }

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    private static async Task<DemoApp> StartAsync(string home, NetworkId id, InvocationConfiguration io, CancellationToken stop)
    {
        var node = await LanyardNode.StartAsync(AppNode.Configure(home, io.Error), stop);
        try
        {
            new DemoEvent(DemoEvent.Node, node.Address.ToString()).Write(io.Output);
            node.NetworkChanged += (_, change) =>
            {
                if (change.Status == NetworkStatus.AccessDenied)
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
