using Lanyard.Primitives;

namespace Lanyard.NetStack;

// How segments leave: written straight into the frame.
public sealed partial class TcpConnection
{
    private readonly uint _pseudoHeader;
    private readonly uint _timestampOffset;
    private Hop _hop;
    private int _hopGeneration = -1;
    private bool _usesWindowShift;

    internal long BytesSent { get; set; }

    internal long BytesRetransmitted { get; set; }

    internal long BytesAcknowledged { get; set; }

    internal long BytesReceived { get; private set; }

    internal long SegmentsSent { get; private set; }

    internal long SegmentsReceived { get; private set; }

    internal long FastRecoveries { get; set; }

    internal long Timeouts { get; set; }

    internal long SpuriousRecoveries { get; set; }

    /// <summary>How the connection is doing.</summary>
    public TcpInfo GetInfo() => AddDetail(new TcpInfo
    {
        State = State,
        SmoothedRtt = Sender.Rtt.Smoothed,
        RttVariation = Sender.Rtt.Variation,
        MinRtt = Sender.Rtt.HasSample ? Sender.Rtt.Min : 0,
        RetransmissionTimeout = Sender.Rtt.Timeout(Sender.MinRto, Sender.MaxRto),
        CongestionWindow = Sender.Congestion?.Window ?? 0,
        SlowStartThreshold = Sender.Congestion?.Threshold ?? 0,
        SendSegmentBytes = Sender.Mss,
        SendWindow = Sender.Window,
        ReceiveWindow = Math.Max(0, Receiver.RightEdge - Receiver.Next),
        BytesInFlight = Sender.Outstanding,
        BytesSent = BytesSent,
        BytesRetransmitted = BytesRetransmitted,
        BytesAcknowledged = BytesAcknowledged,
        BytesReceived = BytesReceived,
        SegmentsSent = SegmentsSent,
        SegmentsReceived = SegmentsReceived,
        FastRecoveries = FastRecoveries,
        Timeouts = Timeouts,
        SpuriousRecoveries = SpuriousRecoveries,
        DeliveryRate = Sender.Rate.Latest,
        DeliveryRateAppLimited = Sender.Rate.LatestAppLimited,
        PacingRate = Sender.PacingRate,
        UserTimeout = Sender.UserTimeout,
        Ecn = Sender.UsesEcn,
        SendBufferBytes = Sender.Buffer.Capacity,
        ReceiveBufferBytes = Receiver.Buffer.Capacity,
        Timestamps = UsesTimestamps,
        SelectiveAcknowledgments = _usesSack,
    });

    /// <summary>The timestamp that a segment sent at a time carries.</summary>
    internal uint TimestampAt(long time) => TimestampClock(time) + _timestampOffset;

    /// <summary>The clock of timestamps, in milliseconds.</summary>
    internal static uint TimestampClock(long time) => (uint)(time / Microseconds.PerMillisecond);

    /// <summary>The segment size that a SYN offers: what one frame carries.</summary>
    internal static int OfferedMss(NetworkHost host, InetAddress remote, TcpOptions options)
    {
        var mss = host.Mtu - IpOutput.HeaderBytes(remote) - TcpSegment.HeaderBytes;
        return options.MaxSegmentBytes > 0 ? Math.Min(mss, options.MaxSegmentBytes) : mss;
    }

    /// <summary>Sends bytes of the send buffer, acknowledging what there is to acknowledge.</summary>
    internal void TransmitData(TcpFlags flags, long sequence, long offset, int length, bool ecnCapable)
    {
        var timestamps = UsesTimestamps ? TcpSegmentOptions.TimestampBytes : 0;
        var segment = BeginSegment(TcpSegment.HeaderBytes + timestamps + length, ecnCapable ? IpOutput.EcnCapable : (byte)0);
        if (segment.IsEmpty)
            return;
        WriteHeader(segment, flags, sequence, timestamps);
        if (timestamps > 0)
            TcpSegmentOptions.WriteTimestamp(segment[TcpSegment.HeaderBytes..], TimestampAt(Host.Now), _recentTimestamp);
        if (length > 0)
        {
            Sender.Buffer.CopyTo(offset, segment[(TcpSegment.HeaderBytes + timestamps)..]);
            NoteDataSent();
        }

        CommitSegment(segment);
        // What needs selective acknowledgements to be told is told by a segment of its own.
        if (Receiver.SackRanges == 0 && Receiver.Duplicate.End == 0)
            Receiver.OnAckSent();
    }

    /// <summary>Sends what a live end must answer: an empty segment before what it has acknowledged.</summary>
    internal void TransmitProbe() => TransmitEmpty(Sender.Unacknowledged - 1);

    private void Output(long now)
    {
        if (State is TcpState.SynSent)
            return;
        if (State is not (TcpState.SynReceived or TcpState.TimeWait))
            Sender.Send(now);
        if (Receiver.IsAckDue)
        {
            for (var i = _usesSack ? 1 : Receiver.PlainAcks; i > 0; i--)
                TransmitEmpty(Sender.Next);
        }
        else
        {
            Receiver.SettleAck(now);
        }
    }

