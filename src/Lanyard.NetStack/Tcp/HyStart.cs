namespace Lanyard.NetStack;

/// <summary>
/// HyStart++ (RFC 9406): ends slow start when round-trip times grow, before the queue overflows. First it grows at a quarter of the speed. If the
/// round-trip times fall again, slow start continues. Times are in microseconds.
/// </summary>
internal struct HyStart
{
    private const long MinRttThreshold = 4_000;
    private const long MaxRttThreshold = 16_000;
    private const int RttDivisor = 8;
    private const int SamplesPerRound = 8;
    private const int ConservativeDivisor = 4;
    private const int ConservativeRounds = 5;

    private long _roundEnd;
    private long _lastMin;
    private long _currentMin;
    private long _baseline;
    private int _samples;
    private int _rounds;

    public static HyStart Create() => new() { _lastMin = long.MaxValue, _currentMin = long.MaxValue };

    /// <summary>Whether growth is conservative at present.</summary>
    public bool IsConservative { get; private set; }

    /// <summary>The divisor of the window's growth.</summary>
    public readonly int Divisor => IsConservative ? ConservativeDivisor : 1;

    /// <summary>Handles an acknowledgment in slow start. Returns whether slow start is over.</summary>
    public bool OnAcknowledged(in AckSample sample)
    {
        if (sample.Unacknowledged >= _roundEnd && OnRoundEnded(sample.Next))
            return true;
        if (sample.Rtt >= 0)
        {
            _currentMin = Math.Min(_currentMin, sample.Rtt);
            _samples++;
        }

        if (_samples < SamplesPerRound || _currentMin == long.MaxValue)
            return false;
        if (IsConservative)
        {
            if (_currentMin < _baseline)
                IsConservative = false;
        }
        else if (_lastMin != long.MaxValue
            && _currentMin >= _lastMin + Math.Min(Math.Max(_lastMin / RttDivisor, MinRttThreshold), MaxRttThreshold))
        {
            IsConservative = true;
            _baseline = _currentMin;
            _rounds = 0;
        }

        return false;
    }

    private bool OnRoundEnded(long next)
    {
        _lastMin = _currentMin;
        _currentMin = long.MaxValue;
        _samples = 0;
        _roundEnd = next;
        return IsConservative && ++_rounds >= ConservativeRounds;
    }
}
