using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>One TCP connection (RFC 9293). Made by <see cref="NetworkHost.ConnectTcp"/> and <see cref="TcpListenSocket.TryAccept"/>.</summary>
/// <remarks>Belongs to its host's owner: see <see cref="NetworkHost"/> for who may call.</remarks>
public sealed partial class TcpConnection
{
    /// <summary>Hears what happens to the connection. Set it right after accepting; events that came before are not repeated, so look at the state.</summary>
    public ITcpEvents? Events { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>This end.</summary>
    public InetEndpoint LocalEndpoint => throw new NotImplementedException();

    /// <summary>The other end.</summary>
    public InetEndpoint RemoteEndpoint => throw new NotImplementedException();

    /// <summary>The state.</summary>
    public TcpState State => throw new NotImplementedException();

    /// <summary>Why the connection ended; <see cref="NetError.None"/> while it has not, or if it ended in order.</summary>
    public NetError Error => throw new NotImplementedException();

    /// <summary>The settings.</summary>
    public TcpOptions Options => throw new NotImplementedException();

    /// <summary>Bytes received in order and not yet read.</summary>
    public int ReadableBytes => throw new NotImplementedException();

    /// <summary>Whether the other end has finished sending and everything it sent has been read.</summary>
    public bool ReceiveEnded => throw new NotImplementedException();

    /// <summary>Bytes that <see cref="Write"/> would take now; 0 once sending has ended.</summary>
    public int WritableBytes => throw new NotImplementedException();

    /// <summary>Whether <see cref="Write"/> may ever take bytes again.</summary>
    public bool CanWrite => throw new NotImplementedException();

    /// <summary>Bytes written and not yet acknowledged by the other end.</summary>
    public int UnacknowledgedBytes => throw new NotImplementedException();

    /// <summary>Takes bytes to send, as many as there is room for. If fewer than given, <see cref="ITcpEvents.OnWritable"/> follows when there is room.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="data">The bytes.</param>
    /// <returns>How many were taken; 0 also if sending has ended or the connection is gone.</returns>
    public int Write(long now, ReadOnlySpan<byte> data) => throw new NotImplementedException();

    /// <summary>Gives room in the send buffer to write into directly; <see cref="CommitWrite"/> sends it.</summary>
    /// <returns>Contiguous room, empty if there is none now. Valid until the next call into the host or the connection.</returns>
    public Span<byte> GetWriteSpan() => throw new NotImplementedException();

    /// <summary>Sends the first bytes of the span that <see cref="GetWriteSpan"/> gave.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="count">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative or more than was given.</exception>
    public void CommitWrite(long now, int count) => throw new NotImplementedException();

    /// <summary>Takes received bytes.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="destination">Where they go.</param>
    /// <returns>How many there were; 0 if none now: look at <see cref="ReceiveEnded"/> and <see cref="Error"/>.</returns>
    public int Read(long now, Span<byte> destination) => throw new NotImplementedException();

    /// <summary>Shows received bytes in place; <see cref="Consume"/> takes them.</summary>
    /// <returns>The next contiguous bytes, at least one if <see cref="ReadableBytes"/> is not 0. Valid until the next call into the host or the connection.</returns>
    public ReadOnlySpan<byte> PeekReadable() => throw new NotImplementedException();

    /// <summary>Takes received bytes without copying them.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="count">How many, at most <see cref="ReadableBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative or more than there are.</exception>
    public void Consume(long now, int count) => throw new NotImplementedException();

    /// <summary>Finishes sending: what was written is sent, then FIN. Receiving goes on. Does nothing the second time.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void ShutdownSend(long now) => throw new NotImplementedException();

    /// <summary>
    /// The app has done with the connection: what was written is still sent, then FIN, in the background. If received bytes were not read,
    /// or more arrive, the connection is reset instead, so that the other end knows (RFC 2525 section 2.17).
    /// </summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="linger">How long, in microseconds, the background may go on before it resets; -1 for the connection's own timeouts, 0 to reset at once.</param>
    public void Close(long now, long linger = -1) => throw new NotImplementedException();

    /// <summary>Ends the connection at once with a reset; what was written and not sent is lost.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Abort(long now) => throw new NotImplementedException();

    /// <summary>Changes the settings: NoDelay, keepalive, timeouts, hop limit and the buffers' upper bounds take effect at once; what was agreed with the other end stays.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="options">The new settings.</param>
    public void Configure(long now, TcpOptions options) => throw new NotImplementedException();

    /// <summary>How the connection is doing.</summary>
    public TcpInfo GetInfo() => throw new NotImplementedException();
}
