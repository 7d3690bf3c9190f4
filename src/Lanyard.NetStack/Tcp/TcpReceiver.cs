namespace Lanyard.NetStack;

/// <summary>
/// The receiving half of a connection: keeps received data, offers the window (RFC 9293 section 3.8.6) and decides when to acknowledge. It decides
/// at the end of a batch, so that a batch of segments costs one acknowledgment.
/// </summary>
internal sealed class TcpReceiver(BufferPool pool, TcpOptions options)
{
    // The number of acknowledgments sent at once in the beginning, while the peer's window is small.
    private const int QuickAcks = 16;
    private const int MinSegmentEstimate = 536;
    private const int MaxUnscaledWindow = 65_535;

    private int _unacknowledged;
    private int _quick = QuickAcks;
    private bool _ackNow;
    private SequenceRange _duplicate;
    private int _gapSegments;

    // Auto-tuning: the bytes that the application has read since a round trip began.
    private long _tuneAt;
    private long _tuneRead;

    public ReceiveBuffer Buffer { get; } = new(pool, options.InitialReceiveBufferBytes);

    /// <summary>The sequence number of the stream's first byte.</summary>
    public long First { get; private set; }

    /// <summary>The next sequence number expected.</summary>
    public long Next => First + Buffer.Next + (FinReceived ? 1 : 0);

    /// <summary>The right edge of the window: one past the last sequence number ever offered.</summary>
    public long RightEdge { get; private set; }

    /// <summary>The scale shift of the windows offered.</summary>
    public int WindowShift { get; set; }

    /// <summary>Whether the peer's FIN and all data before it have arrived.</summary>
    public bool FinReceived { get; private set; }

    /// <summary>The sequence number of the FIN; -1 if none has arrived.</summary>
    public long FinSequence { get; private set; } = -1;

    /// <summary>The longest payload received in bytes, which estimates the peer's segment size.</summary>
    public int SegmentEstimate { get; private set; } = MinSegmentEstimate;

    /// <summary>When the delayed acknowledgment is due, in microseconds; <see cref="long.MaxValue"/> if none is delayed.</summary>
    public long AckDeadline { get; private set; } = long.MaxValue;

    /// <summary>The longest delay of an acknowledgment in microseconds.</summary>
    public long AckDelay { get; private set; } = Microseconds.From(options.DelayedAck);

    /// <summary>Whether every segment is acknowledged at once.</summary>
    public bool QuickAck { get; private set; } = options.QuickAck;

    public int MaxBuffer { get; private set; } = options.MaxReceiveBufferBytes;

    /// <summary>Whether an acknowledgment must be sent now.</summary>
    public bool IsAckDue => _ackNow || _unacknowledged >= 2 * SegmentEstimate || (_unacknowledged > 0 && (_quick > 0 || QuickAck));

    /// <summary>Data that arrived twice and must be reported (RFC 2883); empty if there is none.</summary>
    public SequenceRange Duplicate => _duplicate;

    public int SackRanges => Buffer.RangeCount;

    /// <summary>Returns the scale shift with which the window of the largest buffer fits into its field (RFC 7323 section 2.3).</summary>
    public static int ChooseShift(int maxBuffer)
    {
        var shift = 0;
        while (shift < TcpSegmentOptions.MaxWindowShift && maxBuffer >> shift > MaxUnscaledWindow)
            shift++;
        return shift;
    }

    /// <summary>The window field of a SYN sent before the peer's SYN has arrived.</summary>
    public ushort InitialWindow => FirstWindow(Buffer.Capacity);

    /// <summary>Returns the window field of a SYN, which is never scaled (RFC 7323 section 2.2).</summary>
    public static ushort FirstWindow(int buffer) => (ushort)Math.Min(buffer, MaxUnscaledWindow);

    /// <summary>Starts with the peer's SYN.</summary>
    /// <param name="synSequence">The sequence number of the SYN.</param>
    /// <param name="offered">Whether <see cref="InitialWindow"/> was offered before.</param>
    public void Start(long synSequence, bool offered)
    {
        First = synSequence + 1;
        RightEdge = First + (offered ? InitialWindow : 0);
    }

