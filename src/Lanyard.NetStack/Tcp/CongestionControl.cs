namespace Lanyard.NetStack;

/// <summary>What an acknowledgement brought. Sizes are in bytes, times in microseconds.</summary>
internal readonly struct AckSample
{
    public long Now { get; init; }

    /// <summary>How much was acknowledged in order.</summary>
    public long Acknowledged { get; init; }

    /// <summary>How much has reached the other end, in order or beyond gaps, that was not known to have.</summary>
    public long Delivered { get; init; }

    /// <summary>How much was found lost.</summary>
    public long Lost { get; init; }

    /// <summary>Whether the window was what held sending back.</summary>
    public bool Limited { get; init; }

    /// <summary>The round-trip time of the segment sent last among those that arrived, -1 if none can be told.</summary>
    public long Rtt { get; init; }

    /// <summary>The smoothed round-trip time.</summary>
    public long SmoothedRtt { get; init; }

    /// <summary>The first sequence number not acknowledged.</summary>
    public long Unacknowledged { get; init; }

    /// <summary>The next sequence number to be sent.</summary>
    public long Next { get; init; }

    /// <summary>What is in flight now, and what was before.</summary>
    public long Pipe { get; init; }

    public long PipeBefore { get; init; }

    /// <summary>How fast data is being delivered.</summary>
    public RateSample Rate { get; init; }
}

/// <summary>
/// How much may be in flight. The window while loss is repaired is <see cref="LossRecovery"/>'s, unless <see cref="OwnsRecovery"/>; here is
/// how it grows and what it falls to. Sizes are in bytes, times in microseconds.
/// </summary>
internal abstract class CongestionControl(int mss)
{
    /// <summary>Segments of the initial window (RFC 6928).</summary>
    protected const int InitialSegments = 10;

    private long _savedWindow;
    private long _savedThreshold;

    /// <summary>The segment size.</summary>
    public int Mss { get; private set; } = mss;

    /// <summary>The congestion window.</summary>
    public long Window { get; set; } = (long)InitialSegments * mss;

    /// <summary>The slow start threshold.</summary>
    public long Threshold { get; protected set; } = long.MaxValue;

    public bool InSlowStart => Window < Threshold;

    /// <summary>Whether the window is the algorithm's own also while loss is repaired.</summary>
    public virtual bool OwnsRecovery => false;

    /// <summary>Whether the algorithm means nothing without pacing.</summary>
    public virtual bool NeedsPacing => false;

    /// <summary>Whether the algorithm slows down when told of congestion; what it sends must not be marked as capable if not.</summary>
    public virtual bool HeedsCongestionEchoes => true;

    public static CongestionControl Create(CongestionAlgorithm algorithm, int mss) => algorithm switch
    {
        CongestionAlgorithm.Reno => new RenoCongestionControl(mss),
        CongestionAlgorithm.Bbr => new BbrCongestionControl(mss),
        _ => new CubicCongestionControl(mss),
    };

    /// <summary>How fast to send, in bytes a second; 0 for as fast as the window allows. A window over a round-trip time, with room to
    /// grow.</summary>
    public virtual long PacingRate(long smoothedRtt) => smoothedRtt <= 0 ? 0
        : (long)((InSlowStart ? 2 : 1.2) * Window * Microseconds.PerSecond / smoothedRtt);

    /// <summary>Goes on where another algorithm was.</summary>
    public void TakeOver(CongestionControl other)
    {
        Window = other.Window;
        Threshold = other.Threshold;
    }

    /// <summary>The segment size has changed; the window stays the same number of segments if it is still the initial one.</summary>
    public void SetMss(int mss)
    {
        if (Window == (long)InitialSegments * Mss)
            Window = (long)InitialSegments * mss;
        Mss = mss;
    }

    /// <summary>New data was acknowledged while no loss was being repaired, or while repairing after a timeout.</summary>
    public void OnAcknowledged(in AckSample sample)
    {
        var bytes = sample.Acknowledged;
        if (InSlowStart)
            bytes = SlowStart(sample);
        if (!InSlowStart)
            Avoid(sample.Now, bytes, sample.Limited, sample.SmoothedRtt);
    }

    /// <summary>Any acknowledgement that says anything of what is in flight.</summary>
    public virtual void OnEveryAcknowledgment(in AckSample sample)
    {
    }

    /// <summary>Loss was found, or congestion told of: sets <see cref="Threshold"/>.</summary>
    public virtual void OnLoss(long flight) => Threshold = Math.Max(Reduce(flight), 2L * Mss);

    /// <summary>The retransmission timer ran out. <paramref name="first"/> unless it is for the same data again (RFC 5681 section
    /// 3.1).</summary>
    public virtual void OnTimeout(long flight, bool first)
    {
        if (first)
            OnLoss(flight);
        Window = Mss;
    }

    /// <summary>Fast recovery begins; only if <see cref="OwnsRecovery"/>.</summary>
    public virtual void OnRecoveryBegun(in AckSample sample)
    {
    }

    /// <summary>Repairing is over; only if <see cref="OwnsRecovery"/>.</summary>
    public virtual void OnRecoveryEnded()
    {
    }

    /// <summary>Nothing was sent for longer than a timeout (RFC 5681 section 4.1).</summary>
    public virtual void OnIdle()
    {
        Threshold = Math.Max(Threshold, Window / 4 * 3);
        Window = Math.Min(Window, (long)InitialSegments * Mss);
    }

    /// <summary>Remembers what <see cref="Undo"/> goes back to: called before the window falls.</summary>
    public virtual void Save()
    {
        _savedWindow = Window;
        _savedThreshold = Threshold;
    }

    /// <summary>The loss that the window fell for was none.</summary>
    public virtual void Undo()
    {
        Window = Math.Max(Window, _savedWindow);
        Threshold = Math.Max(Threshold, _savedThreshold);
    }

    /// <summary>Grows in slow start, and returns the bytes that go beyond the threshold, which count for what follows. Appropriate byte
    /// counting (RFC 3465), without its limit: acknowledgements here are for batches.</summary>
    protected virtual long SlowStart(in AckSample sample)
    {
        if (!sample.Limited)
            return sample.Acknowledged;
        var step = Math.Min(sample.Acknowledged, Threshold - Window);
        Window += step;
        return sample.Acknowledged - step;
    }

    /// <summary>Ends slow start here.</summary>
    protected void LeaveSlowStart() => Threshold = Window;

    /// <summary>Grows in congestion avoidance.</summary>
    protected abstract void Avoid(long now, long bytes, bool limited, long rtt);

    /// <summary>What the window falls to on loss.</summary>
    protected abstract long Reduce(long flight);
}
