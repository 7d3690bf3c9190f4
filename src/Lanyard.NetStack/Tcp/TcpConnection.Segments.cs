using Lanyard.Primitives;

namespace Lanyard.NetStack;

// What arriving segments do to the connection: RFC 9293 section 3.10.7, with RFC 5961's defences and RFC 7323's timestamps.
public sealed partial class TcpConnection
{
    // What strangers can make a connection say, each second (RFC 5961 section 7).
    private const int ChallengesPerSecond = 10;

    // A timestamp older than this says nothing (RFC 7323 section 5.5).
    private const long TimestampLifetime = 24L * 86_400 * Microseconds.PerSecond;

    private RateLimiter _challenges = new(ChallengesPerSecond);
    private uint _recentTimestamp;
    private long _recentTimestampAt;
    private long _lastAckSent;
    private long _initialReceiveSequence;

    internal bool UsesTimestamps { get; private set; }

    /// <summary>Whether a segment from an Ethernet address may be for this connection.</summary>
    internal bool Admits(MacAddress sender, in TcpSegment segment) => RemoteMac == sender || State switch
    {
        // An acknowledgment proves that the sender received the SYN, over whatever gateway it replies. A SYN without one proves nothing.
        TcpState.SynSent => segment.Has(TcpFlags.Ack) || IsNextHop(sender),

        // The neighbor that received the SYN-ACK has the IP address of the SYN, and may say that it sent no SYN.
        TcpState.SynReceived => segment.Has(TcpFlags.Rst) && IsNextHop(sender),
        _ => false,
    };

    /// <summary>Takes a segment for this connection.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="sender">The Ethernet source: one that the connection admits.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="marked">Whether its packet met congestion on the way.</param>
    internal void Receive(long now, MacAddress sender, in TcpSegment segment, bool marked)
    {
        SegmentsReceived++;
        NoteReceived(now, segment);
        _isMarked = marked;
        if (State == TcpState.SynSent)
            ReceiveWhileConnecting(now, sender, segment);
        else
            ReceiveSynchronized(now, segment);
        Mark();
    }

