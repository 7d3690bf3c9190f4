namespace Lanyard.NetStack;

/// <summary>
/// How much may be in flight. The window while loss is repaired is <see cref="LossRecovery"/>'s; here is how it grows and what it falls to.
/// Sizes are in bytes, times in microseconds.
/// </summary>
internal abstract class CongestionControl(int mss)
{
    /// <summary>Segments of the initial window (RFC 6928).</summary>
    private const int InitialSegments = 10;

    protected int Mss { get; private set; } = mss;

    /// <summary>The congestion window.</summary>
    public long Window { get; set; } = (long)InitialSegments * mss;

    /// <summary>The slow start threshold.</summary>
    public long Threshold { get; protected set; } = long.MaxValue;

    public bool InSlowStart => Window < Threshold;

    public static CongestionControl Create(CongestionAlgorithm algorithm, int mss) =>
        algorithm == CongestionAlgorithm.Reno ? new RenoCongestionControl(mss) : new CubicCongestionControl(mss);

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
    /// <param name="now">The time.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="limited">Whether the window was what held sending back.</param>
    /// <param name="rtt">The smoothed round-trip time.</param>
    public void OnAcknowledged(long now, long bytes, bool limited, long rtt)
    {
        if (limited && InSlowStart)
        {
            // Appropriate byte counting (RFC 3465); what goes beyond the threshold counts for what follows.
            var step = Math.Min(bytes, Threshold - Window);
            Window += step;
            bytes -= step;
        }

        if (!InSlowStart)
            Avoid(now, bytes, limited, rtt);
    }

    /// <summary>Loss was found: sets <see cref="Threshold"/>.</summary>
    public void OnLoss(long flight)
    {
        Threshold = Math.Max(Reduce(flight), 2L * Mss);
    }

    /// <summary>The retransmission timer ran out. <paramref name="first"/> unless it is for the same data again (RFC 5681 section
    /// 3.1).</summary>
    public void OnTimeout(long flight, bool first)
    {
        if (first)
            OnLoss(flight);
        Window = Mss;
    }

    /// <summary>Nothing was sent for longer than a timeout (RFC 5681 section 4.1).</summary>
    public void OnIdle()
    {
        Threshold = Math.Max(Threshold, Window / 4 * 3);
        Window = Math.Min(Window, (long)InitialSegments * Mss);
    }

    /// <summary>Grows in congestion avoidance.</summary>
    protected abstract void Avoid(long now, long bytes, bool limited, long rtt);

    /// <summary>What the window falls to on loss.</summary>
    protected abstract long Reduce(long flight);
}
