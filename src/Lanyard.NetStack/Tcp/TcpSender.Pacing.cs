namespace Lanyard.NetStack;

// Pacing: segments leave at a rate rather than in a window's burst. Kept cheap: what a millisecond's rate allows leaves together.
internal sealed partial class TcpSender
{
    private const long PacingQuantum = Microseconds.PerMillisecond;

    // A timer that comes late is made up for by so much.
    private const long MaxPacingDebt = 10 * Microseconds.PerMillisecond;

    private bool _paces;
    private long _pacingRate;

    // Up to when what was sent has used up the time.
    private long _pacedUntil;

    /// <summary>When sending may go on; <see cref="long.MaxValue"/> if pacing does not hold it back.</summary>
    public long PaceAt { get; private set; } = long.MaxValue;

    /// <summary>The rate in bytes a second, 0 if there is no limit.</summary>
    public long PacingRate => _paces && Congestion is not null ? Congestion.PacingRate(Rtt.Smoothed) : 0;

    private void BeginPacing(long now)
    {
        _pacingRate = PacingRate;
        var debt = PaceAt == long.MaxValue ? PacingQuantum : MaxPacingDebt;
        _pacedUntil = Math.Max(_pacedUntil, now - debt);
        PaceAt = long.MaxValue;
    }

    private bool MustWait(long now)
    {
        if (_pacingRate == 0 || _pacedUntil <= now)
            return false;
        PaceAt = Math.Max(_pacedUntil, now + PacingQuantum);
        return true;
    }

    private void Pace(int length)
    {
        if (_pacingRate > 0)
            _pacedUntil += length * Microseconds.PerSecond / _pacingRate;
    }
}
