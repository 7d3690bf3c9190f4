namespace Lanyard.NetStack;

/// <summary>The effects of one acknowledgment. Sizes are in bytes, times in microseconds.</summary>
internal readonly struct AckSample
{
    public long Now { get; init; }

    /// <summary>Bytes newly acknowledged in order.</summary>
    public long Acknowledged { get; init; }

    /// <summary>Bytes newly delivered, in order or behind gaps.</summary>
    public long Delivered { get; init; }

    /// <summary>Bytes newly counted as lost.</summary>
    public long Lost { get; init; }

    /// <summary>Whether the window, not the application, limited sending.</summary>
    public bool Limited { get; init; }

    /// <summary>The round-trip time of the delivered segment that was sent last; -1 if none measures it.</summary>
    public long Rtt { get; init; }

    /// <summary>The smoothed round-trip time.</summary>
    public long SmoothedRtt { get; init; }

    /// <summary>The first sequence number not acknowledged.</summary>
    public long Unacknowledged { get; init; }

    /// <summary>The next sequence number to send.</summary>
    public long Next { get; init; }

    /// <summary>The estimate of the bytes in flight after the acknowledgment.</summary>
    public long Pipe { get; init; }

    /// <summary>The estimate of the bytes in flight before the acknowledgment.</summary>
    public long PipeBefore { get; init; }

    /// <summary>The delivery rate.</summary>
    public RateSample Rate { get; init; }
}

/// <summary>
/// A congestion control: how the window grows, and what it falls to. During recovery <see cref="LossRecovery"/> sets the window, unless
/// <see cref="OwnsRecovery"/>. Sizes are in bytes, times in microseconds.
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

    /// <summary>Whether the algorithm sets the window during recovery as well.</summary>
    public virtual bool OwnsRecovery => false;

    /// <summary>Whether the algorithm requires pacing.</summary>
    public virtual bool NeedsPacing => false;

    /// <summary>Whether the algorithm slows down when the peer echoes congestion. If not, its packets must not be marked as ECN-capable.</summary>
    public virtual bool HeedsCongestionEchoes => true;

    public static CongestionControl Create(CongestionAlgorithm algorithm, int mss) => algorithm switch
    {
        CongestionAlgorithm.Reno => new RenoCongestionControl(mss),
        CongestionAlgorithm.Bbr => new BbrCongestionControl(mss),
        _ => new CubicCongestionControl(mss),
    };

    /// <summary>Returns the pacing rate in bytes a second: a window in a round-trip time, with room to grow; 0 for no limit.</summary>
    public virtual long PacingRate(long smoothedRtt) => smoothedRtt <= 0 ? 0
        : (long)((InSlowStart ? 2 : 1.2) * Window * Microseconds.PerSecond / smoothedRtt);

    /// <summary>Continues from the state of another algorithm.</summary>
    public void TakeOver(CongestionControl other)
    {
        Window = other.Window;
        Threshold = other.Threshold;
    }

    /// <summary>Sets the segment size. An initial window keeps its number of segments.</summary>
    public void SetMss(int mss)
    {
        if (Window == (long)InitialSegments * Mss)
            Window = (long)InitialSegments * mss;
        Mss = mss;
    }

    /// <summary>Handles the acknowledgment of new data outside of fast recovery.</summary>
    public void OnAcknowledged(in AckSample sample)
    {
        var bytes = sample.Acknowledged;
        if (InSlowStart)
            bytes = SlowStart(sample);
        if (!InSlowStart)
            Avoid(sample.Now, bytes, sample.Limited, sample.SmoothedRtt);
    }

    /// <summary>Handles any acknowledgment while segments are in flight.</summary>
    public virtual void OnEveryAcknowledgment(in AckSample sample)
    {
    }

    /// <summary>Sets <see cref="Threshold"/> after a loss or an echo of congestion.</summary>
    public virtual void OnLoss(long flight) => Threshold = Math.Max(Reduce(flight), 2L * Mss);

    /// <summary>Handles a retransmission timeout. <paramref name="first"/> is false if the same data timed out before (RFC 5681 section 3.1).</summary>
    public virtual void OnTimeout(long flight, bool first)
    {
        if (first)
            OnLoss(flight);
        Window = Mss;
    }

    /// <summary>Handles the beginning of fast recovery, if <see cref="OwnsRecovery"/>.</summary>
    public virtual void OnRecoveryBegun(in AckSample sample)
    {
    }

    /// <summary>Handles the end of recovery, if <see cref="OwnsRecovery"/>.</summary>
    public virtual void OnRecoveryEnded()
    {
    }

    /// <summary>Handles a pause of sending that is longer than the retransmission timeout (RFC 5681 section 4.1).</summary>
    public virtual void OnIdle()
    {
        Threshold = Math.Max(Threshold, Window / 4 * 3);
        Window = Math.Min(Window, (long)InitialSegments * Mss);
    }

    /// <summary>Saves the state for <see cref="Undo"/>. Called before the window is reduced.</summary>
    public virtual void Save()
    {
        _savedWindow = Window;
        _savedThreshold = Threshold;
    }

    /// <summary>Restores the saved state, because the retransmissions were spurious.</summary>
    public virtual void Undo()
    {
        Window = Math.Max(Window, _savedWindow);
        Threshold = Math.Max(Threshold, _savedThreshold);
    }

    /// <summary>Grows in slow start and returns the bytes beyond the threshold, which count for congestion avoidance. Appropriate byte counting (RFC 3465)
    /// without its limit, because one acknowledgment covers a batch.</summary>
    protected virtual long SlowStart(in AckSample sample)
    {
        if (!sample.Limited)
            return sample.Acknowledged;
        var step = Math.Min(sample.Acknowledged, Threshold - Window);
        Window += step;
        return sample.Acknowledged - step;
    }

    /// <summary>Ends slow start at the current window.</summary>
    protected void LeaveSlowStart() => Threshold = Window;

    /// <summary>Grows in congestion avoidance.</summary>
    protected abstract void Avoid(long now, long bytes, bool limited, long rtt);

    /// <summary>Returns the window after a loss.</summary>
    protected abstract long Reduce(long flight);
}