    /// <summary>Whether a SYN for this connection in TIME_WAIT begins a new one (RFC 6191, RFC 1122 section 4.2.2.13).</summary>
    internal bool AdmitsNewIncarnation(in TcpSegment segment)
    {
        if ((segment.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst | TcpFlags.Fin)) != TcpFlags.Syn)
            return false;
        if (UsesTimestamps && segment.Options.HasTimestamp && segment.Options.Timestamp != _recentTimestamp)
            return (int)(segment.Options.Timestamp - _recentTimestamp) > 0;
        return (int)(segment.Sequence - (uint)Receiver.Next) > 0;
    }

    // Section 3.10.7.3.
    private void ReceiveWhileConnecting(long now, MacAddress sender, in TcpSegment segment)
    {
        var hasAck = segment.Has(TcpFlags.Ack);
        if (hasAck && segment.Acknowledgment != (uint)Sender.Next)
        {
            Host.Count(HostCounter.TcpBadAck);
            if (!segment.Has(TcpFlags.Rst))
                Host.Tcp.SendReset(LocalEndpoint, RemoteEndpoint, segment);
            return;
        }

        if (segment.Has(TcpFlags.Rst))
        {
            if (hasAck)
            {
                Host.Count(HostCounter.TcpResetsReceived);
                Fail(NetError.ConnectionRefused);
            }
            else
            {
                Host.Count(HostCounter.TcpResetsRejected);
            }

            return;
        }

        if (!segment.Has(TcpFlags.Syn))
        {
            Host.Count(HostCounter.TcpOutOfWindow);
            return;
        }

        RemoteMac = sender;
        TakeSyn(now, SynOffer.From(segment));
        if (!hasAck)
        {
            // Both ends open at once (section 3.5, figure 7); RFC 3168 has no words for that.
            Sender.UsesEcn = false;
            State = TcpState.SynReceived;
            TransmitSyn(now);
            return;
        }

        Establish(now, segment);
        Receiver.AckNow();
    }

    // Section 3.10.7.4.
    private void ReceiveSynchronized(long now, in TcpSegment segment)
    {
        var sequence = SequenceNumber.Unwrap(segment.Sequence, Receiver.Next);
        var isReset = segment.Has(TcpFlags.Rst);
        if (State == TcpState.SynReceived && segment.Has(TcpFlags.Syn) && !isReset && sequence == _initialReceiveSequence)
        {
            ReceiveSynAgain(now, segment);
            return;
        }

        if (!isReset && IsTooOld(now, segment))
        {
            Host.Count(HostCounter.TcpPawsRejected);
            Challenge(now, segment);
            return;
        }

        if (!IsAcceptable(segment, sequence))
        {
            if (isReset)
            {
                Host.Count(HostCounter.TcpResetsRejected);
                return;
            }

            ReceiveUnacceptable(now, segment, sequence);
            return;
        }

        if (isReset)
        {
            ReceiveReset(now, segment, sequence);
            return;
        }

        if (segment.Has(TcpFlags.Syn))
        {
            Challenge(now, segment);
            return;
        }

        if (!segment.Has(TcpFlags.Ack))
        {
            Host.Count(HostCounter.TcpNoAck);
            return;
        }

        TakeTimestamp(now, segment, sequence);
        if (segment.Options.UserTimeoutSeconds > 0)
            AdoptUserTimeout(segment.Options.UserTimeoutSeconds);
        var ack = SequenceNumber.Unwrap(segment.Acknowledgment, Sender.Unacknowledged);
        if (State == TcpState.SynReceived)
        {
            if (ack <= Sender.Unacknowledged || ack > Sender.Next)
            {
                Host.Count(HostCounter.TcpBadAck);
                Host.Tcp.SendReset(LocalEndpoint, RemoteEndpoint, segment);
                return;
            }

            if (Listener is { HasRoom: false })
            {
                // Left half open: the other end's data, or this end's SYN again, will bring another chance.
                Host.Count(HostCounter.TcpBacklogFull);
                return;
            }

            Establish(now, segment);
        }
        else if (ack > Sender.Next || ack < Sender.Unacknowledged - Math.Max(Sender.MaxWindow, 1))
        {
            Host.Count(HostCounter.TcpBadAck);
            Challenge(now, segment);
            return;
        }

        OnHeard(now);
        if (State == TcpState.TimeWait)
        {
            if (segment.Has(TcpFlags.Fin))
                EnterTimeWait(now);
            return;
        }

        if (Sender.Acknowledge(now, segment, sequence, ack))
            OnProgress();
        if (State != TcpState.Closed)
            TakeData(now, segment, sequence);
    }

    private void ReceiveUnacceptable(long now, in TcpSegment segment, long sequence)
    {
        var length = segment.SequenceLength;
        if (State == TcpState.TimeWait && segment.Has(TcpFlags.Fin))
            EnterTimeWait(now);
        Host.Count(sequence + length <= Receiver.Next && length > 0 ? HostCounter.TcpDuplicateData : HostCounter.TcpOutOfWindow);
        // Data again means that an acknowledgement was lost; anything else could be two ends talking past each other for ever.
        if (segment.Payload.IsEmpty && !segment.Has(TcpFlags.Fin))
        {
            // A probe or keepalive still says that the other end is there.
            if (sequence == Receiver.Next - 1)
                TakeStrayAck(now, segment, sequence);
            Challenge(now, segment);
            return;
        }

        if (sequence + length <= Receiver.Next)
            Receiver.NoteDuplicate(sequence, sequence + length);
        if (sequence <= Receiver.Next)
            TakeStrayAck(now, segment, sequence);
        if (State != TcpState.Closed)
            Receiver.AckNow();
    }

    // The acknowledgement on a segment whose data is all old, or finds the window closed, may be new all the same.
    private void TakeStrayAck(long now, in TcpSegment segment, long sequence)
    {
        if (State is TcpState.SynReceived or TcpState.TimeWait || !segment.Has(TcpFlags.Ack) || segment.Has(TcpFlags.Syn))
            return;
        var ack = SequenceNumber.Unwrap(segment.Acknowledgment, Sender.Unacknowledged);
        if (ack > Sender.Next || ack < Sender.Unacknowledged - Math.Max(Sender.MaxWindow, 1))
            return;
        OnHeard(now);
        if (Sender.Acknowledge(now, segment, sequence, ack))
            OnProgress();
    }

    private void ReceiveSynAgain(long now, in TcpSegment segment)
    {
        // In a simultaneous open the other end's SYN-ACK acknowledges ours.
        if (segment.Has(TcpFlags.Ack) && segment.Acknowledgment == (uint)Sender.Next)
        {
            Establish(now, segment);
            Receiver.AckNow();
        }
        else if (_challenges.TryTake(now))
        {
            TransmitSyn(now);
        }
    }

    private void ReceiveReset(long now, in TcpSegment segment, long sequence)
    {
        if (State == TcpState.TimeWait)
        {
            // Not heeded (RFC 1337).
            Host.Count(HostCounter.TcpResetsRejected);
            return;
        }

        if (sequence != Receiver.Next)
        {
            Host.Count(HostCounter.TcpResetsRejected);
            Challenge(now, segment);
            return;
        }

        Host.Count(HostCounter.TcpResetsReceived);
        Fail(State == TcpState.SynReceived && Listener is null ? NetError.ConnectionRefused : NetError.ConnectionReset);
    }

    private bool IsAcceptable(in TcpSegment segment, long sequence)
    {
        var next = Receiver.Next;
        var right = Receiver.RightEdge;
        var length = segment.SequenceLength;
        // An empty segment right at the edge comes from an end that has filled the window; a FIN alone takes no buffer.
        if (length == 0)
            return sequence >= next && sequence <= right;
        if (segment.Payload.IsEmpty && sequence == next)
            return true;
        return sequence < right && sequence + length > next;
    }

    private bool IsTooOld(long now, in TcpSegment segment) => UsesTimestamps && segment.Options.HasTimestamp
        && (int)(segment.Options.Timestamp - _recentTimestamp) < 0 && now - _recentTimestampAt < TimestampLifetime;

    private void TakeTimestamp(long now, in TcpSegment segment, long sequence)
    {
        // RFC 7323 section 4.3: of what is acknowledged together, the earliest.
        if (!UsesTimestamps || !segment.Options.HasTimestamp || sequence > _lastAckSent)
            return;
        _recentTimestamp = segment.Options.Timestamp;
        _recentTimestampAt = now;
    }

    private void Challenge(long now, in TcpSegment segment)
    {
        if (segment.Has(TcpFlags.Rst) && State == TcpState.TimeWait)
            return;
        if (!_challenges.TryTake(now))
        {
            Host.Count(HostCounter.TcpChallengeAcksLimited);
            return;
        }

        Host.Count(HostCounter.TcpChallengeAcks);
        Receiver.AckNow();
    }

    private void TakeData(long now, in TcpSegment segment, long sequence)
    {
        var fin = segment.Has(TcpFlags.Fin);
        var data = segment.Payload;
        if (data.IsEmpty && !fin)
            return;
        if (Sender.UsesEcn)
            TakeCongestionMark(segment);
        if (Receiver.FinReceived)
        {
            // Nothing follows a FIN; this is it again.
            Receiver.AckNow();
            return;
        }

        if (!data.IsEmpty && IsAppClosed && sequence + data.Length > Receiver.Next)
        {
            Host.Count(HostCounter.TcpDataAfterClose);
            TransmitReset();
            Fail(NetError.ConnectionAborted);
            return;
        }

        var received = Receiver.Buffer.Next;
        switch (Receiver.Receive(sequence, data, fin))
        {
            case ReceiveBuffer.Outcome.OutOfOrder:
                Host.Count(HostCounter.TcpOutOfOrder);
                break;
            case ReceiveBuffer.Outcome.Duplicate when !data.IsEmpty:
                Host.Count(HostCounter.TcpDuplicateData);
                break;
            case ReceiveBuffer.Outcome.Refused:
                Host.Count(sequence > Receiver.Next ? HostCounter.TcpOutOfOrderDropped : HostCounter.OutOfMemory);
                break;
            default:
                break;
        }

        if (Receiver.Buffer.Next > received)
        {
            BytesReceived += Receiver.Buffer.Next - received;
            _raise |= Raise.Readable;
        }

        if (Receiver.FinReceived)
            OnFin(now);
    }

    private void OnFin(long now)
    {
        _raise |= Raise.Readable;
        switch (State)
        {
            case TcpState.Established:
                State = TcpState.CloseWait;
                break;
            case TcpState.FinWait1 when !Sender.FinAcknowledged:
                State = TcpState.Closing;
                break;
            case TcpState.FinWait1 or TcpState.FinWait2:
                EnterTimeWait(now);
                break;
            default:
                break;
        }
    }

    // Something new was acknowledged: room to write, and maybe our FIN.
    private void OnProgress()
    {
        _hop.Neighbor?.Confirm(Host.Now);
        if (_wantsWritable && Sender.Buffer.Free >= Math.Max(Sender.Buffer.Capacity / 2, 1))
        {
            _wantsWritable = false;
            _raise |= Raise.Writable;
        }

        if (!Sender.FinAcknowledged)
            return;
        switch (State)
        {
            case TcpState.FinWait1:
                State = TcpState.FinWait2;
                // Who no longer reads does not wait for ever (an app that reads may).
                if (IsAppClosed)
                    _stateUntil = Host.Now + Microseconds.From(Options.FinWait);
                break;
            case TcpState.Closing:
                EnterTimeWait(Host.Now);
                break;
            case TcpState.LastAck:
                Finish(NetError.None);
                break;
            default:
                break;
        }
    }
}
