namespace Lanyard.NetStack;

/// <summary>Writes the segments of one connection, each directly into its frame.</summary>
internal readonly struct SegmentOutput(TcpContext context, SendSequence sequence, SendBuffer buffer, TcpReceiver receiver)
{
    /// <summary>Sends bytes of the send buffer with the pending acknowledgment.</summary>
    /// <param name="flags">The control bits.</param>
    /// <param name="start">The sequence number of the first byte.</param>
    /// <param name="length">The number of bytes.</param>
    /// <param name="isEcnCapable">Whether routers may mark the packet for congestion instead of dropping it.</param>
    public void SendData(TcpFlags flags, long start, int length, bool isEcnCapable)
    {
        var timestamps = context.TimestampBytes;
        var segment = Begin(TcpSegment.HeaderBytes + timestamps + length, isEcnCapable ? IpOutput.EcnCapable : (byte)0);
        if (segment.IsEmpty)
            return;
        WriteHeader(segment, flags, start, timestamps);
        var now = context.Host.Now;
        if (timestamps > 0)
            TcpSegmentOptions.WriteTimestamp(segment[TcpSegment.HeaderBytes..], context.Timestamps.At(now), context.Timestamps.Recent);
        if (length > 0)
        {
            buffer.CopyTo(start - sequence.First, segment[(TcpSegment.HeaderBytes + timestamps)..]);
            context.Statistics.OnDataSent(now);
        }

        Commit(segment);
        // Selective acknowledgments need a segment of their own.
        if (receiver.SackRanges == 0 && receiver.Duplicate.End == 0)
            receiver.OnAckSent();
    }

    /// <summary>Sends an empty segment before the first unacknowledged byte, which a live peer must answer.</summary>
    public void SendProbe() => SendAcknowledgment(sequence.Unacknowledged - 1);

    /// <summary>Sends acknowledgments: one, or without selective acknowledgments one for each segment received behind a gap.</summary>
    public void SendAcknowledgments()
    {
        for (var i = context.UsesSack ? 1 : receiver.PlainAcks; i > 0; i--)
            SendAcknowledgment(sequence.Next);
    }

    /// <summary>Sends a SYN or, if the peer's SYN has arrived, a SYN-ACK.</summary>
    /// <param name="isReply">Whether it is a SYN-ACK, which offers only what the peer offered.</param>
    /// <param name="asksForEcn">Whether a SYN asks for explicit congestion notification.</param>
    public void SendSyn(bool isReply, bool asksForEcn)
    {
        var options = context.Options;
        var now = context.Host.Now;
        Span<byte> bytes = stackalloc byte[TcpSegment.MaxOptionBytes];
        var length = TcpSegmentOptions.WriteSyn(
            bytes,
            SegmentSize.Offered(context.Host, context.Remote.Address, options),
            (isReply ? context.UsesWindowScaling : options.WindowScaling) ? receiver.WindowShift : -1,
            isReply ? context.UsesSack : options.SelectiveAcknowledgments,
            isReply ? context.Timestamps.IsEnabled : options.Timestamps,
            context.Timestamps.At(now),
            isReply ? context.Timestamps.Recent : 0);
        length += WriteUserTimeout(bytes[length..]);
        var flags = isReply ? TcpFlags.Syn | TcpFlags.Ack | (context.Ecn.IsEnabled ? TcpFlags.Ece : 0)
            : TcpFlags.Syn | (asksForEcn ? TcpFlags.Ece | TcpFlags.Cwr : 0);
        var segment = Begin(TcpSegment.HeaderBytes + length);
        if (segment.IsEmpty)
            return;
        TcpSegment.WriteHeader(segment, context.Local.Port, context.Remote.Port, (uint)(sequence.Next - 1), isReply ? (uint)receiver.Next : 0,
            flags, isReply ? receiver.OfferWindow(syn: true) : receiver.InitialWindow, length);
        bytes[..length].CopyTo(segment[TcpSegment.HeaderBytes..]);
        context.Timestamps.LastAckSent = receiver.Next;
        Commit(segment);
    }

    /// <summary>Sends a reset.</summary>
    public void SendReset()
    {
        var segment = Begin(TcpSegment.HeaderBytes);
        if (segment.IsEmpty)
            return;
        TcpSegment.WriteHeader(segment, context.Local.Port, context.Remote.Port, (uint)sequence.Next, (uint)receiver.Next,
            TcpFlags.Rst | TcpFlags.Ack, 0, 0);
        context.Count(HostCounter.TcpResetsSent);
        Commit(segment);
    }

    private void SendAcknowledgment(long at)
    {
        Span<SequenceRange> sack = stackalloc SequenceRange[TcpSegmentOptions.MaxSackBlocks];
        var blocks = CollectSack(sack);
        Span<byte> userTimeout = stackalloc byte[TcpSegmentOptions.UserTimeoutBytes];
        userTimeout = userTimeout[..(context.ReportsUserTimeout && blocks < TcpSegmentOptions.MaxSackBlocks ? WriteUserTimeout(userTimeout) : 0)];
        var optionBytes = context.TimestampBytes + TcpSegmentOptions.SackBytes(blocks) + userTimeout.Length;
        var segment = Begin(TcpSegment.HeaderBytes + optionBytes);
        if (!segment.IsEmpty)
        {
            WriteHeader(segment, TcpFlags.Ack, at, optionBytes);
            var options = segment[TcpSegment.HeaderBytes..];
            if (context.Timestamps.IsEnabled)
                options = options[TcpSegmentOptions.WriteTimestamp(options, context.Timestamps.At(context.Host.Now), context.Timestamps.Recent)..];
            options = options[TcpSegmentOptions.WriteSack(options, sack[..blocks])..];
            userTimeout.CopyTo(options);
            context.ReportsUserTimeout &= userTimeout.IsEmpty;
            Commit(segment);
        }

        receiver.OnAckSent();
    }

    private int CollectSack(Span<SequenceRange> blocks)
    {
        if (!context.UsesSack)
            return 0;
        var count = 0;
        if (receiver.Duplicate.End != 0)
            blocks[count++] = receiver.Duplicate;
        return count + receiver.Buffer.CopyRanges(blocks[count..], receiver.First);
    }

    private int WriteUserTimeout(Span<byte> bytes) => context.Options is { NegotiateUserTimeout: true } options && options.UserTimeout > TimeSpan.Zero
        ? TcpSegmentOptions.WriteUserTimeout(bytes, Math.Max(1, (long)options.UserTimeout.TotalSeconds))
        : 0;

    private void WriteHeader(Span<byte> segment, TcpFlags flags, long at, int optionBytes)
    {
        context.Timestamps.LastAckSent = receiver.Next;
        if (context.Ecn.IsEchoing)
            flags |= TcpFlags.Ece;
        TcpSegment.WriteHeader(segment, context.Local.Port, context.Remote.Port, (uint)at, (uint)receiver.Next, flags,
            receiver.OfferWindow(syn: false), optionBytes);
    }

    private Span<byte> Begin(int length, byte ecn = 0)
    {
        var hop = context.NextHop.Find(context.Host.Routing, context.Remote.Address);
        return context.Host.Ip.Begin(hop, context.Local.Address, context.Remote.Address, IpProtocol.Tcp, context.Options.HopLimit, length,
            trafficClass: (byte)((context.Options.TrafficClass & ~3) | ecn));
    }

    private void Commit(Span<byte> segment)
    {
        TcpSegment.WriteChecksum(segment, context.PseudoHeader + (uint)segment.Length);
        context.Statistics.SegmentsSent++;
        context.Count(HostCounter.TcpSegmentsSent);
        context.Host.Ip.Commit(context.Local.Address, segment.Length);
    }
}
