using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>One TCP connection (RFC 9293). Created by <see cref="NetworkHost.ConnectTcp"/> and <see cref="TcpListenSocket.TryAccept"/>.</summary>
/// <remarks>
/// Calls must not overlap with calls of its <see cref="NetworkHost"/>. The owner must call <see cref="Close"/> or <see cref="Abort"/> in the end, also
/// after <see cref="ITcpEvents.OnClosed"/>, because the connection keeps received bytes until then.
/// </remarks>
public sealed class TcpConnection : IConnectionOwner
{
    private readonly TcpContext _context;
    private readonly SendSequence _sequence = new();
    private readonly ConnectionState _state;
    private readonly SegmentFlight _flight;
    private readonly ConnectionTimer _timer;

    internal TcpConnection(NetworkHost host, InetEndpoint local, InetEndpoint remote, TcpOptions options, TcpListenSocket? listener)
    {
        Listener = listener;
        _context = new TcpContext(host, local, remote, options);
        _state = new ConnectionState(_context, _sequence, this);
        var buffer = new SendBuffer(host.Pool, options.InitialSendBufferBytes, options.MaxSendBufferBytes);
        Receiver = new TcpReceiver(host.Pool, options);
        _flight = new SegmentFlight(_context, _sequence, buffer, Receiver);
        _timer = new ConnectionTimer(this);
    }

    /// <summary>The handler of the connection's events. Set it right after accepting, and then look at the state: earlier events are not
    /// repeated.</summary>
    public ITcpEvents? Events
    {
        get => _state.Events.Handler;
        set => _state.Events.Handler = value;
    }

    /// <summary>The local endpoint.</summary>
    public InetEndpoint LocalEndpoint => _context.Local;

    /// <summary>The remote endpoint.</summary>
    public InetEndpoint RemoteEndpoint => _context.Remote;

    /// <summary>
    /// The Ethernet address that the peer's SYN came from; the default until it has come. Segments from other Ethernet addresses are dropped. On a
    /// network that authenticates the source of frames, this address identifies the peer. The IP address does not.
    /// </summary>
    public MacAddress RemoteMac
    {
        get => _context.RemoteMac;
        internal set => _context.RemoteMac = value;
    }

    /// <summary>The state.</summary>
    public TcpState State => _state.State;

    /// <summary>The reason why the connection ended; <see cref="NetError.None"/> if it has not, or ended in order.</summary>
    public NetError Error => _state.Error;

    /// <summary>The settings.</summary>
    public TcpOptions Options => _context.Options;

    /// <summary>Bytes received in order and not yet read.</summary>
    public int ReadableBytes => Receiver.Buffer.Readable + Receiver.Buffer.Delivered;

    /// <summary>Whether the peer has finished sending and the application has read everything.</summary>
    public bool ReceiveEnded => Receiver.FinReceived && ReadableBytes == 0;

    /// <summary>Bytes that <see cref="Write"/> would accept now; 0 after the end of sending.</summary>
    public int WritableBytes => CanWrite ? Sender.Buffer.Free : 0;

    /// <summary>Whether <see cref="Write"/> may ever accept bytes again.</summary>
    public bool CanWrite => !_sequence.FinQueued
        && State is TcpState.Established or TcpState.CloseWait or TcpState.SynSent or TcpState.SynReceived;

    /// <summary>Bytes written that the peer has not acknowledged.</summary>
    public int UnacknowledgedBytes => (int)(Sender.Buffer.End - Sender.Buffer.Start);

    /// <summary>The sending half.</summary>
    internal TcpSender Sender => new(_context, _sequence, _flight);

    /// <summary>The receiving half.</summary>
    internal TcpReceiver Receiver { get; }

    /// <summary>The handler of what is learned about the path.</summary>
    internal PathReports Path => new(_context, _state, _sequence, Sender);

    /// <summary>The listener that accepted the handshake, until the application accepts the connection.</summary>
    internal TcpListenSocket? Listener { get; set; }

    /// <summary>The neighbors in the list of half-open connections, or in that of connections in TIME-WAIT.</summary>
    internal TcpConnection? ListPrevious { get; set; }

