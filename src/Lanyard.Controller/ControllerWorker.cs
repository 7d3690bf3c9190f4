using System.Threading.Channels;
using Lanyard.Engine;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Controller;

/// <summary>
/// Runs a <see cref="NetworkController"/> for its node. The node posts requests, which are queued. One task replies to them and sends changes, outside the
/// node's and the controller's locks. Requests and changes alternate, so that neither delays the other.
/// </summary>
public sealed partial class ControllerWorker : INetworkController, IAsyncDisposable
{
    /// <summary>The default maximum number of queued requests, which take some seconds to sign.</summary>
    public const int DefaultQueueLength = 1024;

    private readonly ILogger _logger;
    private readonly Channel<ConfigRequest> _requests;

    // Contains an item if a request or a change was queued since the worker last checked.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ending = new();
    private volatile Work? _work;
    private long _dropped;

    /// <summary>Creates a worker that queues requests until <see cref="Start"/>.</summary>
    /// <param name="queueLength">The maximum number of queued requests. Further requests are dropped; their nodes send them again.</param>
    /// <param name="logger">The logger for failures.</param>
    public ControllerWorker(int queueLength = DefaultQueueLength, ILogger<ControllerWorker>? logger = null)
    {
        _logger = logger ?? NullLogger<ControllerWorker>.Instance;
        _requests = Channel.CreateBounded<ConfigRequest>(new BoundedChannelOptions(queueLength) { SingleReader = true });
    }

    /// <summary>The number of requests that were dropped because the queue was full.</summary>
    public long DroppedRequests => Interlocked.Read(ref _dropped);

    /// <summary>Starts to reply to requests.</summary>
    /// <param name="controller">The controller.</param>
    /// <param name="send">
    /// Passes a message to the node. Called by the worker's task; must not block. If it throws, the message is lost and the exception logged.
    /// </param>
    /// <param name="nowMs">The node's clock, in milliseconds since 1970.</param>
    /// <exception cref="InvalidOperationException">The worker is already started.</exception>
    public void Start(NetworkController controller, Action<ControllerMessage> send, Func<long> nowMs)
    {
        ArgumentNullException.ThrowIfNull(controller);
        ArgumentNullException.ThrowIfNull(send);
        ArgumentNullException.ThrowIfNull(nowMs);
        if (_work is not null)
            throw new InvalidOperationException("The worker is already started.");
        controller.MessagesWaiting += OnMessagesWaiting;
        _work = new Work(controller, send, nowMs);
        _work.Task = Task.Run(() => RunAsync(_work));
    }

    /// <inheritdoc/>
    public bool TryPost(ConfigRequest request)
    {
        if (_requests.Writer.TryWrite(request))
        {
            _wake.Writer.TryWrite(true);
            return true;
        }

        Interlocked.Increment(ref _dropped);
        return false;
    }

    /// <inheritdoc/>
    public Identity? FindIdentity(NodeAddress member) => _work?.Controller.FindIdentity(member);

    /// <summary>Stops the worker. Queued requests get no reply. <see cref="FindIdentity"/> still works.</summary>
    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        if (_work is { } work)
        {
            work.Controller.MessagesWaiting -= OnMessagesWaiting;
            await _ending.CancelAsync().ConfigureAwait(false);
            await work.Task.ConfigureAwait(false);
        }

        _ending.Dispose();
    }

    private void OnMessagesWaiting(object? sender, EventArgs e) => _wake.Writer.TryWrite(true);

    private async Task RunAsync(Work work)
    {
        try
        {
            // Requests may have been queued before the start.
            var more = true;
            while (!_ending.IsCancellationRequested)
            {
                if (!more)
                    await _wake.Reader.ReadAsync(_ending.Token).ConfigureAwait(false);
                more = RunStep(Reply, work) | RunStep(SendChange, work);
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private bool RunStep(Func<Work, bool> step, Work work)
    {
        try
        {
            return step(work);
        }
#pragma warning disable CA1031 // A failed request must not stop the controller. It is logged, and the worker continues.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(e);
            return true;
        }
    }

    private bool Reply(Work work)
    {
        if (!_requests.Reader.TryRead(out var request))
            return false;
        if (work.Controller.HandleRequest(request).Message is { } message)
            work.Send(message);
        return true;
    }

    private static bool SendChange(Work work)
    {
        if (!work.Controller.TryTakeMessage(work.NowMs(), out var message))
            return false;
        work.Send(message);
        return true;
    }

    [LoggerMessage(303, LogLevel.Error, "Unhandled internal error in a request to the controller or in a push; the controller continues. Please report this.")]
    private partial void LogFailed(Exception error);

    private sealed class Work(NetworkController controller, Action<ControllerMessage> send, Func<long> nowMs)
    {
        public NetworkController Controller => controller;

        public Action<ControllerMessage> Send => send;

        public Func<long> NowMs => nowMs;

        public Task Task { get; set; } = Task.CompletedTask;
    }
}
