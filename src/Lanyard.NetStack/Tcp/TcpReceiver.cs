namespace Lanyard.NetStack;

/// <summary>
/// The receiving half of a connection: what has arrived, what window is offered (RFC 9293 section 3.8.6), and when to acknowledge. The
/// decision to acknowledge is made when a batch ends, so that a batch of segments costs one acknowledgement.
/// </summary>
internal sealed class TcpReceiver(BufferPool pool, TcpOptions options)
{
    // Acknowledged at once in the beginning, while the other end's window is small.
    private const int QuickAcks = 16;
    private const int MinSegmentEstimate = 536;
    private const int MaxUnscaledWindow = 65_535;

    private int _unacknowledged;
    private int _quick = QuickAcks;
    private bool _ackNow;
    private SequenceRange _duplicate;
    private int _gapSegments;

    // Auto-tuning: what the app has read since a round trip began.
    private long _tuneAt;
    private long _tuneRead;

    public ReceiveBuffer Buffer { get; } = new(pool, options.InitialReceiveBufferBytes);

    /// <summary>The sequence number of the stream's first byte.</summary>
    public long First { get; private set; }

    /// <summary>The next sequence number expected.</summary>
    public long Next => First + Buffer.Next + (FinReceived ? 1 : 0);

    /// <summary>One past the last sequence number that was ever offered.</summary>
    public long RightEdge { get; private set; }

    /// <summary>The shift of the windows offered.</summary>
    public int WindowShift { get; set; }

    /// <summary>Whether the other end's FIN and all before it have arrived.</summary>
    public bool FinReceived { get; private set; }

    /// <summary>The sequence number of the FIN, -1 if none was heard of.</summary>
    public long FinSequence { get; private set; } = -1;

    /// <summary>The longest payload received, the estimate of the other end's segment size.</summary>
    public int SegmentEstimate { get; private set; } = MinSegmentEstimate;

    /// <summary>When the acknowledgement can wait no longer; <see cref="long.MaxValue"/> if none waits.</summary>
    public long AckDeadline { get; private set; } = long.MaxValue;

    /// <summary>The longest wait of an acknowledgement.</summary>
    public long AckDelay { get; private set; } = Microseconds.From(options.DelayedAck);

    /// <summary>Whether every segment is acknowledged at once.</summary>
    public bool QuickAck { get; private set; } = options.QuickAck;

    public int MaxBuffer { get; private set; } = options.MaxReceiveBufferBytes;

    /// <summary>Whether an acknowledgement must be sent now.</summary>
    public bool IsAckDue => _ackNow || _unacknowledged >= 2 * SegmentEstimate || (_unacknowledged > 0 && (_quick > 0 || QuickAck));

    /// <summary>Data that arrived twice and is to be told of (RFC 2883); empty if there is none.</summary>
    public SequenceRange Duplicate => _duplicate;

    public int SackRanges => Buffer.RangeCount;

    /// <summary>The shift that lets a window of the largest buffer be told (RFC 7323 section 2.3).</summary>
    public static int ChooseShift(int maxBuffer)
    {
        var shift = 0;
        while (shift < TcpSegmentOptions.MaxWindowShift && maxBuffer >> shift > MaxUnscaledWindow)
            shift++;
        return shift;
    }

    /// <summary>The window field of a SYN sent before the other end is heard of.</summary>
    public ushort InitialWindow => FirstWindow(Buffer.Capacity);

    /// <summary>The window field of a SYN, which is never scaled (RFC 7323 section 2.2).</summary>
    public static ushort FirstWindow(int buffer) => (ushort)Math.Min(buffer, MaxUnscaledWindow);

    /// <summary>The other end's SYN has come. <paramref name="offered"/> if <see cref="InitialWindow"/> was offered before.</summary>
    public void Start(long synSequence, bool offered)
    {
        First = synSequence + 1;
        RightEdge = First + (offered ? InitialWindow : 0);
    }

    /// <summary>Takes a segment's data and FIN; the segment has been found acceptable.</summary>
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
                    // What fills or shows a gap is told at once (RFC 5681 section 4.2).
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

    /// <summary>An acknowledgement is owed at once, whatever was received.</summary>
    public void AckNow() => _ackNow = true;

    /// <summary>Notes a segment of which nothing is new, to be told of with the next acknowledgement.</summary>
    public void NoteDuplicate(long start, long end)
    {
        if (end > start)
            _duplicate = new SequenceRange(start, end);
    }

    /// <summary>How many acknowledgements an end without selective ones needs for what has arrived: one for each segment beyond a gap,
    /// since it counts them, else one.</summary>
    public int PlainAcks => Math.Max(_gapSegments, 1);

    /// <summary>An acknowledgement has left, with everything there was to tell.</summary>
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

    /// <summary>A batch has ended and nothing was sent: an acknowledgement that may wait begins to.</summary>
    public void SettleAck(long now)
    {
        if (_unacknowledged > 0 && AckDeadline == long.MaxValue)
            AckDeadline = now + AckDelay;
    }

    /// <summary>
    /// The window field to send now. The right edge never moves back, and moves on only by a worthwhile amount (silly window avoidance,
    /// RFC 9293 section 3.8.6.2.2).
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
        // Rounding must not take back what was offered.
        if (next + (field << shift) < RightEdge && field < MaxUnscaledWindow)
            field++;
        RightEdge = Math.Max(RightEdge, next + (field << shift));
        return (ushort)field;
    }

    /// <summary>The app has read: tells whether the other end should hear of the room, and lets the buffer grow with the speed of
    /// reading.</summary>
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

    // Who reads half a buffer in a round trip could do with twice the buffer.
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
