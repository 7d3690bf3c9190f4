using System.Buffers;
using System.Net;
using Lanyard.NetStack;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A TCP connection over a virtual network. One read and one write may be pending at the same time, from different threads. A second read or write throws
/// <see cref="InvalidOperationException"/>. Awaiting allocates nothing.
/// </summary>
/// <remarks>
/// A write completes when all bytes are in the send buffer. They are sent at once, so <see cref="FlushAsync"/> does nothing. Dispose sends the rest in the
/// background. If received bytes were not read, it resets the connection instead.
/// </remarks>
public sealed class LanyardStream : Stream
{
    private readonly TcpChannel _channel;
    private IPEndPoint? _localEndPoint;
    private IPEndPoint? _remoteEndPoint;
    private int _readTimeoutMs = Timeout.Infinite;
    private int _writeTimeoutMs = Timeout.Infinite;
    private volatile bool _isDisposed;

    internal LanyardStream(TcpChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>The local endpoint.</summary>
    public IPEndPoint LocalEndPoint => _localEndPoint ??= _channel.Connection.LocalEndpoint.ToIPEndPoint();

    /// <summary>The remote endpoint.</summary>
    public IPEndPoint RemoteEndPoint => _remoteEndPoint ??= _channel.Connection.RemoteEndpoint.ToIPEndPoint();

    /// <summary>
    /// The peer's node, authenticated by the protocol: it sent the SYN of its side, and segments from other nodes are dropped. None if the peer is behind a
    /// bridge.
    /// </summary>
    public NodeAddress RemoteNode => _channel.RemoteNode;

    /// <summary>Whether small segments are sent at once instead of waiting for acknowledgments (Nagle's algorithm off). Default true.</summary>
    public bool NoDelay
    {
        get => Options.NoDelay;
        set => Change(static (options, isOn) => options with { NoDelay = isOn }, value);
    }

    /// <summary>The idle time before keepalive probes start, at least 1 ms; zero, the default, sends none.</summary>
    public TimeSpan KeepAliveIdle
    {
        get => Options.KeepAliveIdle;
        set => Change(static (options, time) => options with { KeepAliveIdle = time }, value);
    }

    /// <summary>The time between keepalive probes. Default 75 s.</summary>
    public TimeSpan KeepAliveInterval
    {
        get => Options.KeepAliveInterval;
        set => Change(static (options, time) => options with { KeepAliveInterval = time }, value);
    }

    /// <summary>The number of unanswered keepalive probes after which the connection ends. Default 9.</summary>
    public int KeepAliveProbes
    {
        get => Options.KeepAliveProbes;
        set => Change(static (options, count) => options with { KeepAliveProbes = count }, value);
    }

    /// <summary>The time that sent data may stay unacknowledged before the connection ends. Zero, the default, applies <see cref="TcpOptions.Retries"/>
    /// instead.</summary>
    public TimeSpan UserTimeout
    {
        get => Options.UserTimeout;
        set => Change(static (options, time) => options with { UserTimeout = time }, value);
    }

    /// <summary>The time for sending written data after the stream is disposed, before the connection is reset; zero resets it at once. Null, the default,
    /// sets no limit while the peer answers.</summary>
    public TimeSpan? Linger
    {
        get => Options.Linger;
        set => Change(static (options, time) => options with { Linger = time }, value);
    }

    /// <summary>The size in bytes that the send buffer may grow to. Default 4 MiB. <see cref="Info"/> has its current size.</summary>
    public int SendBufferBytes
    {
        get => Options.MaxSendBufferBytes;
        set => Change(static (options, bytes) => options with { MaxSendBufferBytes = bytes }, value);
    }

    /// <summary>The size in bytes that the receive buffer, and with it the window, may grow to. Default 4 MiB.</summary>
    public int ReceiveBufferBytes
    {
        get => Options.MaxReceiveBufferBytes;
        set => Change(static (options, bytes) => options with { MaxReceiveBufferBytes = bytes }, value);
    }

    /// <summary>The congestion control algorithm. A new algorithm continues with the current window. Default CUBIC.</summary>
    public CongestionAlgorithm Congestion
    {
        get => Options.Congestion;
        set => Change(static (options, algorithm) => options with { Congestion = algorithm }, value);
    }

    /// <summary>The largest segment payload in bytes; 0, the default, for the largest that the path and the peer allow. <see cref="Info"/> has the current
    /// size.</summary>
    public int MaxSegmentBytes
    {
        get => Options.MaxSegmentBytes;
        set => Change(static (options, bytes) => options with { MaxSegmentBytes = bytes }, value);
    }

    /// <summary>Whether every segment is acknowledged at once. Default false.</summary>
    public bool QuickAck
    {
        get => Options.QuickAck;
        set => Change(static (options, isOn) => options with { QuickAck = isOn }, value);
    }

    /// <summary>The hop limit (TTL) of packets sent. Default 64.</summary>
    public byte HopLimit
    {
        get => Options.HopLimit;
        set => Change(static (options, limit) => options with { HopLimit = limit }, value);
    }

    /// <summary>The type of service (IPv4) or traffic class (IPv6); its two lowest bits belong to ECN. Default 0.</summary>
    public byte TrafficClass
    {
        get => Options.TrafficClass;
        set => Change(static (options, traffic) => options with { TrafficClass = traffic }, value);
    }

    /// <summary>The settings of the connection. <see cref="TcpConnection.Configure"/> lists those that take effect on an open connection.</summary>
    public TcpOptions Options
    {
        get
        {
            using (Hold())
                return _channel.Connection.Options;
        }
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            using (Hold())
                _channel.Connection.Configure(_channel.Runtime.NowMicroseconds, value);
        }
    }