    /// <summary>Stores the data and FIN of an acceptable segment.</summary>
    public ReceiveBuffer.Outcome Receive(long sequence, ReadOnlySpan<byte> data, bool fin)
    {
        var end = sequence + data.Length;
        var limit = FinSequence >= 0 ? Math.Min(RightEdge, FinSequence) : RightEdge;
        if (end > limit)
        {
            data = data[..(int)Math.Max(0, limit - sequence)];
            fin = fin && end <= RightEdge && FinSequence < 0;
            end = sequence + data.Length;
        }

        var outcome = ReceiveBuffer.Outcome.Duplicate;
        if (!data.IsEmpty)
        {
            SegmentEstimate = Math.Max(SegmentEstimate, data.Length);
            var hadGap = Buffer.RangeCount > 0;
            outcome = Buffer.Insert(sequence - First, data);
            switch (outcome)
            {
                case ReceiveBuffer.Outcome.InOrder when !hadGap:
                    _unacknowledged += data.Length;
                    break;
                case ReceiveBuffer.Outcome.Duplicate:
                    _duplicate = new SequenceRange(sequence, end);
                    _ackNow = true;
                    break;
                default:
                    // A segment that fills or shows a gap is acknowledged at once (RFC 5681 section 4.2).
                    _ackNow = true;
                    if (outcome == ReceiveBuffer.Outcome.OutOfOrder)
                        _gapSegments++;
                    break;
            }
        }

        if (fin && FinSequence < 0 && end >= First + Buffer.Next)
            FinSequence = end;
        if (FinSequence >= 0 && !FinReceived && First + Buffer.Next == FinSequence)
        {
            FinReceived = true;
            _ackNow = true;
        }

        return outcome;
    }

    /// <summary>Requests an acknowledgment at the end of the batch.</summary>
    public void AckNow() => _ackNow = true;

    /// <summary>Records a segment without new data. The next acknowledgment reports it.</summary>
    public void NoteDuplicate(long start, long end)
    {
        if (end > start)
            _duplicate = new SequenceRange(start, end);
    }

    /// <summary>The number of acknowledgments that a peer without selective acknowledgments needs: one for each segment behind a gap, because it counts
    /// duplicates, else one.</summary>
    public int PlainAcks => Math.Max(_gapSegments, 1);

    /// <summary>Records that an acknowledgment was sent that reports everything received.</summary>
    public void OnAckSent()
    {
        _ackNow = false;
        _unacknowledged = 0;
        _gapSegments = 0;
        _duplicate = default;
        AckDeadline = long.MaxValue;
        if (_quick > 0)
            _quick--;
    }

    /// <summary>Starts the delay of a pending acknowledgment. Called when a batch ends without one.</summary>
    public void SettleAck(long now)
    {
        if (_unacknowledged > 0 && AckDeadline == long.MaxValue)
            AckDeadline = now + AckDelay;
    }

    /// <summary>
    /// Returns the window field to send now. The right edge never moves back, and advances only by a worthwhile amount (silly window avoidance, RFC
    /// 9293 section 3.8.6.2.2).
    /// </summary>
    public ushort OfferWindow(bool syn)
    {
        var next = Next;
        var right = RightEdge;
        var wanted = First + Buffer.ReadOffset + Buffer.Capacity;
        if (wanted - right >= Math.Min(Buffer.Capacity / 2, SegmentEstimate))
            right = wanted;
        var shift = syn ? 0 : WindowShift;
        var window = Math.Max(0, right - next);
        var field = Math.Min(window >> shift, MaxUnscaledWindow);
        // Rounding must not reduce the window already offered.
        if (next + (field << shift) < RightEdge && field < MaxUnscaledWindow)
            field++;
        RightEdge = Math.Max(RightEdge, next + (field << shift));
        return (ushort)field;
    }

    /// <summary>Records that the application has read. Requests an acknowledgment if the peer should learn of the room, and lets the buffer grow with the
    /// speed of reading.</summary>
    public void OnRead(long now, int count, long rtt)
    {
        Tune(now, count, rtt);
        if (FinSequence >= 0)
            return;
        var gain = First + Buffer.ReadOffset + Buffer.Capacity - RightEdge;
        if (gain >= Buffer.Capacity / 4
            || (RightEdge - Next < 2 * SegmentEstimate && gain >= Math.Min(Buffer.Capacity / 2, SegmentEstimate)))
            _ackNow = true;
    }

    /// <summary>Applies new settings.</summary>
    /// <param name="changed">The settings.</param>
    public void Configure(TcpOptions changed)
    {
        MaxBuffer = changed.MaxReceiveBufferBytes;
        AckDelay = Microseconds.From(changed.DelayedAck);
        QuickAck = changed.QuickAck;
    }

    /// <summary>Adds the state of receiving to the description of a connection.</summary>
    /// <param name="info">The description.</param>
    public TcpInfo Describe(in TcpInfo info) => info with
    {
        ReceiveWindow = Math.Max(0, RightEdge - Next),
        ReceiveBufferBytes = Buffer.Capacity,
        ReceiveWindowShift = WindowShift,
        DelayedAck = AckDelay,
        ReceiveSegmentBytes = SegmentEstimate,
        BytesUnread = Buffer.Readable + Buffer.Delivered,
    };

    // An application that reads half a buffer in a round trip benefits from twice the buffer.
    private void Tune(long now, int count, long rtt)
    {
        _tuneRead += count;
        if (now - _tuneAt < rtt)
            return;
        if (_tuneRead >= Buffer.Capacity / 2)
            Buffer.GrowTo(Buffer.Capacity * 2L, MaxBuffer);
        _tuneAt = now;
        _tuneRead = 0;
    }
}