    /// <summary>See <see cref="ListPrevious"/>.</summary>
    internal TcpConnection? ListNext { get; set; }

    /// <summary>Whether it is in the host's queue of connections to settle.</summary>
    internal bool IsMarked { get; set; }

    /// <summary>Whether the application has closed it.</summary>
    internal bool IsClosedByApplication => _state.IsClosedByApplication;

    /// <summary>Whether both ends use timestamps.</summary>
    internal bool UsesTimestamps => _context.Timestamps.IsEnabled;

    /// <summary>When TIME-WAIT began, in microseconds.</summary>
    internal long TimeWaitSince => _state.TimeWaitSince;

    bool IConnectionOwner.IsFromListener => Listener is not null;

    bool IConnectionOwner.HasBacklogRoom => Listener is not { HasRoom: false };

    private NetworkHost Host => _context.Host;

    // Parts without state of their own live on the stack for one call, which keeps connections small.
    private Handshake Handshake => new(_context, _state, _sequence, Sender, Receiver, _flight.Output);

    private SegmentReceiver Input => new(_context, _state, _sequence, Sender, Receiver, _flight.Output);

    private ConnectionTimers Timers => new(_context, _state, Sender, Receiver, _flight.Output);

    /// <summary>Accepts as many bytes to send as there is room for. If it does not accept all, <see cref="ITcpEvents.OnWritable"/> follows when there is
    /// room.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="data">The bytes.</param>
    /// <returns>The number of bytes accepted; 0 also after the end of sending.</returns>
    public int Write(long now, ReadOnlySpan<byte> data)
    {
        if (!CanWrite)
            return 0;
        Host.BeginBatch(now);
        var taken = Sender.Buffer.Append(data);
        // Acknowledgments make room. If none are expected, the host's memory is short.
        if ((taken < data.Length && _state.Events.WantWritable(now, isMemoryShort: UnacknowledgedBytes == 0)) || taken > 0)
            Mark();
        Host.EndBatch(now);
        return taken;
    }

    /// <summary>Returns room in the send buffer to write into directly. <see cref="CommitWrite"/> sends it.</summary>
    /// <returns>Contiguous room, valid until the next call into the host or the connection. Empty if there is none now; then
    /// <see cref="Write"/> requests the event.</returns>
    public Span<byte> GetWriteSpan() => CanWrite ? Sender.Buffer.GetWriteSpan() : default;

    /// <summary>Sends the first bytes of the span that <see cref="GetWriteSpan"/> returned.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="count">The number of bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative or longer than the span.</exception>
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
    /// Copies arriving bytes directly into a buffer, once all received bytes are read. <see cref="ITcpEvents.OnReadable"/> follows as always. The next
    /// <see cref="Read"/> must be into the same memory, and returns the number of bytes in it.
    /// </summary>
    /// <param name="destination">The buffer; empty to stop, which is not allowed inside of a call into the host.</param>
    public void ReceiveInto(Memory<byte> destination) => Receiver.Buffer.DeliverTo(destination);

    /// <summary>Reads received bytes.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="destination">The buffer.</param>
    /// <returns>The number of bytes read; 0 if there are none now: see <see cref="ReceiveEnded"/> and <see cref="Error"/>.</returns>
    public int Read(long now, Span<byte> destination)
    {
        var count = Receiver.Buffer.Read(destination);
        if (count > 0)
            OnRead(now, count);
        return count;
    }

    /// <summary>Returns received bytes without copying them. <see cref="Consume"/> removes them.</summary>
    /// <returns>The next contiguous bytes, at least one if <see cref="ReadableBytes"/> is not 0. Valid until the next call into the host
    /// or the connection.</returns>
    public ReadOnlySpan<byte> PeekReadable() => Receiver.Buffer.Peek();

