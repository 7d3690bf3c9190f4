namespace Lanyard.NetStack;

/// <summary>
/// The sending half of a connection: what the app wrote, what is in flight, and when what may be sent (RFC 9293 section 3.8, RFC 5681).
/// Acknowledgements are heeded in the other part.
/// </summary>
internal sealed partial class TcpSender(TcpConnection connection, BufferPool pool, TcpOptions options)
{
    // Segments in flight may be this many times what the window would be in full ones: an app that writes byte by byte is made to wait.
    private const int SmallSegmentAllowance = 4;

    // Bursts are no longer than what leaves in one piece, nor than a part of the window; the other end may hold back acknowledgements of
    // fewer segments than two.
    private const int MaxBurstBytes = 61_440;
    private const int BurstsPerWindow = 4;
    private const int MinSegmentsToWait = 4;

    private long _lastSentAt;
    private bool _limited;

    public SendBuffer Buffer { get; } = new(pool, options.InitialSendBufferBytes);

    public SentSegments Segments { get; } = new();

    public LossRecovery Recovery { get; private set; } = null!;

    /// <summary>How fast data is delivered.</summary>
    public DeliveryRate Rate;

    public CongestionControl Congestion { get; private set; } = null!;

    /// <summary>The sequence number of the stream's first byte.</summary>
    public long First { get; private set; }

    /// <summary>The first sequence number not acknowledged.</summary>
    public long Unacknowledged { get; private set; }

    /// <summary>The next sequence number to be sent.</summary>
    public long Next { get; private set; }

    /// <summary>The window that the other end offers, in bytes from <see cref="Unacknowledged"/>.</summary>
    public long Window { get; private set; }

    /// <summary>The largest window ever offered.</summary>
    public long MaxWindow { get; private set; }

    /// <summary>The shift of the windows offered.</summary>
    public int WindowShift { get; set; }

    /// <summary>The largest payload of a segment.</summary>
    public int Mss { get; private set; }

    /// <summary>Whether the app has finished sending.</summary>
    public bool FinQueued { get; private set; }

    public bool FinSent { get; private set; }

    /// <summary>Whether the other end has acknowledged the FIN.</summary>
    public bool FinAcknowledged => FinSent && Unacknowledged == Next;

    public bool HasUnsent => Buffer.End > Next - First || (FinQueued && !FinSent);

    public long Outstanding => Next - Unacknowledged;

    public bool NoDelay { get; set; } = options.NoDelay;

    public int MaxBuffer { get; set; } = options.MaxSendBufferBytes;

    /// <summary>The SYN takes the first sequence number.</summary>
    public void Start(long initialSequence)
    {
        Unacknowledged = initialSequence;
        Next = initialSequence + 1;
        First = initialSequence + 1;
        Recovery = new LossRecovery(Segments);
    }

    /// <summary>The SYN was acknowledged and the segment size is agreed.</summary>
    public void Establish(int mss, bool useSack)
    {
        Unacknowledged = First;
        Mss = mss;
        Congestion = CongestionControl.Create(options.Congestion, mss);
        _paces = options.Pacing || Congestion.NeedsPacing;
        Recovery.UseSack = useSack;
    }

    public void FinishStream() => FinQueued = true;

    /// <summary>The path carries less than thought; what is in flight and longer is sent again in pieces.</summary>
    public void LowerMss(int mss, long now)
    {
        _sizeSearch?.Cap(mss);
        if (mss >= Mss)
            return;
        for (var i = 0; i < Segments.Count; i++)
        {
            ref var segment = ref Segments[i];
            if (segment.Length > mss && !segment.Is(SentState.Sacked))
                Segments.Change(ref segment, SentState.Lost, SentState.Retransmitted);
        }

        Mss = mss;
        Congestion.SetMss(mss);
        ArmRetransmission(now);
    }

    /// <summary>Sends what may be sent now: first what was lost, then what is new.</summary>
    public void Send(long now)
    {
        if (_paces)
            BeginPacing(now);
        if (Segments.LostUnsent > 0)
            SendLost(now);
        if (HasUnsent)
            SendNew(now);
        else
            _limited = false;
        if (!HasUnsent && Segments.Count > 0 && Segments.LostUnsent == 0)
            Rate.OnAppLimited(Recovery.Pipe(Outstanding));
        SettlePersist(now);
    }

    /// <summary>Gives everything back.</summary>
    public void Dispose()
    {
        Buffer.Dispose();
        Segments.Clear();
        RetransmitAt = ProbeAt = PersistAt = PaceAt = long.MaxValue;
    }

    private void SendLost(long now)
    {
        var window = Unacknowledged + Math.Max(Window, 1);
        for (var i = 0; i < Segments.Count && Segments.LostUnsent > 0; i++)
        {
            ref var segment = ref Segments[i];
            if (!segment.Is(SentState.Lost) || segment.Is(SentState.Retransmitted))
                continue;
            var pipe = Recovery.Pipe(Outstanding);
            // A segment more than the window by rounding is let go; the very first always is, or nothing would move.
            if ((pipe >= Congestion.Window && pipe > 0) || (i > 0 && segment.Start >= window))
                return;
            if (_paces && MustWait(now))
                return;
            Retransmit(i, now);
        }
    }