    private void TransmitEmpty(long sequence)
    {
        Span<SequenceRange> sack = stackalloc SequenceRange[TcpSegmentOptions.MaxSackBlocks];
        var blocks = CollectSack(sack);
        Span<byte> userTimeout = stackalloc byte[TcpSegmentOptions.UserTimeoutBytes];
        userTimeout = userTimeout[..(_tellsUserTimeout && blocks < TcpSegmentOptions.MaxSackBlocks ? WriteUserTimeout(userTimeout) : 0)];
        var optionBytes = (UsesTimestamps ? TcpSegmentOptions.TimestampBytes : 0) + TcpSegmentOptions.SackBytes(blocks)
            + userTimeout.Length;
        var segment = BeginSegment(TcpSegment.HeaderBytes + optionBytes);
        if (!segment.IsEmpty)
        {
            WriteHeader(segment, TcpFlags.Ack, sequence, optionBytes);
            var options = segment[TcpSegment.HeaderBytes..];
            if (UsesTimestamps)
                options = options[TcpSegmentOptions.WriteTimestamp(options, TimestampAt(Host.Now), _recentTimestamp)..];
            options = options[TcpSegmentOptions.WriteSack(options, sack[..blocks])..];
            userTimeout.CopyTo(options);
            _tellsUserTimeout &= userTimeout.IsEmpty;
            CommitSegment(segment);
        }

        Receiver.OnAckSent();
    }

    private int CollectSack(Span<SequenceRange> blocks)
    {
        if (!_usesSack)
            return 0;
        var count = 0;
        if (Receiver.Duplicate.End != 0)
            blocks[count++] = Receiver.Duplicate;
        return count + Receiver.Buffer.CopyRanges(blocks[count..], Receiver.First);
    }

    private void TransmitSyn(long now)
    {
        var reply = State == TcpState.SynReceived;
        _synSentAt = now;
        _synAt = now + (Microseconds.PerSecond << Math.Min(_synRetries, 6));
        // A reply offers only what was offered to it.
        var shift = reply ? _usesWindowShift ? Receiver.WindowShift : -1 : Options.WindowScaling ? Receiver.WindowShift : -1;
        var sack = reply ? _usesSack : Options.SelectiveAcknowledgments;
        var timestamps = reply ? UsesTimestamps : Options.Timestamps;
        Span<byte> options = stackalloc byte[TcpSegment.MaxOptionBytes];
        var mss = OfferedMss(Host, RemoteEndpoint.Address, Options);
        var length = TcpSegmentOptions.WriteSyn(options, mss, shift, sack, timestamps, TimestampAt(now), reply ? _recentTimestamp : 0);
        length += WriteUserTimeout(options[length..]);
        var flags = reply ? TcpFlags.Syn | TcpFlags.Ack | (Sender.UsesEcn ? TcpFlags.Ece : 0)
            : TcpFlags.Syn | (AsksForEcn ? TcpFlags.Ece | TcpFlags.Cwr : 0);
        var segment = BeginSegment(TcpSegment.HeaderBytes + length);
        if (segment.IsEmpty)
            return;
        TcpSegment.WriteHeader(segment, LocalEndpoint.Port, RemoteEndpoint.Port, (uint)(Sender.Next - 1), reply ? (uint)Receiver.Next : 0,
            flags, reply ? Receiver.OfferWindow(syn: true) : Receiver.InitialWindow, length);
        options[..length].CopyTo(segment[TcpSegment.HeaderBytes..]);
        _lastAckSent = Receiver.Next;
        CommitSegment(segment);
    }

    private void TransmitReset()
    {
        var segment = BeginSegment(TcpSegment.HeaderBytes);
        if (segment.IsEmpty)
            return;
        TcpSegment.WriteHeader(segment, LocalEndpoint.Port, RemoteEndpoint.Port, (uint)Sender.Next, (uint)Receiver.Next,
            TcpFlags.Rst | TcpFlags.Ack, 0, 0);
        Host.Count(HostCounter.TcpResetsSent);
        CommitSegment(segment);
    }

    private void WriteHeader(Span<byte> segment, TcpFlags flags, long sequence, int optionBytes)
    {
        _lastAckSent = Receiver.Next;
        if (_echoesCongestion)
            flags |= TcpFlags.Ece;
        TcpSegment.WriteHeader(segment, LocalEndpoint.Port, RemoteEndpoint.Port, (uint)sequence, (uint)Receiver.Next, flags,
            Receiver.OfferWindow(syn: false), optionBytes);
    }

    // Whether segments go to an Ethernet address now: a neighbor's, or the host's own.
    private bool IsNextHop(MacAddress mac) => _hop.Kind == HopKind.Loopback ? mac == Host.Mac : (_hop.Neighbor?.Mac ?? _hop.Mac) == mac;

    private Span<byte> BeginSegment(int length, byte ecn = 0)
    {
        if (_hopGeneration != Host.Routing.Generation || !_hop.IsCurrent)
        {
            _hop = Host.Routing.Route(RemoteEndpoint.Address);
            _hopGeneration = Host.Routing.Generation;
        }

        return Host.Ip.Begin(_hop, LocalEndpoint.Address, RemoteEndpoint.Address, IpProtocol.Tcp, Options.HopLimit, length,
            trafficClass: (byte)((Options.TrafficClass & ~3) | ecn));
    }

    private void CommitSegment(Span<byte> segment)
    {
        TcpSegment.WriteChecksum(segment, _pseudoHeader + (uint)segment.Length);
        SegmentsSent++;
        Host.Count(HostCounter.TcpSegmentsSent);
        Host.Ip.Commit(LocalEndpoint.Address, segment.Length);
    }
}
