namespace Lanyard.NetStack;

/// <summary>
/// Applies what an acceptable segment carries: its acknowledgment, data and FIN (RFC 9293 section 3.10.7.4, from the fifth check on).
/// </summary>
internal readonly ref struct StreamInput(
    TcpContext context, ConnectionState state, SendSequence sequence, TcpSender sender, TcpReceiver receiver)
{
    /// <summary>Applies an acknowledgment number that lies within what was sent.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="start">Its sequence number.</param>
    /// <param name="ack">Its acknowledgment number.</param>
    public void Acknowledge(long now, in TcpSegment segment, long start, long ack)
    {
        if (!sender.Acknowledge(now, segment, start, ack))
            return;
        context.NextHop.Neighbor?.Confirm(context.Host.Now);
        state.Events.OnAcknowledged(sender.Buffer);
        if (sequence.FinAcknowledged)
            state.OnFinAcknowledged(context.Host.Now);
    }

    /// <summary>Applies data and FIN.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="start">Its sequence number.</param>
    /// <param name="isMarked">Whether its packet was marked for congestion.</param>
    /// <returns>False if the segment must be answered with a reset, because the application reads no more.</returns>
    public bool Receive(long now, in TcpSegment segment, long start, bool isMarked)
    {
        var fin = segment.Has(TcpFlags.Fin);
        var data = segment.Payload;
        if (data.IsEmpty && !fin)
            return true;
        if (context.Ecn.IsEnabled)
            ReceiveCongestionMark(segment, isMarked);
        if (receiver.FinReceived)
        {
            // Nothing follows a FIN, so this is a retransmission.
            receiver.AckNow();
            return true;
        }

        if (!data.IsEmpty && state.IsClosedByApplication && start + data.Length > receiver.Next)
            return false;
        var received = receiver.Buffer.Next;
        Count(receiver.Receive(start, data, fin), data.IsEmpty, start);
        if (receiver.Buffer.Next > received)
        {
            context.Statistics.BytesReceived += receiver.Buffer.Next - received;
            state.Events.Add(TcpEventKinds.Readable);
        }

        if (receiver.FinReceived)
            state.OnFinReceived(now);
        return true;
    }

    private void Count(ReceiveBuffer.Outcome outcome, bool isEmpty, long start)
    {
        switch (outcome)
        {
            case ReceiveBuffer.Outcome.OutOfOrder:
                context.Count(HostCounter.TcpOutOfOrder);
                break;
            case ReceiveBuffer.Outcome.Duplicate when !isEmpty:
                context.Count(HostCounter.TcpDuplicateData);
                break;
            case ReceiveBuffer.Outcome.Refused:
                context.Count(start > receiver.Next ? HostCounter.TcpOutOfOrderDropped : HostCounter.OutOfMemory);
                break;
            default:
                break;
        }
    }

    private void ReceiveCongestionMark(in TcpSegment segment, bool isMarked)
    {
        context.Ecn.OnDataReceived(segment.Has(TcpFlags.Cwr), isMarked);
        if (!isMarked)
            return;
        context.Count(HostCounter.TcpCongestionMarks);
        receiver.AckNow();
    }
}
