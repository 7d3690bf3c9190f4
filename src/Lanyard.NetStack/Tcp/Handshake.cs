namespace Lanyard.NetStack;

/// <summary>Opens a connection: sends and repeats the SYN, and agrees on options with the peer (RFC 9293 section 3.5). Times are in microseconds.</summary>
internal readonly ref struct Handshake(
    TcpContext context, ConnectionState state, SendSequence sequence, TcpSender sender, TcpReceiver receiver, SegmentOutput output)
{
    // Some paths drop SYNs that ask for congestion notification: after this many, ask no more (RFC 3168 section 6.1.1.1).
    private const int SynsWithEcn = 2;

    private bool AsksForEcn => context.Options.Ecn == EcnMode.Request && context.SynTimer.Retries < SynsWithEcn;

    /// <summary>Sends the SYN of an active open.</summary>
    /// <param name="now">The time.</param>
    public void Open(long now)
    {
        Begin(now, TcpState.SynSent, ChooseInitialSequence(now));
        SendSyn(now);
    }

    /// <summary>Answers the SYN of a passive open.</summary>
    /// <param name="now">The time.</param>
    /// <param name="offer">The peer's SYN.</param>
    public void OpenPassively(long now, in SynOffer offer)
    {
        Begin(now, TcpState.SynReceived, ChooseInitialSequence(now));
        ReceiveSyn(now, offer);
        SendSyn(now);
    }

    /// <summary>Restores the state from a SYN cookie, as if the SYN had been kept.</summary>
    /// <param name="now">The time.</param>
    /// <param name="offer">The options of the peer's SYN, from the cookie.</param>
    /// <param name="acknowledgment">The acknowledgment number that brought the cookie.</param>
    public void OpenByCookie(long now, in SynOffer offer, uint acknowledgment)
    {
        Begin(now, TcpState.SynReceived, acknowledgment - 1);
        // The time of the SYN-ACK is unknown, so the handshake does not measure the round-trip time.
        context.SynTimer.OnRetransmission();
        ReceiveSyn(now, offer);
        receiver.Start(receiver.First - 1, offered: true);
        context.Timestamps.LastAckSent = receiver.Next;
    }

    /// <summary>Agrees to the options of the peer's SYN, as far as the settings allow.</summary>
    /// <param name="now">The time.</param>
    /// <param name="offer">The peer's SYN.</param>
    public void ReceiveSyn(long now, in SynOffer offer)
    {
        var options = context.Options;
        var isReply = state.State == TcpState.SynSent;
        receiver.Start(SequenceNumber.First(offer.Sequence), isReply);
        context.PeerMss = offer.Mss > 0 ? offer.Mss : SegmentSize.Default(context.Remote.Address);
        context.UsesSack = options.SelectiveAcknowledgments && offer.SackPermitted;
        context.Ecn.IsEnabled = options.Ecn != EcnMode.Off && offer.Ecn && (!isReply || AsksForEcn);
        new UserTimeoutNegotiation(context, sender).Receive(offer.UserTimeoutSeconds);
        context.UsesWindowScaling = options.WindowScaling && offer.WindowShift >= 0;
        sequence.WindowShift = context.UsesWindowScaling ? offer.WindowShift : 0;
        if (!context.UsesWindowScaling)
            receiver.WindowShift = 0;
        if (options.Timestamps && offer.HasTimestamp)
            context.Timestamps.Enable(now, offer.Timestamp);
        else
            context.Timestamps.Disable();
    }

    /// <summary>Sends the SYN, or the SYN-ACK once the peer's SYN has arrived.</summary>
    /// <param name="now">The time.</param>
    public void SendSyn(long now)
    {
        context.SynTimer.OnSent(now);
        output.SendSyn(isReply: state.State == TcpState.SynReceived, AsksForEcn);
    }

    /// <summary>Sends a SYN-ACK in reply to a SYN that crossed this host's SYN (RFC 9293 section 3.5, figure 7).</summary>
    /// <param name="now">The time.</param>
    public void OpenSimultaneously(long now)
    {
        // RFC 3168 does not define congestion notification for simultaneous opens.
        context.Ecn.IsEnabled = false;
        state.BeginOpening(TcpState.SynReceived);
        SendSyn(now);
    }

    /// <summary>Completes the handshake.</summary>
    /// <param name="now">The time.</param>
    /// <param name="segment">The segment that acknowledges the SYN.</param>
    public void Complete(long now, in TcpSegment segment)
    {
        // The acknowledgment of a SYN shows that the neighbor is reachable (RFC 4861 section 7.3.1).
        context.NextHop.Neighbor?.Confirm(now);
        if (context.SynTimer.MeasureRtt(now) is var rtt and >= 0)
            sender.Rtt.AddSample(rtt);
        context.SynTimer.Stop();
        sender.Establish(SegmentSize.ToSend(context));
        // The window of a SYN is never scaled (RFC 7323 section 2.2).
        var shift = segment.Has(TcpFlags.Syn) ? 0 : sequence.WindowShift;
        sequence.SetWindow(receiver.Next, sequence.Unacknowledged, (long)segment.Window << shift);
        state.Establish();
        state.OnHeard(now);
    }

    /// <summary>Handles the deadlines that have come.</summary>
    /// <param name="now">The time.</param>
    public void OnTimer(long now)
    {
        if (context.SynTimer.IsExhausted(now))
        {
            state.TimeOut();
        }
        else if (context.SynTimer.IsDue(now))
        {
            context.SynTimer.OnRetransmission();
            context.NextHop.Forget();
            context.Count(HostCounter.TcpRetransmissions);
            SendSyn(now);
            if (state.State == TcpState.SynSent)
                context.NextHop.Neighbor?.Verify(now);
        }
    }

    private void Begin(long now, TcpState opening, uint initialSequence)
    {
        state.BeginOpening(opening);
        context.SynTimer.Begin(now, context.Options.ConnectTimeout);
        receiver.WindowShift = TcpReceiver.ChooseShift(context.Options.MaxReceiveBufferBytes);
        sequence.Start(SequenceNumber.First(initialSequence));
    }

    // RFC 6528: a clock of 4 microseconds plus a keyed function of the addresses and ports.
    private uint ChooseInitialSequence(long now)
    {
        var local = context.Local.Address;
        var remote = context.Remote.Address;
        var hash = context.Host.Secrets.Hash(HostSecrets.Purpose.InitialSequence, local.V6High, local.V6Low ^ local.V4, remote.V6High,
            remote.V6Low ^ remote.V4, ((ulong)context.Local.Port << 16) | context.Remote.Port);
        return (uint)hash + (uint)(now / 4);
    }
}
