using Lanyard.Controller;

namespace Lanyard.Service;

/// <summary>
/// A controller on its node: it answers what members ask through a <see cref="ControllerLink"/>, and a task of its own sends what members are
/// told unasked, outside of the controller's and the node's locks.
/// </summary>
internal sealed class ControllerHost : IDisposable
{
    private readonly LanyardNode _node;
    private readonly SqliteControllerStore _store;
    private readonly ControllerLink _link;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _sender;

    /// <summary>Connects a controller to its node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="controller">The controller, of the node's identity.</param>
    /// <param name="store">Its store: disposed of with this.</param>
    /// <param name="link">What the node was started with.</param>
    public ControllerHost(LanyardNode node, NetworkController controller, SqliteControllerStore store, ControllerLink link)
    {
        _node = node;
        _store = store;
        _link = link;
        Controller = controller;
        controller.MessagesWaiting += OnMessagesWaiting;
        link.Controller = controller;
        _sender = Task.Run(SendAsync);
    }

    /// <summary>The controller.</summary>
    public NetworkController Controller { get; }

    /// <summary>Stops telling members unasked.</summary>
    public async Task StopAsync()
    {
        Controller.MessagesWaiting -= OnMessagesWaiting;
        await _end.CancelAsync().ConfigureAwait(false);
        await _sender.ConfigureAwait(false);
    }

    /// <summary>Stores what waits to be stored and closes the store.</summary>
    public void Dispose()
    {
        _link.Controller = null;
        _store.Dispose();
        _end.Dispose();
        _wake.Dispose();
    }

    private void OnMessagesWaiting(object? sender, EventArgs e)
    {
        try
        {
            _wake.Release();
        }
        catch (Exception pending) when (pending is SemaphoreFullException or ObjectDisposedException)
        {
        }
    }

    private async Task SendAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            while (!_end.IsCancellationRequested && Controller.TryTakeMessage(_node.Status.ClockMs, out var message))
                Send(message);
            await _wake.WaitAsync(_end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A refusal answers a request and cannot be sent unasked: who is no member any more is told when it next asks.</summary>
    private void Send(ControllerMessage message)
    {
        if (message is { Kind: ControllerMessageKind.Config, Config: { } config })
            _node.PushConfiguration(message.To, config);
        else if (message is { Kind: ControllerMessageKind.Revocation, Revocation: { } revocation })
            _node.PushRevocation(message.To, revocation);
        else
            _node.CancelPush(message.To, message.Network);
    }
}