    /// <summary>A snapshot of the connection's state.</summary>
    public TcpInfo Info
    {
        get
        {
            using (Hold())
            {
                // The host's time is that of the last call.
                _channel.Port.Host.BeginBatch(_channel.Runtime.NowMicroseconds);
                var info = _channel.Connection.GetInfo();
                _channel.Port.Host.EndBatch(_channel.Runtime.NowMicroseconds);
                return info;
            }
        }
    }

    /// <summary>The bytes that can be read without waiting.</summary>
    public int Available
    {
        get
        {
            using (Hold())
                return _channel.Connection.ReadableBytes;
        }
    }

    /// <inheritdoc/>
    public override bool CanRead => !_isDisposed;

    /// <inheritdoc/>
    public override bool CanWrite => !_isDisposed;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanTimeout => true;

    /// <summary>
    /// How long a synchronous read may wait for the first byte, in milliseconds; <see cref="Timeout.Infinite"/>, the default, for no limit. Asynchronous reads
    /// ignore it, as on every stream.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is neither positive nor infinite.</exception>
    public override int ReadTimeout
    {
        get => _readTimeoutMs;
        set => _readTimeoutMs = CheckTimeout(value);
    }

    /// <summary>
    /// How long a synchronous write may wait for room, in milliseconds; <see cref="Timeout.Infinite"/>, the default, for no limit. Asynchronous writes ignore
    /// it, as on every stream.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is neither positive nor infinite.</exception>
    public override int WriteTimeout
    {
        get => _writeTimeoutMs;
        set => _writeTimeoutMs = CheckTimeout(value);
    }

    /// <summary>Not supported.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    internal TcpChannel Channel => _channel;

    /// <summary>Reads received bytes. Waits for the first byte.</summary>
    /// <param name="buffer">The buffer. A read into an empty buffer waits until bytes can be read.</param>
    /// <param name="cancellationToken">Cancels the operation. The connection stays open.</param>
    /// <returns>The number of bytes read; 0 after the peer has finished sending.</returns>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc cref="ReadAsync(Memory{byte}, CancellationToken)"/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends bytes.</summary>
    /// <param name="buffer">The bytes, which must not change until the write completes.</param>
    /// <param name="cancellationToken">Cancels the wait for room. Bytes already in the send buffer are sent.</param>
    /// <exception cref="LanyardSocketException">The connection failed, or this end has finished sending.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="ReadTimeout"/> expired.</exception>
    public override int Read(byte[] buffer, int offset, int count) =>
        WithTimeout(_readTimeoutMs, token => ReadAsync(buffer.AsMemory(offset, count), token).AsTask());

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="ReadTimeout"/> expired.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            using (Hold())
            {
                if (_channel.TryRead(buffer, out var count, out var error))
                    return error is null ? count : throw error;
            }

            WithTimeout(_readTimeoutMs, token => ReadAsync(Memory<byte>.Empty, token).AsTask());
        }
    }

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="WriteTimeout"/> expired.</exception>
    public override void Write(byte[] buffer, int offset, int count) =>
        WithTimeout(_writeTimeoutMs, async token =>
        {
            await WriteAsync(buffer.AsMemory(offset, count), token).ConfigureAwait(false);
            return true;
        });

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="WriteTimeout"/> expired.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var copy = ArrayPool<byte>.Shared.Rent(buffer.Length);
        buffer.CopyTo(copy);
        Write(copy, 0, buffer.Length);
        // After a failure a pending write may still use the buffer, so it is not returned.
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>Does nothing, because written bytes are sent at once.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing, because written bytes are sent at once.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not supported.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Finishes sending: the peer reads the written bytes and then the end of the stream. Receiving continues.</summary>
    /// <exception cref="InvalidOperationException">A write is pending.</exception>
    public void ShutdownSend()
    {
        using (Hold())
            _channel.ShutdownSend();
    }

    /// <summary>Resets the connection. Bytes not sent are lost. Pending reads and writes throw.</summary>
    public void Abort()
    {
        using (Hold())
            _channel.Abort();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            using (Hold())
                _channel.Dispose();
        }

        base.Dispose(disposing);
    }

    private static int CheckTimeout(int milliseconds) => milliseconds is > 0 or Timeout.Infinite
        ? milliseconds
        : throw new ArgumentOutOfRangeException(nameof(milliseconds), milliseconds, "A timeout is a positive number of milliseconds, or "
            + "Timeout.Infinite.");

    private GateHold Hold() => new(_channel.Runtime);

    private void Change<T>(Func<TcpOptions, T, TcpOptions> change, T value)
    {
        using (Hold())
            _channel.Connection.Configure(_channel.Runtime.NowMicroseconds, change(_channel.Connection.Options, value));
    }

    private T WithTimeout<T>(int timeoutMs, Func<CancellationToken, Task<T>> operation)
    {
        if (timeoutMs == Timeout.Infinite)
            return operation(CancellationToken.None).GetAwaiter().GetResult();
        using var timeout = new CancellationTokenSource(timeoutMs);
        try
        {
            return operation(timeout.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw SocketErrors.Timeout(_channel.Connection.RemoteEndpoint, timeoutMs);
        }
    }
}
