using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>One TCP connection (RFC 9293). Made by <see cref="NetworkHost.ConnectTcp"/> and <see cref="TcpListenSocket.TryAccept"/>.</summary>
/// <remarks>
/// Belongs to its host's owner: see <see cref="NetworkHost"/> for who may call. Whoever has one calls <see cref="Close"/> or
/// <see cref="Abort"/> in the end, also after <see cref="ITcpEvents.OnClosed"/>: until then received bytes are kept.
/// </remarks>
public sealed partial class TcpConnection
{
    // How soon to look again for memory when a write found none.
    private const long WriteRetry = 50 * Microseconds.PerMillisecond;

    private long _lingerAt = long.MaxValue;
    private long _writeRetryAt = long.MaxValue;
    private bool _wantsWritable;

    internal TcpConnection(NetworkHost host, InetEndpoint local, InetEndpoint remote, TcpOptions options, TcpListenSocket? listener)
    {
        Host = host;
        LocalEndpoint = local;
        RemoteEndpoint = remote;
        Options = options;
        Listener = listener;
        Sender = new TcpSender(this, host.Pool, options);
        Receiver = new TcpReceiver(host.Pool, options);
        _timer = new ConnectionTimer(this);
        _pseudoHeader = InternetChecksum.PseudoHeader(local.Address, remote.Address, IpProtocol.Tcp, 0);
        _timestampOffset = TimestampOffset(host, local.Address, remote.Address);
    }

    /// <summary>Hears what happens to the connection. Set it right after accepting; events that came before are not repeated, so look at
    /// the state.</summary>
    public ITcpEvents? Events { get; set; }

    /// <summary>The local endpoint.</summary>
    public InetEndpoint LocalEndpoint { get; }

    /// <summary>The remote endpoint.</summary>
    public InetEndpoint RemoteEndpoint { get; }

    /// <summary>
    /// The Ethernet address that the other end's SYN came from, the default until it has come. Segments from other Ethernet addresses are dropped. On a network where
    /// the source of a frame is authenticated, it says whose the connection is; the IP address does not.
    /// </summary>
    public MacAddress RemoteMac { get; internal set; }

    /// <summary>The state.</summary>
    public TcpState State { get; private set; }

    /// <summary>Why the connection ended; <see cref="NetError.None"/> while it has not, or if it ended in order.</summary>
    public NetError Error { get; private set; }

    /// <summary>The settings.</summary>
    public TcpOptions Options { get; private set; }

    /// <summary>Bytes received in order and not yet read.</summary>
    public int ReadableBytes => Receiver.Buffer.Readable + Receiver.Buffer.Delivered;

    /// <summary>Whether the other end has finished sending and everything it sent has been read.</summary>
    public bool ReceiveEnded => Receiver.FinReceived && ReadableBytes == 0;

    /// <summary>Bytes that <see cref="Write"/> would take now; 0 once sending has ended.</summary>
    public int WritableBytes => CanWrite ? Sender.Buffer.Free : 0;

    /// <summary>Whether <see cref="Write"/> may ever take bytes again.</summary>
    public bool CanWrite => !Sender.FinQueued
        && State is TcpState.Established or TcpState.CloseWait or TcpState.SynSent or TcpState.SynReceived;

    /// <summary>Bytes written and not yet acknowledged by the other end.</summary>
    public int UnacknowledgedBytes => (int)(Sender.Buffer.End - Sender.Buffer.Start);

    internal NetworkHost Host { get; }

    internal TcpSender Sender { get; }

    internal TcpReceiver Receiver { get; }

    /// <summary>The listener that made it, until it is accepted.</summary>
    internal TcpListenSocket? Listener { get; set; }

    /// <summary>Whether the app has closed it.</summary>
    internal bool IsAppClosed { get; private set; }

    /// <summary>Takes bytes to send, as many as there is room for. If fewer than given, <see cref="ITcpEvents.OnWritable"/> follows when
    /// there is room.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="data">The bytes.</param>
    /// <returns>How many were taken; 0 also if sending has ended or the connection is gone.</returns>
    public int Write(long now, ReadOnlySpan<byte> data)
    {
        if (!CanWrite)
            return 0;
        Host.BeginBatch(now);
        var taken = Sender.Buffer.Append(data);
        if (taken < data.Length)
            WantWritable(now);
        if (taken > 0)
            Mark();
        Host.EndBatch(now);
        return taken;
    }

    /// <summary>Gives room in the send buffer to write into directly; <see cref="CommitWrite"/> sends it.</summary>
    /// <returns>Contiguous room, empty if there is none now (then call <see cref="Write"/> to hear when there is). Valid until the next
    /// call into the host or the connection.</returns>
    public Span<byte> GetWriteSpan() => CanWrite ? Sender.Buffer.GetWriteSpan() : default;

