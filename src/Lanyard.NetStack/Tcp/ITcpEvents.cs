namespace Lanyard.NetStack;

/// <summary>The events of a <see cref="TcpConnection"/>.</summary>
/// <remarks>
/// The host raises events near the end of a call into it, on the same thread: after the segments of a batch and before the answers. So data written
/// by a handler travels with the acknowledgment. Handlers may call the host and its sockets; their segments leave when the outermost call ends.
/// Handlers must not throw.
/// </remarks>
public interface ITcpEvents
{
    /// <summary>Raised when the connection is established, except for connections of a <see cref="TcpListenSocket"/>.</summary>
    /// <param name="connection">The connection.</param>
    void OnConnected(TcpConnection connection);

    /// <summary>Raised when there is more to read, or the peer has finished sending (<see cref="TcpConnection.ReceiveEnded"/>).</summary>
    /// <param name="connection">The connection.</param>
    void OnReadable(TcpConnection connection);

    /// <summary>Raised when there is room again after <see cref="TcpConnection.Write"/> did not accept all bytes.</summary>
    /// <param name="connection">The connection.</param>
    void OnWritable(TcpConnection connection);

    /// <summary>
    /// Raised when the connection has ended, as the last event. Received bytes can still be read.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="reason">The reason; <see cref="NetError.None"/> if both ends closed in order.</param>
    void OnClosed(TcpConnection connection, NetError reason);
}

/// <summary>The events of a <see cref="TcpListenSocket"/>. The rules of <see cref="ITcpEvents"/> apply.</summary>
public interface ITcpListenEvents
{
    /// <summary>Raised when a connection is ready. Call <see cref="TcpListenSocket.TryAccept"/> until it returns false.</summary>
    /// <param name="listener">The listener.</param>
    void OnAcceptable(TcpListenSocket listener);

    /// <summary>Raised when the host has closed the listener, as the last event.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="reason">The reason: the listener's address was removed.</param>
    void OnClosed(TcpListenSocket listener, NetError reason);
}
