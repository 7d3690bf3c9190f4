namespace Lanyard.NetStack;

// What TcpInfo tells beyond the counts kept elsewhere.
public sealed partial class TcpConnection
{
    private long _dataSentAt = -1;
    private long _dataReceivedAt = -1;
    private long _ackReceivedAt = -1;
    private long _dataSegmentsSent;
    private long _dataSegmentsReceived;

    internal long SegmentsRetransmitted { get; set; }

    private void NoteReceived(long now, in TcpSegment segment)
    {
        if (segment.Has(TcpFlags.Ack))
            _ackReceivedAt = now;
        if (segment.Payload.IsEmpty)
            return;
        _dataReceivedAt = now;
        _dataSegmentsReceived++;
    }

    private void NoteDataSent()
    {
        _dataSentAt = Host.Now;
        _dataSegmentsSent++;
    }

    private TcpInfo AddDetail(TcpInfo info) => info with
    {
        Recovery = Sender.Recovery?.State switch
        {
            RecoveryState.Recovery => TcpRecoveryState.Recovery,
            RecoveryState.Loss => TcpRecoveryState.Loss,
            _ => Sender.Segments.Sacked > 0 ? TcpRecoveryState.Disorder : TcpRecoveryState.Open,
        },
        ConsecutiveTimeouts = Sender.Retries,
        UnansweredProbes = _keepAlivesSent + Sender.UnansweredProbes,
        SendWindowShift = Sender.WindowShift,
        ReceiveWindowShift = Receiver.WindowShift,
        DelayedAck = Receiver.AckDelay,
        ReceiveSegmentBytes = Receiver.SegmentEstimate,
        OfferedSegmentBytes = OfferedMss(Host, RemoteEndpoint.Address, Options),
        PathMtu = Host.Ip.PathMtu(RemoteEndpoint.Address),
        SegmentsInFlight = Sender.Segments.Count,
        BytesSelectivelyAcknowledged = Sender.Segments.Sacked,
        BytesLost = Sender.Segments.Lost,
        BytesRetransmittedInFlight = Sender.Segments.Retransmitted,
        BytesUnsent = Math.Max(0, Sender.Buffer.End - (Sender.Next - Sender.First)),
        BytesUnread = ReadableBytes,
        SegmentsRetransmitted = SegmentsRetransmitted,
        DataSegmentsSent = _dataSegmentsSent,
        DataSegmentsReceived = _dataSegmentsReceived,
        SinceDataSent = Since(_dataSentAt),
        SinceDataReceived = Since(_dataReceivedAt),
        SinceAcknowledgment = Since(_ackReceivedAt),
        ReorderingSeen = Sender.Recovery?.ReorderingSeen ?? false,
    };

    private long Since(long time) => time < 0 ? -1 : Host.Now - time;
}
