namespace Lanyard.NetStack;

/// <summary>The connections, listeners and sockets that have events to raise or segments to send when the batch ends.</summary>
internal sealed class SettleQueue
{
    private readonly Queue<TcpConnection> _connections = new();
    private readonly Queue<TcpListenSocket> _listeners = new();
    private readonly Queue<UdpSocket> _udpSockets = new();
    private readonly Queue<FrameSocket> _frameSockets = new();

    /// <summary>The number of entries.</summary>
    public int Count => _connections.Count + _listeners.Count + _udpSockets.Count + _frameSockets.Count;

    /// <summary>Adds a connection unless it is queued.</summary>
    /// <param name="connection">The connection.</param>
    public void Add(TcpConnection connection)
    {
        if (connection.IsMarked)
            return;
        connection.IsMarked = true;
        _connections.Enqueue(connection);
    }

    /// <summary>Adds a listener with connections to accept, unless it is queued.</summary>
    /// <param name="listener">The listener.</param>
    public void Add(TcpListenSocket listener)
    {
        if (listener.IsMarked)
            return;
        listener.IsMarked = true;
        _listeners.Enqueue(listener);
    }

    /// <summary>Adds a socket with datagrams to read, unless it is queued.</summary>
    /// <param name="socket">The socket.</param>
    public void Add(UdpSocket socket)
    {
        if (socket.IsMarkedReadable)
            return;
        socket.IsMarkedReadable = true;
        _udpSockets.Enqueue(socket);
    }

    /// <summary>Adds a socket with frames to read, unless it is queued.</summary>
    /// <param name="socket">The socket.</param>
    public void Add(FrameSocket socket)
    {
        if (socket.IsMarkedReadable)
            return;
        socket.IsMarkedReadable = true;
        _frameSockets.Enqueue(socket);
    }

    /// <summary>Settles every entry of this moment. Event handlers may add entries, which stay queued.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void SettleAll(long now)
    {
        for (var i = _connections.Count; i > 0; i--)
        {
            var connection = _connections.Dequeue();
            connection.IsMarked = false;
            connection.Settle(now);
        }

        for (var i = _listeners.Count; i > 0; i--)
            _listeners.Dequeue().RaiseAcceptable();
        for (var i = _udpSockets.Count; i > 0; i--)
            _udpSockets.Dequeue().RaiseReadable();
        for (var i = _frameSockets.Count; i > 0; i--)
            _frameSockets.Dequeue().RaiseReadable();
    }
}
