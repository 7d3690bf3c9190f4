using System.Threading.Channels;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Controller;

/// <summary>
/// Runs a <see cref="NetworkController"/> beside a node: requests are posted from the node's thread, which waits for nothing; a task of the
/// worker's answers them one by one, signs, and hands packets over. Between two requests it takes one message about a change, so that neither
/// holds up the other.
/// </summary>
public sealed partial class ControllerWorker : IAsyncDisposable
{
    /// <summary>How many requests wait at most by default: some seconds' worth of signing.</summary>
    public const int DefaultQueueLength = 1024;

    private readonly NetworkController _controller;
    private readonly Action<ControllerPacket> _send;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Request> _requests;

    // Holds an item if something was put where the worker may have looked already.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _work;
    private long _dropped;

    /// <summary>Begins to work.</summary>
    /// <param name="controller">The controller.</param>
    /// <param name="send">Takes a packet to be sent. Called from the worker's task; it should not block, and may not throw.</param>
    /// <param name="time">The clock; <see langword="null"/> for the system's.</param>
    /// <param name="queueLength">How many requests wait at most; those beyond are dropped, and asked again by their nodes.</param>
    /// <param name="logger">Where failures are reported.</param>
    public ControllerWorker(
        NetworkController controller,
        Action<ControllerPacket> send,
        TimeProvider? time = null,
        int queueLength = DefaultQueueLength,
        ILogger<ControllerWorker>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(controller);
        ArgumentNullException.ThrowIfNull(send);
        _controller = controller;
        _send = send;
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<ControllerWorker>.Instance;
        _requests = Channel.CreateBounded<Request>(new BoundedChannelOptions(queueLength) { SingleReader = true });
        controller.MessagesWaiting += OnMessagesWaiting;
        _work = Task.Run(WorkAsync);
    }

    /// <summary>How many requests were dropped because too many waited.</summary>
    public long DroppedRequests => Interlocked.Read(ref _dropped);

    /// <summary>Posts a request for a configuration; the arguments are those of <see cref="NetworkController.HandleRequest"/>.</summary>
    /// <returns>Whether it was taken: not if too many wait, or the worker has ended.</returns>
    public bool TryPost(Identity requestor, InetEndpoint from, NetworkId id, ReadOnlySpan<byte> metadata, ulong packetId)
    {
        ArgumentNullException.ThrowIfNull(requestor);
        metadata = metadata[..Math.Min(metadata.Length, NetworkLimits.RequestMetadataLength)];
        if (_requests.Writer.TryWrite(new Request(requestor, from, id, metadata.ToArray(), packetId)))
        {
            _wake.Writer.TryWrite(true);
            return true;
        }

        Interlocked.Increment(ref _dropped);
        return false;
    }

    /// <summary>Ends the work. Requests that wait are not answered.</summary>
    public async ValueTask DisposeAsync()
    {
        _controller.MessagesWaiting -= OnMessagesWaiting;
        _requests.Writer.TryComplete();
        await _ending.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
        _ending.Dispose();
    }

    private void OnMessagesWaiting(object? sender, EventArgs e) => _wake.Writer.TryWrite(true);

    private async Task WorkAsync()
    {
        try
        {
            // Something may have waited before the worker did.
            var more = true;
            while (!_ending.IsCancellationRequested)
            {
                if (!more)
                    await _wake.Reader.ReadAsync(_ending.Token).ConfigureAwait(false);
                more = Guarded(AnswerOne) | Guarded(TakeOne);
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The end.
        }
    }

    private bool Guarded(Func<bool> step)
    {
        try
        {
            return step();
        }
#pragma warning disable CA1031 // One request that fails must not end the controller: it is reported, and the next is taken.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(e);
            return true;
        }
    }

    private bool AnswerOne()
    {
        if (!_requests.Reader.TryRead(out var request))
            return false;
        var reply = _controller.HandleRequest(NowMs(), request.Requestor, request.From, request.Network, request.Metadata, request.PacketId);
        if (reply.Message is not null)
            Send(reply.Message);
        return true;
    }

    private bool TakeOne()
    {
        if (!_controller.TryTakeMessage(NowMs(), out var message))
            return false;
        Send(message);
        return true;
    }

    private void Send(ControllerMessage message)
    {
        foreach (var packet in _controller.ToPackets(message))
            _send(packet);
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    [LoggerMessage(LogLevel.Error, "A request for a network's configuration, or a message about a change, failed.")]
    private partial void LogFailed(Exception error);

    private readonly record struct Request(Identity Requestor, InetEndpoint From, NetworkId Network, byte[] Metadata, ulong PacketId);
}
