namespace Lanyard.NetStack;

/// <summary>What a <see cref="TcpConnection"/> tells its owner.</summary>
/// <remarks>
/// Called on the thread that is inside a call into the host, near that call's end, after the segments of a batch have been processed and
/// before the answers are sent; so an answer written here travels with the acknowledgement. Calls into the host and its sockets are
/// allowed from here; what they send leaves when the outermost call ends. Must not throw.
/// </remarks>
public interface ITcpEvents
{
    /// <summary>The connection is established. Not called for connections that a <see cref="TcpListenSocket"/> hands out.</summary>
    /// <param name="connection">The connection.</param>
    void OnConnected(TcpConnection connection);

    /// <summary>There is more to read than before, or the other end has finished sending (<see cref="TcpConnection.ReceiveEnded"/>).</summary>
    /// <param name="connection">The connection.</param>
    void OnReadable(TcpConnection connection);

    /// <summary>There is room to write again after <see cref="TcpConnection.Write"/> took less than it was given.</summary>
    /// <param name="connection">The connection.</param>
    void OnWritable(TcpConnection connection);

    /// <summary>
    /// The connection has ended: in order both ways (<see cref="NetError.None"/>), or by <paramref name="reason"/>. The last call;
    /// what was received can still be read.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="reason">Why it ended.</param>
    void OnClosed(TcpConnection connection, NetError reason);
}

/// <summary>What a <see cref="TcpListenSocket"/> tells its owner. The rules of <see cref="ITcpEvents"/> hold.</summary>
public interface ITcpListenEvents
{
    /// <summary>A connection is ready: call <see cref="TcpListenSocket.TryAccept"/> until it says no.</summary>
    /// <param name="listener">The listener.</param>
    void OnAcceptable(TcpListenSocket listener);

    /// <summary>Called when the host has closed the listener. No call follows.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="reason">The reason: the listener's address was removed.</param>
    void OnClosed(TcpListenSocket listener, NetError reason);
}
