using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lanyard.AspNetCore;

/// <summary>Starts the node before all other services of the application, and stops it after all others have stopped.</summary>
internal sealed class LanyardHostedService(
    IOptions<LanyardHostingOptions> options, ILoggerFactory loggerFactory) : IHostedLifecycleService, ILanyardAccessor, IAsyncDisposable
{
    private LanyardNode? _node;
    private LanyardNetwork? _network;

    public LanyardNode Node =>
        _node ?? throw new InvalidOperationException("The node has not started. Use it after the application has started.");

    public LanyardNetwork Network => _network ?? throw new InvalidOperationException(_node is null
        ? "The node has not started. Use its network after the application has started."
        : "The application joins no network. Add one to LanyardHostingOptions.Networks.");

    public bool IsStarted => _node is not null;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var hosting = options.Value;
        var node = hosting.Node.LoggerFactory is null ? hosting.Node with { LoggerFactory = loggerFactory } : hosting.Node;
        _node = await LanyardNode.StartAsync(node, cancellationToken).ConfigureAwait(false);
        foreach (var id in hosting.Networks)
        {
            var network = _node.Join(id);
            _network ??= network;
        }

        if (!hosting.WaitForNetworks)
            return;
        foreach (var id in hosting.Networks)
            await _node.JoinAsync(id, cancellationToken).ConfigureAwait(false);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken) => await DisposeAsync().ConfigureAwait(false);

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? default;
}
