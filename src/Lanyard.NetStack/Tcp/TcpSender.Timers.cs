namespace Lanyard.NetStack;

// The sender's timers: retransmission (RFC 6298), tail loss probes (RFC 8985 section 7), zero-window probes (RFC 9293 section 3.8.6.1).
internal sealed partial class TcpSender
{
    private const long ProbeFloor = 5 * Microseconds.PerMillisecond;

    // An only segment's acknowledgement may be held back so long by the other end.
    private const long PeerAckDelay = 200 * Microseconds.PerMillisecond;

    private int _unansweredProbes;
    private int _persistBackoff;
    private long _persistSince;

    public RttEstimator Rtt = RttEstimator.Create();

    /// <summary>When what is in flight counts as lost; <see cref="long.MaxValue"/> if nothing is in flight.</summary>
    public long RetransmitAt { get; private set; } = long.MaxValue;

    /// <summary>When a tail loss probe is due.</summary>
    public long ProbeAt { get; private set; } = long.MaxValue;

    /// <summary>When a closed window is probed.</summary>
    public long PersistAt { get; private set; } = long.MaxValue;

    /// <summary>Timeouts in a row.</summary>
    public int Retries { get; private set; }

    /// <summary>Zero-window probes sent since the other end was last heard of.</summary>
    public int UnansweredProbes => _unansweredProbes;

    public long MinRto { get; set; } = Microseconds.From(options.MinRto);

    public long MaxRto { get; set; } = Microseconds.From(options.MaxRto);

    public int MaxRetries { get; set; } = options.Retries;

    public long UserTimeout { get; set; } = Microseconds.From(options.UserTimeout);

    /// <summary>The earliest of the sender's deadlines.</summary>
    public long NextDeadline => Math.Min(Math.Min(RetransmitAt, ProbeAt), Math.Min(Math.Min(PersistAt, PaceAt), Recovery.ReorderDeadline));

    /// <summary>Does what is due. False if the other end has not answered for too long.</summary>
    public bool OnTimer(long now)
    {
        if (Recovery.ReorderDeadline <= now)
            OnReorderTimer(now);
        if (RetransmitAt <= now)
            return OnRetransmissionTimeout(now);
        if (ProbeAt <= now)
            SendTailProbe(now);
        return PersistAt > now || OnPersistTimer(now);
    }

    /// <summary>Schedules an immediate retransmission and resets the backoff, if earlier retransmissions were not acknowledged. Returns false if there were none.</summary>
    public bool RetransmitSoon(long now)
    {
        if (Segments.Count == 0 || Retries == 0)
            return false;
        Retries--;
        Rtt.ResetBackoff();
        RetransmitAt = now;
        return true;
    }

    private void OnReorderTimer(long now)
    {
        if (Recovery.OnReorderTimer(now, Unacknowledged, Next, Congestion, Rtt, Mss))
        {
            var pipe = Recovery.Pipe(Outstanding);
            OnRecoveryBegun(new AckSample { Now = now, Pipe = pipe, PipeBefore = pipe, Rate = new() { TotalDelivered = Rate.Delivered } });
        }

        if (_sizeSearch is not null)
            SettleSizeProbe();
    }

    private bool OnRetransmissionTimeout(long now)
    {
        RetransmitAt = long.MaxValue;
        ProbeAt = long.MaxValue;
        if (Segments.Count == 0)
            return true;
        // The user timeout takes the place of the number of retransmissions (RFC 9293 section 3.8.3).
        if (UserTimeout > 0 ? now - Segments[0].FirstSentAt >= UserTimeout : Retries >= MaxRetries)
            return false;
        Retries++;
        connection.Timeouts++;
        connection.Host.Count(HostCounter.TcpTimeouts);
        Recovery.CancelProbe();
        CheckBlackHole();
        Recovery.OnTimeout(Next, Congestion, Outstanding, Retries == 1);
        Rtt.BackOff();
        ArmRetransmission(now);
        connection.OnRetransmissionTimeout();
        return true;
    }

    private void ArmRetransmission(long now)
    {
        RetransmitAt = Segments.Count == 0 ? long.MaxValue : now + Rtt.Timeout(MinRto, MaxRto);
        if (UserTimeout > 0 && Segments.Count > 0)
            RetransmitAt = Math.Min(RetransmitAt, Math.Max(now + 1, Segments[0].FirstSentAt + UserTimeout));
    }

    private void ArmProbe(long now)
    {
        ProbeAt = long.MaxValue;
        if (Segments.Count == 0 || !Recovery.MayProbe || !Rtt.HasSample || Retries > 0)
            return;
        var wait = Math.Max(2 * Rtt.Smoothed, ProbeFloor);
        if (Segments.Count == 1)
            wait += PeerAckDelay;
        if (now + wait < RetransmitAt)
            ProbeAt = now + wait;
    }

    // New data if there is any that the window admits, else the last segment again.
    private void SendTailProbe(long now)
    {
        ProbeAt = long.MaxValue;
        if (Segments.Count == 0)
            return;
        connection.Host.Count(HostCounter.TcpTailProbes);
        var available = Buffer.End - (Next - First);
        var length = (int)Math.Min(Math.Min(available, Mss), Unacknowledged + Window - Next);
        if (length > 0)
        {
            SendSegment(length, false, now);
            Recovery.OnProbeSent(Next, retransmission: false);
        }
        else
        {
            Retransmit(Segments.Count - 1, now);
            Recovery.OnProbeSent(Next, retransmission: true);
        }

        ArmRetransmission(now);
    }

    // There is something to send, nothing in flight, and the window does not admit it: only a probe will show when it does.
    private void SettlePersist(long now)
    {
        if (Segments.Count > 0 || !HasUnsent)
        {
            PersistAt = long.MaxValue;
            _persistBackoff = 0;
        }
        else if (PersistAt == long.MaxValue)
        {
            _persistSince = now;
            PersistAt = now + Rtt.Timeout(MinRto, MaxRto);
        }
    }

    private bool OnPersistTimer(long now)
    {
        PersistAt = long.MaxValue;
        if (!HasUnsent || Segments.Count > 0)
            return true;
        // A window that stays closed is no reason to give up as long as probes are answered (RFC 9293 section 3.8.6.1).
        if (UserTimeout > 0 ? _unansweredProbes > 0 && now - _persistSince >= UserTimeout : _unansweredProbes > MaxRetries)
            return false;
        _persistBackoff = Math.Min(_persistBackoff + 1, 16);
        PersistAt = now + Math.Min(Rtt.Timeout(MinRto, MaxRto) << _persistBackoff, Math.Max(MaxRto, MinRto));
        var available = Buffer.End - (Next - First);
        var length = (int)Math.Min(Math.Min(available, Mss), Unacknowledged + Window - Next);
        if (length > 0)
        {
            // The window admits a part that was not worth sending so far; now it is (the override of section 3.8.6.2.1).
            SendSegment(length, false, now);
            return true;
        }

        _unansweredProbes++;
        connection.Host.Count(HostCounter.TcpWindowProbes);
        connection.TransmitProbe();
        return true;
    }
}
