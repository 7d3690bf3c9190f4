using Lanyard.Service;
using Lanyard.Wire;

namespace Lanyard.Cli.App;

/// <summary>A node of this process on one network, for verbs that are an app on the LAN.</summary>
internal sealed class AppNode : IAsyncDisposable
{
    /// <summary>How long what was written last may take to get through when the verb is done.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    private readonly TextWriter _error;

    private AppNode(LanyardNode node, LanyardNetwork network, LanyardCapture? capture, TextWriter error)
    {
        Node = node;
        Network = network;
        Capture = capture;
        _error = error;
    }

    /// <summary>The node.</summary>
    public LanyardNode Node { get; }

    /// <summary>The network: it has an address.</summary>
    public LanyardNetwork Network { get; }

    /// <summary>The capture of the network's traffic; null if there is none.</summary>
    public LanyardCapture? Capture { get; }

    /// <summary>How a node on a folder is started.</summary>
    /// <param name="home">The folder: its identity, planet and ports are used.</param>
    /// <param name="error">Where it says that it makes an identity.</param>
    public static LanyardOptions Configure(string home, TextWriter error) => new()
    {
        StateDirectory = home,
        Port = LocalConfiguration.Read(home).PrimaryPort ?? 0,
        IdentityProgress = new IdentityProgress(error),
        ShutdownTimeout = ShutdownTimeout,
    };

    /// <summary>Starts a node as <see cref="Configure"/> says.</summary>
    /// <exception cref="CommandException">It knows no roots.</exception>
    public static async Task<LanyardNode> StartNodeAsync(LanyardOptions options, CancellationToken cancellationToken)
    {
        var node = await LanyardNode.StartAsync(options, cancellationToken);
        if (node.Planet is null && node.Moons.Count == 0)
        {
            await node.DisposeAsync();
            throw new CommandException(ExitCode.Failed, $"This node knows no roots, and so reaches nobody: put a planet file into '{options.StateDirectory}', or give --planet.");
        }

        return node;
    }

    /// <summary>Starts a node, joins a network and waits until there is an address.</summary>
    /// <param name="options">The options.</param>
    /// <param name="id">The network.</param>
    /// <param name="waitForAuthorization">Whether to wait on where the controller refuses the node.</param>
    /// <param name="error">Where the node's address and its addresses on the network are written.</param>
    /// <param name="capture">Where the network's traffic is captured; null captures none.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<AppNode> StartAsync(
        LanyardOptions options, NetworkId id, bool waitForAuthorization, TextWriter error, AppCapture? capture, CancellationToken cancellationToken)
    {
        var node = await StartNodeAsync(options, cancellationToken);
        try
        {
            error.WriteLine($"node {node.Address}");
            var network = node.Join(id);
            var capturing = capture is null ? null : network.Capture(capture.Output, capture.Options);
            if (waitForAuthorization)
                await network.WaitUntilReadyAsync(waitForAuthorization: true, cancellationToken);
            else
                await node.JoinAsync(id, cancellationToken);
            foreach (var address in network.Addresses)
                error.WriteLine($"address {address}");
            return new AppNode(node, network, capturing, error);
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the node, then the capture: what the node says at its end is captured, too.</summary>
    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        if (Capture is null)
            return;
        await Capture.DisposeAsync();
        if (Capture.Completion.Exception?.InnerException is { } failure)
            _error.WriteLine($"The capture is not complete: {failure.Message}");
    }
}
