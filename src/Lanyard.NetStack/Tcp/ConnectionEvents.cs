namespace Lanyard.NetStack;

/// <summary>The events of a connection that its owner has yet to hear.</summary>
[Flags]
internal enum TcpEventKinds : byte
{
    /// <summary>No event.</summary>
    None = 0,

    /// <summary><see cref="ITcpEvents.OnConnected"/>.</summary>
    Connected = 1,

    /// <summary><see cref="ITcpEvents.OnReadable"/>.</summary>
    Readable = 2,

    /// <summary><see cref="ITcpEvents.OnWritable"/>.</summary>
    Writable = 4,

    /// <summary><see cref="ITcpEvents.OnClosed"/>.</summary>
    Closed = 8,
}

/// <summary>Collects the events of a connection during a batch, and raises them at its end.</summary>
internal struct ConnectionEvents()
{
    // How soon a write that found no memory is worth another try.
    private const long WriteRetry = 50 * Microseconds.PerMillisecond;

    private TcpEventKinds _pending;
    private bool _wantsWritable;

    /// <summary>The handler of the events.</summary>
    public ITcpEvents? Handler { get; set; }

    /// <summary>When the owner may try a write again that found no memory, in microseconds; <see cref="long.MaxValue"/> if there is none.</summary>
    public long WriteRetryDeadline { get; private set; } = long.MaxValue;

    /// <summary>Adds events.</summary>
    /// <param name="kinds">The events.</param>
    public void Add(TcpEventKinds kinds) => _pending |= kinds;

    /// <summary>Requests <see cref="ITcpEvents.OnWritable"/> for the moment when there is room in the send buffer.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="isMemoryShort">Whether the host's memory is short, so that acknowledgments make no room. Then the event comes after 50 ms.</param>
    /// <returns><paramref name="isMemoryShort"/>, which is whether a timer was set.</returns>
    public bool WantWritable(long now, bool isMemoryShort)
    {
        _wantsWritable = true;
        if (isMemoryShort)
            WriteRetryDeadline = now + WriteRetry;
        return isMemoryShort;
    }

    /// <summary>Handles <see cref="WriteRetryDeadline"/>.</summary>
    public void OnWriteRetry()
    {
        WriteRetryDeadline = long.MaxValue;
        AddWritable();
    }

    /// <summary>Handles an acknowledgment: adds <see cref="TcpEventKinds.Writable"/> if half of the send buffer is free and the owner waits.</summary>
    /// <param name="buffer">The send buffer.</param>
    public void OnAcknowledged(SendBuffer buffer)
    {
        if (_wantsWritable && buffer.Free >= Math.Max(buffer.Capacity / 2, 1))
            AddWritable();
    }

    /// <summary>Adds <see cref="TcpEventKinds.Writable"/> if the owner waits for it.</summary>
    public void AddWritable()
    {
        if (_wantsWritable)
            _pending |= TcpEventKinds.Writable;
        _wantsWritable = false;
    }

    /// <summary>Raises the events.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isClosedByApplication">Whether the application has closed the connection, so that it hears only of the end.</param>
    /// <param name="isOver">Whether the connection is in CLOSED or TIME-WAIT.</param>
    public void Raise(TcpConnection connection, bool isClosedByApplication, bool isOver)
    {
        var pending = _pending;
        _pending = TcpEventKinds.None;
        var handler = Handler;
        // Connections in TIME-WAIT are many and raise no more events: do not keep their handlers alive.
        if (isClosedByApplication && isOver)
            Handler = null;
        if (pending == TcpEventKinds.None || handler is null)
            return;
        if ((pending & TcpEventKinds.Connected) != 0)
            handler.OnConnected(connection);
        if ((pending & TcpEventKinds.Readable) != 0 && !connection.IsClosedByApplication)
            handler.OnReadable(connection);
        if ((pending & TcpEventKinds.Writable) != 0 && !connection.IsClosedByApplication)
            handler.OnWritable(connection);
        if ((pending & TcpEventKinds.Closed) != 0)
            handler.OnClosed(connection, connection.Error);
    }
}
