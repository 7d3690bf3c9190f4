using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// The implementation of <see cref="LanyardStream"/>: one TCP connection with at most one pending read and one pending write. Callers hold the lock, except
/// where a comment says otherwise.
/// </summary>
internal sealed class TcpChannel : ITcpEvents, IPortUser
{
    private readonly ReadOperation _read;
    private readonly WriteOperation _write;
    private TcpConnection? _connection;
    private ConnectOperation? _connect;
    private bool _isDisposed;
    private bool _isAborted;

    public TcpChannel(NetworkPort port)
    {
        Port = port;
        _read = new ReadOperation(this);
        _write = new WriteOperation(this);
    }

    public NetworkPort Port { get; }

    public NodeRuntime Runtime => Port.Runtime;

    public TcpConnection Connection => _connection!;

    /// <summary>The peer's node; none if the connection is not established, or the peer is behind a bridge.</summary>
    public NodeAddress RemoteNode { get; private set; }

    public bool IsFinishing => _isDisposed
        && Connection.State is TcpState.Established or TcpState.CloseWait or TcpState.FinWait1 or TcpState.Closing or TcpState.LastAck
        && Connection.Error == NetError.None;

    /// <summary>Takes an accepted connection.</summary>
    public void Attach(TcpConnection connection)
    {
        _connection = connection;
        RemoteNode = Port.FindNode(connection.RemoteMac);
        Port.AddUser(this);
    }

    /// <summary>Begins to connect. The operation ends when the connection is established or has failed.</summary>
    /// <exception cref="LanyardSocketException">The connection failed at once.</exception>
    public ConnectOperation Connect(InetEndpoint local, InetEndpoint remote, TcpOptions? options)
    {
        // The operation begins first, because a connection to this node is established, or fails, inside of the call.
        _connect = new ConnectOperation(this);
        _connect.Begin();
        Port.AddUser(this);
        var error = Port.Host.ConnectTcp(Runtime.NowMicroseconds, remote, this, out var connection, local, options);
        if (error != NetError.None)
        {
            Port.RemoveUser(this);
            throw SocketErrors.Connect(error, remote, Port);
        }

        _connection = connection;
        return _connect;
    }

    /// <summary>Reads received bytes, or waits for them. Takes the lock.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask<int>(Task.FromCanceled<int>(cancellationToken));
        Runtime.Enter();
        try
        {
            _read.ThrowIfBusy();
            if (TryRead(buffer.Span, out var count, out var error))
                return error is null ? new ValueTask<int>(count) : new ValueTask<int>(Task.FromException<int>(error));
            _read.Begin(buffer);
        }
        finally
        {
            Runtime.Exit();
        }

