using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Checks arriving segments by the state of the connection (RFC 9293 sections 3.10.7.3 and 3.10.7.4, with the defenses of RFC 5961 and the timestamps
/// of RFC 7323), and passes what is acceptable to <see cref="StreamInput"/>.
/// </summary>
internal readonly ref struct SegmentReceiver(
    TcpContext context, ConnectionState state, SendSequence sequence, TcpSender sender, TcpReceiver receiver, SegmentOutput output)
{
    private Handshake Handshake => new(context, state, sequence, sender, receiver, output);

    private StreamInput Stream => new(context, state, sequence, sender, receiver);

    /// <summary>Whether a segment from an Ethernet address may be for this connection.</summary>
    /// <param name="source">The Ethernet source.</param>
    /// <param name="segment">The segment.</param>
    public bool Admits(MacAddress source, in TcpSegment segment) => context.RemoteMac == source || state.State switch
    {
        // An acknowledgment proves that the peer received the SYN, whatever gateway it replies through. A SYN without one proves nothing.
        TcpState.SynSent => segment.Has(TcpFlags.Ack) || context.IsNextHop(source),

        // The neighbor that received the SYN-ACK has the IP address of the SYN, and may say that it sent no SYN.
        TcpState.SynReceived => segment.Has(TcpFlags.Rst) && context.IsNextHop(source),
        _ => false,
    };

    /// <summary>Whether a SYN for this connection in TIME-WAIT begins a new one (RFC 6191, RFC 1122 section 4.2.2.13).</summary>
    /// <param name="segment">The segment.</param>
    public bool AdmitsNewIncarnation(in TcpSegment segment)
    {
        if ((segment.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst | TcpFlags.Fin)) != TcpFlags.Syn)
            return false;
        if (context.Timestamps.IsEnabled && segment.Options.HasTimestamp && segment.Options.Timestamp != context.Timestamps.Recent)
            return (int)(segment.Options.Timestamp - context.Timestamps.Recent) > 0;
        return (int)(segment.Sequence - (uint)receiver.Next) > 0;
    }

    /// <summary>Receives a segment.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="source">The Ethernet source, which the connection admits.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="isMarked">Whether its packet was marked for congestion.</param>
    public void Receive(long now, MacAddress source, in TcpSegment segment, bool isMarked)
    {
        context.Statistics.OnReceived(now, segment);
        if (state.State == TcpState.SynSent)
            ReceiveInSynSent(now, source, segment);
        else
            ReceiveSynchronized(now, segment, isMarked);
    }

    // Section 3.10.7.3.
    private void ReceiveInSynSent(long now, MacAddress source, in TcpSegment segment)
    {
        var hasAck = segment.Has(TcpFlags.Ack);
        if (hasAck && segment.Acknowledgment != (uint)sequence.Next)
        {
            context.Count(HostCounter.TcpBadAck);
            if (!segment.Has(TcpFlags.Rst))
                context.Host.Tcp.SendReset(context.Local, context.Remote, segment);
            return;
        }

        if (segment.Has(TcpFlags.Rst))
        {
            if (hasAck)
            {
                context.Count(HostCounter.TcpResetsReceived);
                state.Fail(NetError.ConnectionRefused);
            }
            else
            {
                context.Count(HostCounter.TcpResetsRejected);
            }

            return;
        }

        if (!segment.Has(TcpFlags.Syn))
        {
            context.Count(HostCounter.TcpOutOfWindow);
            return;
        }

        context.RemoteMac = source;
        var handshake = Handshake;
        handshake.ReceiveSyn(now, SynOffer.From(segment));
        if (!hasAck)
        {
            handshake.OpenSimultaneously(now);
            return;
        }

        handshake.Complete(now, segment);
        receiver.AckNow();
    }

    // Section 3.10.7.4.
    private void ReceiveSynchronized(long now, in TcpSegment segment, bool isMarked)
    {
        var start = SequenceNumber.Unwrap(segment.Sequence, receiver.Next);
        var isReset = segment.Has(TcpFlags.Rst);
        if (state.State == TcpState.SynReceived && segment.Has(TcpFlags.Syn) && !isReset && start == receiver.First - 1)
        {
            ReceiveSynAgain(now, segment);
            return;
        }

        if (!isReset && context.Timestamps.IsTooOld(now, segment.Options))
        {
            context.Count(HostCounter.TcpPawsRejected);
            Challenge(now, segment);
            return;
        }

        if (!IsAcceptable(segment, start))
        {
            if (isReset)
                context.Count(HostCounter.TcpResetsRejected);
            else
                ReceiveUnacceptable(now, segment, start);
            return;
        }

        if (isReset)
        {
            ReceiveReset(now, segment, start);
            return;
        }

        if (segment.Has(TcpFlags.Syn))
        {
            Challenge(now, segment);
            return;
        }

        if (!segment.Has(TcpFlags.Ack))
        {
            context.Count(HostCounter.TcpNoAck);
            return;
        }

        context.Timestamps.OnReceived(now, segment.Options, start);
        if (segment.Options.UserTimeoutSeconds > 0)
            new UserTimeoutNegotiation(context, sender).Receive(segment.Options.UserTimeoutSeconds);
        var ack = SequenceNumber.Unwrap(segment.Acknowledgment, sequence.Unacknowledged);
        if (state.State == TcpState.SynReceived)
        {
            if (!TryComplete(now, segment, ack))
                return;
        }
        else if (!sequence.Admits(ack))
        {
            context.Count(HostCounter.TcpBadAck);
            Challenge(now, segment);
            return;
        }

        context.Challenges.OnAcceptable();
        state.OnHeard(now);
        if (state.State == TcpState.TimeWait)
        {
            if (segment.Has(TcpFlags.Fin))
                state.EnterTimeWait(now);
            return;
        }

        var stream = Stream;
        stream.Acknowledge(now, segment, start, ack);
        if (state.State != TcpState.Closed && !stream.Receive(now, segment, start, isMarked))
        {
            context.Count(HostCounter.TcpDataAfterClose);
            output.SendReset();
            state.Fail(NetError.ConnectionAborted);
        }
    }

    private bool TryComplete(long now, in TcpSegment segment, long ack)
    {
        if (ack <= sequence.Unacknowledged || ack > sequence.Next)
        {
            context.Count(HostCounter.TcpBadAck);
            context.Host.Tcp.SendReset(context.Local, context.Remote, segment);
            return false;
        }

        if (!state.HasBacklogRoom)
        {
            // The connection stays half-open. The peer's data or this host's repeated SYN-ACK brings another chance.
            context.Count(HostCounter.TcpBacklogFull);
            return false;
        }

        Handshake.Complete(now, segment);
        return true;
    }

    private void ReceiveUnacceptable(long now, in TcpSegment segment, long start)
    {
        var length = segment.SequenceLength;
        if (state.State == TcpState.TimeWait && segment.Has(TcpFlags.Fin))
            state.EnterTimeWait(now);
        context.Count(start + length <= receiver.Next && length > 0 ? HostCounter.TcpDuplicateData : HostCounter.TcpOutOfWindow);
        // Repeated data means that an acknowledgment was lost. Anything else could make two ends answer each other forever.
        if (segment.Payload.IsEmpty && !segment.Has(TcpFlags.Fin))
        {
            // A probe or keepalive still shows that the peer is alive.
            if (start == receiver.Next - 1 && ReceiveStrayAck(now, segment, start))
                context.Challenges.OnAcceptable();
            Challenge(now, segment);
            return;
        }

        if (start + length <= receiver.Next)
            receiver.NoteDuplicate(start, start + length);
        if (start <= receiver.Next)
            ReceiveStrayAck(now, segment, start);
        if (state.State != TcpState.Closed)
            receiver.AckNow();
    }

    // A segment whose data is old, or finds the window closed, may still carry a new acknowledgment. Returns whether its acknowledgment is acceptable.
    private bool ReceiveStrayAck(long now, in TcpSegment segment, long start)
    {
        if (state.State is TcpState.SynReceived or TcpState.TimeWait || !segment.Has(TcpFlags.Ack) || segment.Has(TcpFlags.Syn))
            return false;
        var ack = SequenceNumber.Unwrap(segment.Acknowledgment, sequence.Unacknowledged);
        if (!sequence.Admits(ack))
            return false;
        state.OnHeard(now);
        Stream.Acknowledge(now, segment, start, ack);
        return true;
    }

    private void ReceiveSynAgain(long now, in TcpSegment segment)
    {
        // In a simultaneous open the peer's SYN-ACK acknowledges this host's SYN.
        if (segment.Has(TcpFlags.Ack) && segment.Acknowledgment == (uint)sequence.Next)
        {
            Handshake.Complete(now, segment);
            receiver.AckNow();
        }
        else if (context.Challenges.TryTake(now))
        {
            Handshake.SendSyn(now);
        }
    }

    private void ReceiveReset(long now, in TcpSegment segment, long start)
    {
        if (state.State == TcpState.TimeWait)
        {
            // Ignored (RFC 1337).
            context.Count(HostCounter.TcpResetsRejected);
            return;
        }

        if (start != receiver.Next)
        {
            context.Count(HostCounter.TcpResetsRejected);
            Challenge(now, segment);
            return;
        }

        context.Count(HostCounter.TcpResetsReceived);
        state.Fail(state.State == TcpState.SynReceived && !state.IsFromListener ? NetError.ConnectionRefused : NetError.ConnectionReset);
    }

    private bool IsAcceptable(in TcpSegment segment, long start)
    {
        var next = receiver.Next;
        var right = receiver.RightEdge;
        var length = segment.SequenceLength;
        // An empty segment at the right edge comes from a peer that has filled the window. A FIN alone takes no buffer.
        if (length == 0)
            return start >= next && start <= right;
        if (segment.Payload.IsEmpty && start == next)
            return true;
        return start < right && start + length > next;
    }

    private void Challenge(long now, in TcpSegment segment)
    {
        if (segment.Has(TcpFlags.Rst) && state.State == TcpState.TimeWait)
            return;
        if (!context.Challenges.TryTake(now))
        {
            context.Count(HostCounter.TcpChallengeAcksLimited);
            return;
        }

        context.Count(HostCounter.TcpChallengeAcks);
        receiver.AckNow();
    }
}