    private void Retransmit(int index, long now)
    {
        if (Segments[index].Length > Mss + (Segments[index].Is(SentState.Fin) ? 1 : 0))
            Segments.Split(index, Mss);
        ref var segment = ref Segments[index];
        Segments.Change(ref segment, SentState.Retransmitted | SentState.EverRetransmitted, SentState.None);
        segment.SentAt = now;
        Rate.OnSent(ref segment, now, isFirstInFlight: false);
        Recovery.OnRetransmitted(segment);
        Recovery.OnSent(segment.Length);
        var fin = segment.Is(SentState.Fin);
        var length = segment.Length - (fin ? 1 : 0);
        connection.Host.Count(HostCounter.TcpRetransmissions);
        connection.BytesRetransmitted += length;
        connection.SegmentsRetransmitted++;
        Transmit(segment.Start, length, fin, now, isNew: false);
        if (RetransmitAt == long.MaxValue)
            ArmRetransmission(now);
    }

    private void SendNew(long now)
    {
        if (Segments.Count == 0 && now - _lastSentAt > Rtt.Timeout(MinRto, MaxRto))
            Congestion.OnIdle();
        _limited = IsWorthWaiting();
        if (_limited)
            return;
        var sent = false;
        while (true)
        {
            var available = Buffer.End - (Next - First);
            var fin = FinQueued && !FinSent;
            if (available <= 0 && !fin)
                break;
            var room = Congestion.Window - Recovery.Pipe(Outstanding);
            var length = (int)Math.Min(available, Mss);
            if (room <= 0 || (room < length && Outstanding > 0) || HasTooManySmall())
            {
                _limited = true;
                break;
            }

            if (_paces && MustWait(now))
            {
                _limited = true;
                break;
            }

            if (_sizeSearch is not null && TrySendSizeProbe(available, room, now))
            {
                sent = true;
                continue;
            }

            var usable = Unacknowledged + Window - Next;
            if (usable <= 0 || !MaySend(ref length, available, usable, fin))
                break;
            fin = fin && length == available && usable > length;
            if (length == 0 && !fin)
                break;
            SendSegment(length, fin, now);
            sent = true;
        }

        if (sent)
            ArmProbe(now);
    }

    // A window that is nearly full opens with each acknowledgement by a segment or two. Where much is to be sent and more acknowledgements
    // are on their way, it is left to open further: a burst costs little more than a segment, here, on the way and at the other end. Not
    // when something seems to be missing: then a new segment may bring the acknowledgement that tells (RFC 3042). Pacing makes bursts of
    // its own.
    private bool IsWorthWaiting()
    {
        var window = Math.Min(Congestion.Window, Window);
        var burst = Math.Min(window / BurstsPerWindow, MaxBurstBytes);
        return !_paces
            && Recovery.State == RecoveryState.Open
            && Outstanding >= window - burst
            && Outstanding > MinSegmentsToWait * Mss
            && Recovery.Pipe(Outstanding) == Outstanding
            && Buffer.End - (Next - First) > burst;
    }

    /// <summary>Whether a segment is worth sending (RFC 9293 sections 3.7.4 and 3.8.6.2.1); cuts it to the window.</summary>
    private bool MaySend(ref int length, long available, long usable, bool fin)
    {
        if (length > usable)
        {
            length = (int)usable;
            return length >= Math.Min(Mss, MaxWindow / 2);
        }

        return length == Mss || length < available || fin || NoDelay || Outstanding == 0;
    }

    private bool HasTooManySmall() => Segments.Count > SmallSegmentAllowance * ((Congestion.Window / Mss) + 4);

    private void SendSegment(int length, bool fin, long now)
    {
        var total = length + (fin ? 1 : 0);
        ref var segment = ref Segments.Add();
        segment.Start = Next;
        segment.Length = total;
        segment.State = fin ? SentState.Fin : SentState.None;
        segment.SentAt = now;
        segment.FirstSentAt = now;
        Rate.OnSent(ref segment, now, isFirstInFlight: Segments.Count == 1);
        var sequence = Next;
        Next += total;
        FinSent |= fin;
        Recovery.OnSent(total);
        Transmit(sequence, length, fin, now, isNew: true);
        if (RetransmitAt == long.MaxValue)
            ArmRetransmission(now);
    }

    private void Transmit(long sequence, int length, bool fin, long now, bool isNew)
    {
        if (_paces)
            Pace(length);
        _lastSentAt = now;
        var flags = TcpFlags.Ack;
        var offset = sequence - First;
        if (length > 0 && offset + length == Buffer.End)
            flags |= TcpFlags.Psh;
        if (fin)
            flags |= TcpFlags.Fin;
        connection.BytesSent += length;
        // What is sent again is not marked as capable (RFC 3168 section 6.1.5).
        var ecn = UsesEcn && isNew && length > 0 && Congestion.HeedsCongestionEchoes;
        if (ecn && TakeReducedNote())
            flags |= TcpFlags.Cwr;
        connection.TransmitData(flags, sequence, offset, length, ecn);
    }
}