        return _read.Issue(cancellationToken);
    }

    /// <summary>Writes bytes, and waits for room in the send buffer. Takes the lock.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask(Task.FromCanceled(cancellationToken));
        Runtime.Enter();
        try
        {
            _write.ThrowIfBusy();
            if (TryWrite(ref buffer, out var error))
                return error is null ? default : new ValueTask(Task.FromException(error));
            _write.Begin(buffer);
        }
        finally
        {
            Runtime.Exit();
        }

        return _write.IssueVoid(cancellationToken);
    }

    /// <summary>Reads received bytes without waiting.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <param name="count">The number of bytes read; 0 at the end of the stream.</param>
    /// <param name="error">The reason if the read fails; otherwise null.</param>
    /// <returns>False if there are no bytes yet.</returns>
    public bool TryRead(Span<byte> buffer, out int count, out Exception? error)
    {
        error = null;
        count = 0;
        if (_isDisposed)
        {
            error = Disposed();
            return true;
        }

        var connection = Connection;
        if (buffer.IsEmpty ? connection.ReadableBytes > 0 : (count = connection.Read(Runtime.NowMicroseconds, buffer)) > 0)
            return true;
        if (connection.ReceiveEnded)
            return true;
        if (connection.State != TcpState.Closed)
            return false;
        error = Ended();
        return true;
    }

    /// <summary>Writes as many bytes as the send buffer has room for.</summary>
    /// <param name="buffer">The bytes; afterwards the bytes that are left.</param>
    /// <param name="error">The reason if the write fails; otherwise null.</param>
    /// <returns>False if bytes are left.</returns>
    public bool TryWrite(ref ReadOnlyMemory<byte> buffer, out Exception? error)
    {
        error = null;
        if (_isDisposed)
        {
            error = Disposed();
            return true;
        }

        if (!Connection.CanWrite)
        {
            error = Ended();
            return true;
        }

        if (!buffer.IsEmpty)
            buffer = buffer[Connection.Write(Runtime.NowMicroseconds, buffer.Span)..];
        return buffer.IsEmpty;
    }

    public void ShutdownSend()
    {
        if (_isDisposed)
            return;
        if (_write.IsPending)
            throw new InvalidOperationException("A write to this stream is pending. Await it before ShutdownSend.");
        Connection.ShutdownSend(Runtime.NowMicroseconds);
    }

    public void Abort()
    {
        if (_isDisposed)
            return;
        _isAborted = true;
        Connection.Abort(Runtime.NowMicroseconds);
        FailPending();
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _read.Fail(Disposed());
        _write.Fail(Disposed());
        Connection.Close(Runtime.NowMicroseconds);
        if (Connection.State is TcpState.Closed or TcpState.TimeWait)
            Port.RemoveUser(this);
    }

    public void GiveUpConnecting()
    {
        _isDisposed = true;
        Connection.Abort(Runtime.NowMicroseconds);
        Port.RemoveUser(this);
    }

    void ITcpEvents.OnConnected(TcpConnection connection)
    {
        _connection = connection;
        RemoteNode = Port.FindNode(connection.RemoteMac);
        _connect?.Finish(new LanyardStream(this));
    }

    void ITcpEvents.OnReadable(TcpConnection connection)
    {
        if (_read.IsPending)
            _read.Advance();
    }

    void ITcpEvents.OnWritable(TcpConnection connection)
    {
        if (_write.IsPending)
            _write.Advance();
    }

    void ITcpEvents.OnClosed(TcpConnection connection, NetError reason)
    {
        _connection = connection;
        if (_connect is { IsPending: true })
        {
            _connect.Fail(SocketErrors.Connect(reason, connection.RemoteEndpoint, Port));
            _isDisposed = true;
            connection.Close(Runtime.NowMicroseconds);
        }

        FailPending();
        if (_isDisposed)
            Port.RemoveUser(this);
    }

    void IPortUser.OnPortLeft()
    {
        _connect?.Fail(SocketErrors.Connect(NetError.AddressRemoved, Connection.RemoteEndpoint, Port));
        FailPending();
    }

    private void FailPending()
    {
        if (_read.IsPending)
            _read.Advance();
        if (_write.IsPending)
            _write.Advance();
    }

    private static ObjectDisposedException Disposed() => new(nameof(LanyardStream), "The stream is disposed.");

    private LanyardSocketException Ended()
    {
        var error = Connection.Error;
        if (error == NetError.None)
            error = _isAborted ? NetError.ConnectionAborted : NetError.Closed;
        return SocketErrors.Stream(error, Connection.RemoteEndpoint, Port);
    }

    private sealed class ReadOperation(TcpChannel channel) : Operation<int>(channel.Runtime)
    {
        private Memory<byte> _buffer;

        protected override string BusyMessage => "A read of this stream is pending. Await it before the next read.";

        public void Begin(Memory<byte> buffer)
        {
            Begin();
            _buffer = buffer;
            channel.Connection.ReceiveInto(buffer);
        }

        public void Advance()
        {
            if (!channel.TryRead(_buffer.Span, out var count, out var error))
                return;
            if (error is null)
                Finish(count);
            else
                Fail(error);
        }

        protected override void Release()
        {
            _buffer = default;
            channel.Connection.ReceiveInto(default);
        }
    }

    private sealed class WriteOperation(TcpChannel channel) : Operation<bool>(channel.Runtime)
    {
        private ReadOnlyMemory<byte> _buffer;

        protected override string BusyMessage => "A write to this stream is pending. Await it before the next write.";

        public void Begin(ReadOnlyMemory<byte> buffer)
        {
            Begin();
            _buffer = buffer;
        }

        public void Advance()
        {
            if (!channel.TryWrite(ref _buffer, out var error))
                return;
            if (error is null)
                Finish(true);
            else
                Fail(error);
        }

        protected override void Release() => _buffer = default;
    }
}

/// <summary>A pending connect.</summary>
internal sealed class ConnectOperation(TcpChannel channel) : Operation<LanyardStream>(channel.Runtime)
{
    protected override string BusyMessage => "A connect operation opens only one connection.";

    protected override void OnCanceled() => channel.GiveUpConnecting();
}
