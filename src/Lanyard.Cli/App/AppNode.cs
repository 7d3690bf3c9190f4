using Lanyard.Service;
using Lanyard.Wire;

namespace Lanyard.Cli.App;

/// <summary>A node in this process on one network, for commands that are applications on the LAN.</summary>
internal sealed class AppNode : IAsyncDisposable
{
    /// <summary>The maximum time to deliver the last data when a command ends.</summary>
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

    /// <summary>The network. It has an address.</summary>
    public LanyardNetwork Network { get; }

    /// <summary>The capture of the network's traffic; null if there is none.</summary>
    public LanyardCapture? Capture { get; }

    /// <summary>Returns the options of a node on a folder.</summary>
    /// <param name="home">The folder with the identity, planet and ports.</param>
    /// <param name="error">The output for the progress of a new identity.</param>
    public static LanyardOptions Configure(string home, TextWriter error) => new()
    {
        StateDirectory = home,
        Port = LocalConfiguration.Read(home).PrimaryPort ?? 0,
        IdentityProgress = new IdentityProgress(error),
        ShutdownTimeout = ShutdownTimeout,
    };

    /// <summary>Starts a node with the options of <see cref="Configure"/>.</summary>
    /// <exception cref="CommandException">The node knows no roots.</exception>
    public static async Task<LanyardNode> StartNodeAsync(LanyardOptions options, CancellationToken cancellationToken)
    {
        var node = await LanyardNode.StartAsync(options, cancellationToken);
        if (node.Planet is null && node.Moons.Count == 0)
        {
            await node.DisposeAsync();
            throw new CommandException(ExitCode.Failed, $"This node knows no roots, so it cannot reach any peer. Put a planet file into '{options.StateDirectory}', or use --planet.");
        }

        return node;
    }

    /// <summary>Starts a node, joins a network and waits until the node has an address.</summary>
    /// <param name="options">The options.</param>
    /// <param name="id">The network.</param>
    /// <param name="waitForAuthorization">Whether to continue waiting while the controller refuses the node.</param>
    /// <param name="error">The output for the node address and the addresses on the network.</param>
    /// <param name="capture">The capture of the network's traffic; null for none.</param>
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

    /// <summary>Stops the node, then the capture, which so contains the node's last packets.</summary>
    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        if (Capture is null)
            return;
        await Capture.DisposeAsync();
        if (Capture.Completion.Exception?.InnerException is { } failure)
            _error.WriteLine($"The capture is incomplete: {failure.Message}");
    }
}
