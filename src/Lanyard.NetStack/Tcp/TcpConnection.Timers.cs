namespace Lanyard.NetStack;

// The connection's timers. Each is a time that has come or has not; the host's queue knows the earliest.
public sealed partial class TcpConnection
{
    private readonly ConnectionTimer _timer;

    // When the SYN was sent last, when it is sent again, and when opening is given up.
    private long _synSentAt;
    private long _synAt = long.MaxValue;
    private int _synRetries;
    private long _connectUntil = long.MaxValue;

    // When FIN-WAIT-2 of a closed app, or TIME_WAIT, ends.
    private long _stateUntil = long.MaxValue;

    // A connection silent for so long gives back what only traffic needs.
    private const long TrimAfter = 2 * Microseconds.PerSecond;

    private long _trimAt = long.MaxValue;

    private long _keepAliveAt = long.MaxValue;
    private int _keepAlivesSent;

    /// <summary>Marks what was sent as to be sent again; the segments follow when the batch ends.</summary>
    internal void OnRetransmissionTimeout()
    {
        // The way may have changed meanwhile.
        _hopGeneration = -1;
    }

    private void OnTimer(long now)
    {
        Mark();
        switch (State)
        {
            case TcpState.Closed:
                return;
            case TcpState.SynSent or TcpState.SynReceived:
                OnConnectTimer(now);
                return;
            case TcpState.TimeWait:
                if (_stateUntil <= now)
                    EndTimeWait();
                return;
            default:
                break;
        }

        if (_stateUntil <= now)
        {
            // FIN-WAIT-2 of a closed app: the other end has had its time.
            Finish(NetError.None);
            return;
        }

        if (_lingerAt <= now)
        {
            TransmitReset();
            Fail(NetError.ConnectionAborted);
            return;
        }

        if (Receiver.AckDeadline <= now)
            Receiver.AckNow();
        if (_writeRetryAt <= now)
            RetryWrite();
        if (_trimAt <= now)
            Trim();
        if (_keepAliveAt <= now && !OnKeepAliveTimer(now))
            return;
        if (!Sender.OnTimer(now))
            TimeOut();
    }

    private void OnConnectTimer(long now)
    {
        if (_connectUntil <= now)
        {
            TimeOut();
        }
        else if (_synAt <= now)
        {
            _synRetries++;
            _hopGeneration = -1;
            Host.Count(HostCounter.TcpRetransmissions);
            TransmitSyn(now);
            if (State == TcpState.SynSent)
                _hop.Neighbor?.Verify(now);
        }
    }

    private void TimeOut()
    {
        if (State is not (TcpState.SynSent or TcpState.SynReceived))
            TransmitReset();
        Fail(_softError == NetError.None ? NetError.TimedOut : _softError);
    }

    private void RetryWrite()
    {
        _writeRetryAt = long.MaxValue;
        if (!_wantsWritable)
            return;
        _wantsWritable = false;
        _raise |= Raise.Writable;
    }

    private void OnHeard(long now)
    {
        _softError = NetError.None;
        if (_keepAliveAt == long.MaxValue && Options.KeepAliveIdle == TimeSpan.Zero)
            return;
        _keepAlivesSent = 0;
        RestartKeepAlive(now);
    }

    private void RestartKeepAlive(long now) =>
        _keepAliveAt = Options.KeepAliveIdle == TimeSpan.Zero || State is TcpState.Closed or TcpState.TimeWait
            ? long.MaxValue
            : now + Microseconds.From(Options.KeepAliveIdle);

    // RFC 9293 section 3.8.4. False if the connection has ended.
    private bool OnKeepAliveTimer(long now)
    {
        // What is in flight has timers of its own.
        if (Sender.Outstanding > 0 || Sender.HasUnsent)
        {
            RestartKeepAlive(now);
            return true;
        }

        if (_keepAlivesSent >= Options.KeepAliveProbes)
        {
            TimeOut();
            return false;
        }

        _keepAlivesSent++;
        Host.Count(HostCounter.TcpKeepAlives);
        TransmitProbe();
        _keepAliveAt = now + Math.Max(Microseconds.From(Options.KeepAliveInterval), Microseconds.PerMillisecond);
        return true;
    }

    private void Trim()
    {
        Sender.Segments.Trim();
        Sender.Buffer.Trim();
        Receiver.Buffer.Trim();
    }

    // After each settling the wait begins anew, which moves a timer later and costs nothing.
    private void SettleTrim() => _trimAt = Sender.Segments.IsTrimmable || Sender.Buffer.IsTrimmable || Receiver.Buffer.IsTrimmable
        ? Host.Now + TrimAfter
        : long.MaxValue;

    private void SettleTimers()
    {
        if (_isDisposed)
            return;
        SettleTrim();
        Host.Timers.Set(_timer, State switch
        {
            TcpState.SynSent or TcpState.SynReceived => Math.Min(_synAt, _connectUntil),
            TcpState.TimeWait => _stateUntil,
            _ => Math.Min(Math.Min(Math.Min(Sender.NextDeadline, Receiver.AckDeadline), Math.Min(_keepAliveAt, _stateUntil)),
                Math.Min(Math.Min(_lingerAt, _writeRetryAt), _trimAt)),
        });
    }

    private sealed class ConnectionTimer(TcpConnection connection) : HostTimer
    {
        public override void OnTimer(long now) => connection.OnTimer(now);
    }
}
