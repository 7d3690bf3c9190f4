namespace Lanyard.NetStack;

/// <summary>The round-trip time and the retransmission timeout (RFC 6298), in microseconds.</summary>
internal struct RttEstimator
{
    /// <summary>The shortest timeout, whatever the settings: with a shorter one a host would do nothing but retransmit.</summary>
    public const long MinTimeout = Microseconds.PerMillisecond;

    private const long InitialRto = 1_000_000;
    private const int MaxBackoffShift = 16;

    private int _backoff;

    /// <summary>The smoothed round-trip time; 0 before the first measurement.</summary>
    public long Smoothed { get; private set; }

    public long Variation { get; private set; }

    /// <summary>The lowest round-trip time measured; <see cref="long.MaxValue"/> before the first.</summary>
    public long Min { get; private set; }

    public static RttEstimator Create() => new() { Min = long.MaxValue };

    public readonly bool HasSample => Smoothed != 0;

    public void AddSample(long rtt)
    {
        rtt = Math.Max(rtt, 1);
        Min = Math.Min(Min, rtt);
        if (Smoothed == 0)
        {
            Smoothed = rtt;
            Variation = rtt / 2;
            return;
        }

        Variation += (Math.Abs(Smoothed - rtt) - Variation) / 4;
        Smoothed = Math.Max(1, Smoothed + ((rtt - Smoothed) / 8));
    }

    /// <summary>
    /// Returns the timeout. The lower bound applies to the variation rather than to the sum, so that jitter does not cause a timeout when a steady
    /// round-trip time is near the bound.
    /// </summary>
    public readonly long Timeout(long min, long max)
    {
        var rto = HasSample ? Smoothed + Math.Max(4 * Variation, min) : InitialRto;
        return Math.Max(Math.Min(rto << Math.Min(_backoff, MaxBackoffShift), Math.Max(max, min)), MinTimeout);
    }

    /// <summary>Doubles the timeout (RFC 6298 section 5.5).</summary>
    public void BackOff() => _backoff++;

    /// <summary>Restores the measured timeout, because new data was acknowledged.</summary>
    public void ResetBackoff() => _backoff = 0;
}
