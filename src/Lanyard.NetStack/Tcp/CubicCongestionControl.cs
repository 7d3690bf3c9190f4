namespace Lanyard.NetStack;

/// <summary>CUBIC (RFC 9438). Windows inside are in segments and times in seconds, as in the RFC.</summary>
internal sealed class CubicCongestionControl(int mss) : CongestionControl(mss)
{
    private const double C = 0.4;
    private const double Beta = 0.7;
    private const double RenoAlpha = 3 * (1 - Beta) / (1 + Beta);

    private double _max;
    private double _prior;
    private double _k;
    private double _reno;
    private double _origin;
    private long _epoch;
    private long _lastGrowth;

    protected override void Avoid(long now, long bytes, bool limited, long rtt)
    {
        var window = (double)Window / Mss;
        if (_epoch == 0)
        {
            _epoch = now;
            _lastGrowth = now;
            _reno = window;
            _origin = Math.Max(_max, window);
            _k = _max > window ? Cbrt((_max - window) / C) : 0;
        }

        if (!limited)
        {
            // Time in which the app did not fill the window does not count (section 5.8).
            _epoch += now - _lastGrowth;
            _lastGrowth = now;
            return;
        }

        _lastGrowth = now;
        var acknowledged = (double)bytes / Mss;
        var elapsed = (now - _epoch) / 1e6;
        _reno += (_reno < _prior ? RenoAlpha : 1) * acknowledged / window;
        if (At(elapsed) < _reno)
        {
            // The Reno-friendly region (section 4.3).
            window = Math.Max(window, _reno);
        }
        else
        {
            var target = Math.Min(Math.Max(At(elapsed + (rtt / 1e6)), window), 1.5 * window);
            window += (target - window) / window * acknowledged;
        }

        Window = Math.Max(Window, (long)(window * Mss));
    }

    protected override long Reduce(long flight)
    {
        var window = (double)Window / Mss;
        _prior = window;
        // Fast convergence (section 4.7).
        _max = window < _max ? window * (1 + Beta) / 2 : window;
        _epoch = 0;
        return (long)(window * Beta * Mss);
    }

    private static double Cbrt(double value) => Math.Pow(value, 1.0 / 3);

    private double At(double seconds)
    {
        var t = seconds - _k;
        return (C * t * t * t) + _origin;
    }
}