    /// <summary>Removes received bytes that <see cref="PeekReadable"/> returned.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="count">The number of bytes, at most <see cref="ReadableBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative or more than <see cref="ReadableBytes"/>.</exception>
    public void Consume(long now, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ReadableBytes);
        if (count == 0)
            return;
        Receiver.Buffer.Consume(count);
        OnRead(now, count);
    }

    /// <summary>Finishes sending: sends what was written, then FIN. Receiving continues. A second call has no effect.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void ShutdownSend(long now)
    {
        if (!CanWrite)
            return;
        Host.BeginBatch(now);
        _sequence.QueueFin();
        _state.OnSendShutdown();
        Mark();
        Host.EndBatch(now);
    }

    /// <summary>
    /// Closes the connection. What was written is still sent in the background, then FIN. If received bytes were not read, or more arrive, the connection
    /// is reset instead, so that the peer learns of the loss (RFC 2525 section 2.17).
    /// </summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="linger">The maximum time that sending continues in the background before the connection is reset, in microseconds; -1 for
    /// <see cref="TcpOptions.Linger"/>, 0 to reset at once.</param>
    public void Close(long now, long linger = -1)
    {
        var unread = ReadableBytes > 0;
        if (linger < 0 && Options.Linger is { } time)
            linger = Microseconds.From(time);
        _state.IsClosedByApplication = true;
        if (_state.IsOver)
        {
            Receiver.Buffer.Dispose();
            Host.BeginBatch(now);
            Mark();
            Host.EndBatch(now);
            return;
        }

        if (unread || linger == 0 || _state.IsOpening)
        {
            Abort(now);
            return;
        }

        Host.BeginBatch(now);
        ShutdownSend(now);
        if (linger > 0)
            _state.LingerDeadline = now + linger;
        _state.OnClosedByApplication(now);
        Mark();
        Host.EndBatch(now);
    }

    /// <summary>Resets the connection. Bytes written and not sent are lost.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Abort(long now)
    {
        _state.IsClosedByApplication = true;
        Host.BeginBatch(now);
        if (State is not (TcpState.Closed or TcpState.SynSent or TcpState.TimeWait))
            _flight.Output.SendReset();
        if (!_state.IsOver)
            Fail(NetError.ConnectionAborted);
        Receiver.Buffer.Dispose();
        Host.EndBatch(now);
    }

    /// <summary>Changes the settings. NoDelay, quick acknowledgments, keepalive, timeouts, linger, hop limit, traffic class, congestion control, a smaller
    /// segment size and the buffers' upper bounds take effect at once. Options agreed with the peer stay.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="options">The new settings.</param>
    public void Configure(long now, TcpOptions options)
    {
        Host.BeginBatch(now);
        var before = Options;
        _context.Options = options;
        Sender.Configure(options);
        if (new UserTimeoutNegotiation(_context, Sender).Configure() && State is TcpState.Established or TcpState.CloseWait)
        {
            _context.ReportsUserTimeout = true;
            Receiver.AckNow();
        }

        Receiver.Configure(options);
        if (!_state.IsOpening && !_state.IsOver)
        {
            if (options.MaxSegmentBytes != before.MaxSegmentBytes)
                Sender.UseSegmentSize(SegmentSize.ToSend(_context));
            if (options.Congestion != before.Congestion)
                Sender.UseCongestion(options.Congestion);
        }

        _state.RestartKeepAlive(now);
        Mark();
        Host.EndBatch(now);
    }

    /// <summary>Describes the state of the connection.</summary>
    /// <returns>A snapshot.</returns>
    public TcpInfo GetInfo()
    {
        var info = new TcpInfo
        {
            State = State,
            Ecn = _context.Ecn.IsEnabled,
            Timestamps = UsesTimestamps,
            SelectiveAcknowledgments = _context.UsesSack,
            UnansweredProbes = _state.KeepAlive.UnansweredProbes,
            OfferedSegmentBytes = SegmentSize.Offered(Host, RemoteEndpoint.Address, Options),
            PathMtu = Host.Ip.PathMtu(RemoteEndpoint.Address),
        };
        return Receiver.Describe(Sender.Describe(_context.Statistics.Describe(info, Host.Now)));
    }

    /// <summary>Begins an active open.</summary>
    internal void Open(long now)
    {
        Handshake.Open(now);
        Mark();
    }

    /// <summary>Begins a passive open.</summary>
    internal void OpenPassively(long now, in TcpSegment syn)
    {
        Handshake.OpenPassively(now, SynOffer.From(syn));
        Mark();
    }

    /// <summary>Completes a passive open by the acknowledgment that brought a SYN cookie back.</summary>
    internal void OpenByCookie(long now, in SynOffer offer, in TcpSegment segment)
    {
        Handshake.OpenByCookie(now, offer, segment.Acknowledgment);
        Receive(now, RemoteMac, segment, isMarked: false);
    }

    /// <inheritdoc cref="SegmentReceiver.Admits"/>
    internal bool Admits(MacAddress source, in TcpSegment segment) => Input.Admits(source, segment);

    /// <inheritdoc cref="SegmentReceiver.AdmitsNewIncarnation"/>
    internal bool AdmitsNewIncarnation(in TcpSegment segment) => Input.AdmitsNewIncarnation(segment);

    /// <inheritdoc cref="SegmentReceiver.Receive"/>
    internal void Receive(long now, MacAddress source, in TcpSegment segment, bool isMarked)
    {
        Input.Receive(now, source, segment, isMarked);
        Mark();
    }

    /// <inheritdoc cref="ConnectionState.Fail"/>
    internal void Fail(NetError error) => _state.Fail(error);

    /// <summary>Ends TIME-WAIT.</summary>
    internal void EndTimeWait() => _state.Finish(NetError.None);

    /// <summary>Raises the pending events, then sends what is due. Called when a batch ends.</summary>
    internal void Settle(long now)
    {
        _state.Events.Raise(this, IsClosedByApplication, _state.IsOver);
        if (State != TcpState.Closed)
            Send(now);
        if (State == TcpState.Closed)
            return;
        Timers.OnSettled(now);
        Host.Timers.Set(_timer, _state.IsOpening ? _context.SynTimer.Deadline : State == TcpState.TimeWait ? _state.Deadline : Timers.NextDeadline);
    }

    void IConnectionOwner.OnEstablished()
    {
        if (Listener is { } listener)
        {
            Host.Count(HostCounter.TcpPassiveOpens);
            listener.OnEstablished(this);
            return;
        }

        Host.Count(HostCounter.TcpActiveOpens);
        _state.Events.Add(TcpEventKinds.Connected);
        _state.Events.AddWritable();
    }

    void IConnectionOwner.OnTimeWait()
    {
        Sender.Dispose();
        Host.Tcp.OnTimeWait(this);
        Mark();
    }

    void IConnectionOwner.OnFinished(TcpState from)
    {
        Sender.Dispose();
        Host.Timers.Remove(_timer);
        Host.Tcp.OnFinished(this, wasWaiting: from == TcpState.TimeWait);
        Listener?.OnFinished(this, wasHalfOpen: from == TcpState.SynReceived);
        if (IsClosedByApplication || ReadableBytes == 0)
            Receiver.Buffer.Dispose();
        else
            Receiver.Buffer.DropOutOfOrder();
        Mark();
    }

    void IConnectionOwner.RequestSettle() => Mark();

    private void Mark() => Host.Settling.Add(this);

    private void Send(long now)
    {
        if (State is TcpState.SynSent)
            return;
        if (State is not (TcpState.SynReceived or TcpState.TimeWait))
            Sender.Send(now);
        if (Receiver.IsAckDue)
            _flight.Output.SendAcknowledgments();
        else
            Receiver.SettleAck(now);
    }

    private void OnTimer(long now)
    {
        Mark();
        if (State == TcpState.Closed)
            return;
        if (_state.IsOpening)
            Handshake.OnTimer(now);
        else if (State != TcpState.TimeWait)
            Timers.OnTimer(now);
        else if (_state.Deadline <= now)
            EndTimeWait();
    }

    private void OnRead(long now, int count)
    {
        Host.BeginBatch(now);
        if (!_state.IsOver)
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

    private sealed class ConnectionTimer(TcpConnection connection) : HostTimer
    {
        public override void OnTimer(long now) => connection.OnTimer(now);
    }
}
