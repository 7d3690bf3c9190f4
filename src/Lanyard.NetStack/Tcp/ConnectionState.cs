namespace Lanyard.NetStack;

/// <summary>The owner of a connection's state, which handles the transitions that reach beyond the state.</summary>
internal interface IConnectionOwner
{
    /// <summary>Whether the connection came from a listener.</summary>
    bool IsFromListener { get; }

    /// <summary>Whether the listener has room for one more established connection; true without a listener.</summary>
    bool HasBacklogRoom { get; }

    /// <summary>Marks the connection to be settled when the batch ends.</summary>
    void RequestSettle();

    /// <summary>Handles the end of the handshake.</summary>
    void OnEstablished();

    /// <summary>Handles the transition to TIME-WAIT.</summary>
    void OnTimeWait();

    /// <summary>Handles the transition to CLOSED.</summary>
    /// <param name="from">The state before.</param>
    void OnFinished(TcpState from);
}

/// <summary>The state of a connection and its transitions (RFC 9293 section 3.3.2). Times are in microseconds.</summary>
internal sealed class ConnectionState(TcpContext context, SendSequence sequence, IConnectionOwner owner)
{
    private NetError _softError;

    /// <summary>The events to raise when the batch ends.</summary>
    public ConnectionEvents Events = new();

    /// <summary>The keepalive timer.</summary>
    public KeepAlive KeepAlive = new();

    /// <summary>The state.</summary>
    public TcpState State { get; private set; }

    /// <summary>The reason why the connection ended; <see cref="NetError.None"/> if it has not, or ended in order.</summary>
    public NetError Error { get; private set; }

    /// <summary>Whether the application has closed the connection.</summary>
    public bool IsClosedByApplication { get; set; }

    /// <summary>When TIME-WAIT, or FIN-WAIT-2 of a connection that the application has closed, ends.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>When a connection that the application has closed, and that still sends, is reset; <see cref="long.MaxValue"/> if it is not.</summary>
    public long LingerDeadline { get; set; } = long.MaxValue;

    /// <summary>When a silent connection returns memory; <see cref="long.MaxValue"/> if it has none to return.</summary>
    public long TrimDeadline { get; set; } = long.MaxValue;

    /// <summary>When TIME-WAIT began.</summary>
    public long TimeWaitSince { get; private set; }

    /// <summary>Whether the handshake is not complete.</summary>
    public bool IsOpening => State is TcpState.SynSent or TcpState.SynReceived;

    /// <summary>Whether the state is CLOSED or TIME-WAIT.</summary>
    public bool IsOver => State is TcpState.Closed or TcpState.TimeWait;

    /// <summary>Whether the connection came from a listener.</summary>
    public bool IsFromListener => owner.IsFromListener;

    /// <summary>Whether the connection may become established.</summary>
    public bool HasBacklogRoom => owner.HasBacklogRoom;

    /// <summary>Marks the connection to be settled when the batch ends.</summary>
    public void RequestSettle() => owner.RequestSettle();

    /// <summary>Enters SYN-SENT or SYN-RECEIVED.</summary>
    /// <param name="state">The state.</param>
    public void BeginOpening(TcpState state) => State = state;

    /// <summary>Enters ESTABLISHED, or FIN-WAIT-1 if the application has finished sending already.</summary>
    public void Establish()
    {
        State = sequence.FinQueued ? TcpState.FinWait1 : TcpState.Established;
        owner.OnEstablished();
    }

    /// <summary>Records that the application has finished sending. During the handshake the state stays.</summary>
    public void OnSendShutdown()
    {
        if (State == TcpState.Established)
            State = TcpState.FinWait1;
        else if (State == TcpState.CloseWait)
            State = TcpState.LastAck;
    }

    /// <summary>Records that the application has closed the connection.</summary>
    /// <param name="now">The time.</param>
    public void OnClosedByApplication(long now)
    {
        if (State == TcpState.FinWait2)
            LimitFinWait(now);
    }

    /// <summary>Handles the peer's FIN, after all data before it arrived.</summary>
    /// <param name="now">The time.</param>
    public void OnFinReceived(long now)
    {
        Events.Add(TcpEventKinds.Readable);
        switch (State)
        {
            case TcpState.Established:
                State = TcpState.CloseWait;
                break;
            case TcpState.FinWait1 when !sequence.FinAcknowledged:
                State = TcpState.Closing;
                break;
            case TcpState.FinWait1 or TcpState.FinWait2:
                EnterTimeWait(now);
                break;
            default:
                break;
        }
    }

    /// <summary>Handles the acknowledgment of the FIN.</summary>
    /// <param name="now">The time.</param>
    public void OnFinAcknowledged(long now)
    {
        switch (State)
        {
            case TcpState.FinWait1:
                State = TcpState.FinWait2;
                // An application that still reads may wait forever.
                if (IsClosedByApplication)
                    LimitFinWait(now);
                break;
            case TcpState.Closing:
                EnterTimeWait(now);
                break;
            case TcpState.LastAck:
                Finish(NetError.None);
                break;
            default:
                break;
        }
    }

    /// <summary>Enters TIME-WAIT, or starts its time again.</summary>
    /// <param name="now">The time.</param>
    public void EnterTimeWait(long now)
    {
        var entered = State != TcpState.TimeWait;
        State = TcpState.TimeWait;
        TimeWaitSince = now;
        Deadline = now + Microseconds.From(context.Options.TimeWait);
        if (!entered)
            return;
        KeepAlive.Stop();
        Events.Add(TcpEventKinds.Closed);
        owner.OnTimeWait();
    }

    /// <summary>Records an acceptable segment from the peer.</summary>
    /// <param name="now">The time.</param>
    public void OnHeard(long now)
    {
        _softError = NetError.None;
        KeepAlive.OnHeard(now, IsOver ? TimeSpan.Zero : context.Options.KeepAliveIdle);
    }

    /// <summary>Starts the keepalive timer anew with the current settings.</summary>
    /// <param name="now">The time.</param>
    public void RestartKeepAlive(long now)
    {
        KeepAlive = new KeepAlive();
        if (!IsOver)
            KeepAlive.Restart(now, context.Options.KeepAliveIdle);
    }

    /// <summary>Records an error that does not end the connection. It is the reason if the connection times out later.</summary>
    /// <param name="error">The error.</param>
    public void OnSoftError(NetError error) => _softError = error;

    /// <summary>Ends the connection, because the peer does not answer.</summary>
    public void TimeOut() => Fail(_softError == NetError.None ? NetError.TimedOut : _softError);

    /// <summary>Ends the connection with an error, without a segment to the peer. Does nothing in CLOSED.</summary>
    /// <param name="error">The error.</param>
    public void Fail(NetError error)
    {
        if (State == TcpState.Closed)
            return;
        if (IsOpening)
            context.Count(HostCounter.TcpFailedOpens);
        Finish(error);
    }

    /// <summary>Enters CLOSED.</summary>
    /// <param name="error">The reason; <see cref="NetError.None"/> for an orderly end.</param>
    public void Finish(NetError error)
    {
        var from = State;
        State = TcpState.Closed;
        Error = error;
        if (from != TcpState.TimeWait)
            Events.Add(TcpEventKinds.Closed);
        owner.OnFinished(from);
    }

    private void LimitFinWait(long now) => Deadline = now + Microseconds.From(context.Options.FinWait);
}