    /// <summary>Sends the first bytes of the span that <see cref="GetWriteSpan"/> gave.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="count">How many bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative or more than was given.</exception>
    public void CommitWrite(long now, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, GetWriteSpan().Length);
        if (count == 0)
            return;
        Host.BeginBatch(now);
        Sender.Buffer.Advance(count);
        Mark();
        Host.EndBatch(now);
    }

    /// <summary>
    /// Tells where the owner, who has read all there was, waits for bytes. What arrives in order is put there at once, and
    /// <see cref="ITcpEvents.OnReadable"/> tells as always; the next <see cref="Read"/>, which must be into the same memory, counts it.
    /// </summary>
    /// <param name="destination">Where they go; empty to wait no longer, which is not for inside of a call into the host.</param>
    public void ReceiveInto(Memory<byte> destination) => Receiver.Buffer.DeliverTo(destination);

    /// <summary>Takes received bytes.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="destination">Where they go.</param>
    /// <returns>How many there were; 0 if none now: look at <see cref="ReceiveEnded"/> and <see cref="Error"/>.</returns>
    public int Read(long now, Span<byte> destination)
    {
        var count = Receiver.Buffer.Read(destination);
        if (count > 0)
            OnRead(now, count);
        return count;
    }

    /// <summary>Shows received bytes in place; <see cref="Consume"/> takes them.</summary>
    /// <returns>The next contiguous bytes, at least one if <see cref="ReadableBytes"/> is not 0. Valid until the next call into the host
    /// or the connection.</returns>
    public ReadOnlySpan<byte> PeekReadable() => Receiver.Buffer.Peek();

    /// <summary>Takes received bytes without copying them.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="count">How many, at most <see cref="ReadableBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative or more than there are.</exception>
    public void Consume(long now, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ReadableBytes);
        if (count == 0)
            return;
        Receiver.Buffer.Consume(count);
        OnRead(now, count);
    }

    /// <summary>Finishes sending: what was written is sent, then FIN. Receiving goes on. Does nothing the second time.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void ShutdownSend(long now)
    {
        if (!CanWrite)
            return;
        Host.BeginBatch(now);
        Sender.FinishStream();
        // While connecting the state stays; it moves on once connected.
        if (State == TcpState.Established)
            State = TcpState.FinWait1;
        else if (State == TcpState.CloseWait)
            State = TcpState.LastAck;
        Mark();
        Host.EndBatch(now);
    }

    /// <summary>
    /// The app has done with the connection: what was written is still sent, then FIN, in the background. If received bytes were not read,
    /// or more arrive, the connection is reset instead, so that the other end knows (RFC 2525 section 2.17).
    /// </summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="linger">How long, in microseconds, the background may go on before it resets; -1 for what <see cref="TcpOptions.Linger"/> says, 0
    /// to reset at once.</param>
    public void Close(long now, long linger = -1)
    {
        var unread = ReadableBytes > 0;
        if (linger < 0 && Options.Linger is { } time)
            linger = Microseconds.From(time);
        IsAppClosed = true;
        if (State is TcpState.Closed or TcpState.TimeWait)
        {
            Receiver.Buffer.Dispose();
            Host.BeginBatch(now);
            Mark();
            Host.EndBatch(now);
            return;
        }

        if (unread || linger == 0 || State is TcpState.SynSent or TcpState.SynReceived)
        {
            Abort(now);
            return;
        }

        Host.BeginBatch(now);
        ShutdownSend(now);
        if (linger > 0)
            _lingerAt = now + linger;
        if (State == TcpState.FinWait2)
            _stateUntil = now + Microseconds.From(Options.FinWait);
        Mark();
        Host.EndBatch(now);
    }

    /// <summary>Ends the connection at once with a reset; what was written and not sent is lost.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Abort(long now)
    {
        IsAppClosed = true;
        Host.BeginBatch(now);
        if (State is not (TcpState.Closed or TcpState.SynSent or TcpState.TimeWait))
            TransmitReset();
        if (State is not (TcpState.Closed or TcpState.TimeWait))
            Fail(NetError.ConnectionAborted);
        Receiver.Buffer.Dispose();
        Host.EndBatch(now);
    }

    /// <summary>Changes the settings: NoDelay, quick acknowledgements, keepalive, timeouts, linger, hop limit, traffic class, congestion
    /// control, a smaller segment size and the buffers' upper bounds take effect at once; what was agreed with the other end stays.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="options">The new settings.</param>
    public void Configure(long now, TcpOptions options)
    {
        Host.BeginBatch(now);
        var before = Options;
        Options = options;
        Sender.NoDelay = options.NoDelay;
        Sender.MaxBuffer = options.MaxSendBufferBytes;
        Sender.MinRto = Microseconds.From(options.MinRto);
        Sender.MaxRto = Microseconds.From(options.MaxRto);
        Sender.MaxRetries = options.Retries;
        if (options.UserTimeout > TimeSpan.Zero || !options.NegotiateUserTimeout)
        {
            var changed = Sender.UserTimeout != Microseconds.From(options.UserTimeout);
            Sender.UserTimeout = Microseconds.From(options.UserTimeout);
            if (changed)
                TellUserTimeout();
        }

        Receiver.MaxBuffer = options.MaxReceiveBufferBytes;
        Receiver.AckDelay = Microseconds.From(options.DelayedAck);
        Receiver.QuickAck = options.QuickAck;
        if (State is not (TcpState.SynSent or TcpState.SynReceived or TcpState.Closed or TcpState.TimeWait))
        {
            if (options.MaxSegmentBytes != before.MaxSegmentBytes)
                Sender.UseSegmentSize(ChooseSendMss());
            if (options.Congestion != before.Congestion)
                Sender.UseCongestion(options.Congestion);
        }

        _keepAlivesSent = 0;
        RestartKeepAlive(now);
        Mark();
        Host.EndBatch(now);
    }

    private void OnRead(long now, int count)
    {
        Host.BeginBatch(now);
        if (State is not (TcpState.Closed or TcpState.TimeWait))
        {
            Receiver.OnRead(now, count, Sender.Rtt.Smoothed);
            if (Receiver.IsAckDue)
                Mark();
        }
        else if (State == TcpState.Closed && ReadableBytes == 0)
        {
            Receiver.Buffer.Dispose();
        }

        Host.EndBatch(now);
    }

    private void WantWritable(long now)
    {
        _wantsWritable = true;
        // Room comes with acknowledgements; if none can come, it was the host's memory that was short.
        if (UnacknowledgedBytes == 0)
        {
            _writeRetryAt = now + WriteRetry;
            Mark();
        }
    }
}
