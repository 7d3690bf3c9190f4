using System.Buffers;
using System.Net;
using Lanyard.NetStack;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A TCP connection over a virtual network. One read and one write may be under way at a time, by different threads; a second of either kind throws
/// <see cref="InvalidOperationException"/>. Awaiting them allocates nothing.
/// </summary>
/// <remarks>
/// A write is done when all bytes are in the send buffer; they are sent at once, so <see cref="FlushAsync"/> has nothing to do. Disposing finishes
/// sending in the background; the connection is reset instead if received bytes were not read.
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
    /// The node at the other end, authenticated by the protocol: it sent the segment that opened the connection from its side, and segments from other nodes are
    /// dropped. None if the other end lies behind a bridge.
    /// </summary>
    public NodeAddress RemoteNode => _channel.RemoteNode;

    /// <summary>Whether small writes are sent at once rather than gathered (Nagle's algorithm off). Default true.</summary>
    public bool NoDelay
    {
        get => Options.NoDelay;
        set => Change(static (options, isOn) => options with { NoDelay = isOn }, value);
    }

    /// <summary>How long the connection is silent before keepalive probes start; zero, the default, sends none.</summary>
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

    /// <summary>How many unanswered keepalive probes end the connection. Default 9.</summary>
    public int KeepAliveProbes
    {
        get => Options.KeepAliveProbes;
        set => Change(static (options, count) => options with { KeepAliveProbes = count }, value);
    }

    /// <summary>How long sent data may stay unacknowledged before the connection ends; zero, the default, goes by the number of
    /// repetitions.</summary>
    public TimeSpan UserTimeout
    {
        get => Options.UserTimeout;
        set => Change(static (options, time) => options with { UserTimeout = time }, value);
    }

    /// <summary>How long what was written may still be sent after the stream was disposed of, before the connection is reset; zero resets
    /// it at once. Null, the default, for as long as the other end answers.</summary>
    public TimeSpan? Linger
    {
        get => Options.Linger;
        set => Change(static (options, time) => options with { Linger = time }, value);
    }

    /// <summary>How many bytes the send buffer may grow to. Default 4 MiB. How large it is now is in <see cref="Info"/>.</summary>
    public int SendBufferBytes
    {
        get => Options.MaxSendBufferBytes;
        set => Change(static (options, bytes) => options with { MaxSendBufferBytes = bytes }, value);
    }

    /// <summary>How many bytes the receive buffer, and with it the window, may grow to. Default 4 MiB.</summary>
    public int ReceiveBufferBytes
    {
        get => Options.MaxReceiveBufferBytes;
        set => Change(static (options, bytes) => options with { MaxReceiveBufferBytes = bytes }, value);
    }

    /// <summary>The congestion control algorithm; another goes on with the window of the one before. Default CUBIC.</summary>
    public CongestionAlgorithm Congestion
    {
        get => Options.Congestion;
        set => Change(static (options, algorithm) => options with { Congestion = algorithm }, value);
    }

    /// <summary>The largest segment payload in bytes, 0, the default, for what path and other end allow. What is in use is in
    /// <see cref="Info"/>.</summary>
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

    /// <summary>The connection's settings; see <see cref="TcpConnection.Configure"/> for what may be changed.</summary>
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

    /// <summary>How the connection is doing.</summary>
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

    /// <summary>Bytes that can be read without waiting.</summary>
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
    /// How long a read may wait for the first byte, in milliseconds; <see cref="Timeout.Infinite"/>, the default, for ever. Of synchronous
    /// reads only, as with every stream.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither positive nor infinite.</exception>
    public override int ReadTimeout
    {
        get => _readTimeoutMs;
        set => _readTimeoutMs = CheckTimeout(value);
    }

    /// <summary>
    /// How long a write may wait for room, in milliseconds; <see cref="Timeout.Infinite"/>, the default, for ever. Of synchronous writes
    /// only, as with every stream.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither positive nor infinite.</exception>
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

    /// <summary>Reads what has arrived, waiting for the first byte.</summary>
    /// <param name="buffer">Where it goes. A read into an empty buffer waits until there is something to read.</param>
    /// <param name="cancellationToken">Stops waiting; the connection stays as it is.</param>
    /// <returns>How many bytes; 0 once the other end has finished sending.</returns>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc cref="ReadAsync(Memory{byte}, CancellationToken)"/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Sends bytes.</summary>
    /// <param name="buffer">The bytes; they must not change until the write is done.</param>
    /// <param name="cancellationToken">Stops waiting for room; what was taken until then is sent.</param>
    /// <exception cref="LanyardSocketException">The connection failed, or sending has ended.</exception>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="ReadTimeout"/> is over.</exception>
    public override int Read(byte[] buffer, int offset, int count) =>
        WithTimeout(_readTimeoutMs, token => ReadAsync(buffer.AsMemory(offset, count), token).AsTask());

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="ReadTimeout"/> is over.</exception>
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
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="WriteTimeout"/> is over.</exception>
    public override void Write(byte[] buffer, int offset, int count) =>
        WithTimeout(_writeTimeoutMs, async token =>
        {
            await WriteAsync(buffer.AsMemory(offset, count), token).ConfigureAwait(false);
            return true;
        });

    /// <inheritdoc/>
    /// <exception cref="LanyardSocketException">The connection failed, or <see cref="WriteTimeout"/> is over.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var copy = ArrayPool<byte>.Shared.Rent(buffer.Length);
        buffer.CopyTo(copy);
        Write(copy, 0, buffer.Length);
        // Only once nothing waits with it any more; after a failure it is left to the collector.
        ArrayPool<byte>.Shared.Return(copy);
    }

    /// <summary>Does nothing: what was written is on its way.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: what was written is on its way.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not supported.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Finishes sending: the other end reads to the end of what was written. Receiving goes on.</summary>
    /// <exception cref="InvalidOperationException">A write is under way.</exception>
    public void ShutdownSend()
    {
        using (Hold())
            _channel.ShutdownSend();
    }

    /// <summary>Ends the connection at once with a reset; what was not sent is lost. Reads and writes under way throw.</summary>
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
