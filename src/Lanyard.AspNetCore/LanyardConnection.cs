using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Lanyard.Wire;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Lanyard.AspNetCore;

/// <summary>
/// A stream as a connection of Kestrel: two pipes, and two loops between them and the stream. A loop stops at a full pipe, and then the peer's window
/// closes.
/// </summary>
internal sealed partial class LanyardConnection
    : ConnectionContext, ILanyardConnectionFeature, IConnectionEndPointFeature, IConnectionIdFeature,
    IConnectionItemsFeature, IConnectionLifetimeFeature, IConnectionTransportFeature, IMemoryPoolFeature
{
    private const int MinReadBytes = 4_096;

    private static long s_lastId;

    private readonly LanyardStream _stream;
    private readonly ILogger _logger;
    private readonly DuplexPipe _application;
    private readonly CancellationTokenSource _closed = new();
    private readonly object _lock = new();
    private Task _receiving = Task.CompletedTask;
    private Task _sending = Task.CompletedTask;
    private Exception? _abortReason;
    private IDictionary<object, object?>? _items;

    public LanyardConnection(LanyardStream stream, LanyardTransportOptions options, ILogger logger)
    {
        _stream = stream;
        _logger = logger;
        ConnectionId = $"lanyard-{Interlocked.Increment(ref s_lastId):x}";
        LocalEndPoint = stream.LocalEndPoint;
        RemoteEndPoint = stream.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        var input = new Pipe(PipeOptionsFor(options.MaxReadBufferBytes));
        var output = new Pipe(PipeOptionsFor(options.MaxWriteBufferBytes));
        Transport = new DuplexPipe(input.Reader, output.Writer);
        _application = new DuplexPipe(output.Reader, input.Writer);
        Features.Set<ILanyardConnectionFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new Dictionary<object, object?>();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => MemoryPool<byte>.Shared;

    LanyardNetwork ILanyardConnectionFeature.Network => _stream.Network;

    IPEndPoint ILanyardConnectionFeature.RemoteEndPoint => _stream.RemoteEndPoint;

    NodeAddress ILanyardConnectionFeature.RemoteNode => _stream.RemoteNode;

    LanyardStream ILanyardConnectionFeature.Stream => _stream;

    public void Start()
    {
        _receiving = ReceiveAsync();
        _sending = SendAsync();
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The application aborted the connection."));

    public override void Abort(ConnectionAbortedException abortReason)
    {
        Reset(abortReason);
        // The sender may be waiting for the application.
        _application.Input.CancelPendingRead();
    }

    public override async ValueTask DisposeAsync()
    {
        await Transport.Input.CompleteAsync().ConfigureAwait(false);
        await Transport.Output.CompleteAsync().ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
        // Ends the wait for a peer that does not close.
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _closed.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private static PipeOptions PipeOptionsFor(long bound) => new(
        MemoryPool<byte>.Shared, pauseWriterThreshold: bound, resumeWriterThreshold: bound / 2, useSynchronizationContext: false);

    private async Task ReceiveAsync()
    {
        Exception? error = null;
        var output = _application.Output;
        try
        {
            while (true)
            {
                // An idle connection holds no memory.
                await WaitForDataAsync().ConfigureAwait(false);
                var count = await _stream.ReadAsync(output.GetMemory(MinReadBytes)).ConfigureAwait(false);
                if (count == 0)
                    break;
                output.Advance(count);
                var flush = await output.FlushAsync().ConfigureAwait(false);
                if (flush.IsCompleted || flush.IsCanceled)
                    break;
            }
        }
        catch (LanyardSocketException e)
        {
            error = Translate(e);
            ConnectionEnded(_logger, ConnectionId, error);
        }
        catch (ObjectDisposedException)
        {
            error = _abortReason ?? new ConnectionAbortedException();
        }

        // Received data can still be read; a later read fails with this exception.
        await output.CompleteAsync(_abortReason ?? error).ConfigureAwait(false);
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.FireClosed(), this, preferLocal: false);
    }

    [SuppressMessage("Reliability", "CA2022", Justification = "A read into an empty buffer waits for data and consumes none.")]
    private async ValueTask WaitForDataAsync() => await _stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);

    private async Task SendAsync()
    {
        Exception? error = null;
        var input = _application.Input;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync().ConfigureAwait(false);
                if (read.IsCanceled)
                    break;
                foreach (var segment in read.Buffer)
                    await _stream.WriteAsync(segment).ConfigureAwait(false);
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (LanyardSocketException e)
        {
            error = Translate(e);
            ConnectionEnded(_logger, ConnectionId, error);
        }
        catch (ObjectDisposedException)
        {
            // The connection was aborted meanwhile.
        }
#pragma warning disable CA1031 // The application completed its output with an exception of its own: no caller could catch it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            error = e;
            Reset(new ConnectionAbortedException("The application failed.", e));
        }

        if (error is null && _abortReason is null)
            _stream.ShutdownSend();
        await input.CompleteAsync(error).ConfigureAwait(false);
        // The application has sent all of its data: the receiver does not wait for further reads.
        _application.Output.CancelPendingFlush();
    }

    private void Reset(ConnectionAbortedException reason)
    {
        lock (_lock)
        {
            if (_abortReason is not null)
                return;
            _abortReason = reason;
        }

        _stream.Abort();
    }

    private void FireClosed()
    {
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection was disposed of meanwhile, so the event has no listener.
        }
        catch (AggregateException e)
        {
            CloseHandlerFailed(_logger, ConnectionId, e);
        }
    }

    private Exception Translate(LanyardSocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionReset => new ConnectionResetException(e.Message, e),
        SocketError.ConnectionAborted => _abortReason ?? new ConnectionAbortedException(e.Message, e),
        _ => e,
    };

    [LoggerMessage(1, LogLevel.Debug, "Connection {ConnectionId} ended.")]
    private static partial void ConnectionEnded(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "A handler for the end of connection {ConnectionId} threw.")]
    private static partial void CloseHandlerFailed(ILogger logger, string connectionId, Exception exception);

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
