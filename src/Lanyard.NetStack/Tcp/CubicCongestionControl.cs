namespace Lanyard.NetStack;

/// <summary>CUBIC (RFC 9438) with HyStart++ (RFC 9406). Windows inside are in segments and times in seconds, as in the RFC.</summary>
internal sealed class CubicCongestionControl(int mss) : CongestionControl(mss)
{
    private const double C = 0.4;
    private const double Beta = 0.7;
    private const double RenoAlpha = 3 * (1 - Beta) / (1 + Beta);

    private Curve _curve;
    private Curve _savedCurve;
    private HyStart _hyStart = HyStart.Create();

    public override void Save()
    {
        base.Save();
        _savedCurve = _curve;
    }

    public override void Undo()
    {
        base.Undo();
        _curve = _savedCurve;
    }

    protected override long SlowStart(in AckSample sample)
    {
        // Only the first slow start searches for its end. Later ones know the threshold (RFC 9406 section 4.3).
        if (Threshold != long.MaxValue)
            return base.SlowStart(sample);
        if (_hyStart.OnAcknowledged(sample))
        {
            LeaveSlowStart();
            return sample.Acknowledged;
        }

        if (sample.Limited)
            Window += sample.Acknowledged / _hyStart.Divisor;
        return 0;
    }

    protected override void Avoid(long now, long bytes, bool limited, long rtt)
    {
        var window = (double)Window / Mss;
        ref var curve = ref _curve;
        if (curve.Epoch == 0)
        {
            curve.Epoch = now;
            curve.LastGrowth = now;
            curve.Reno = window;
            curve.Origin = Math.Max(curve.Max, window);
            curve.K = curve.Max > window ? Cbrt((curve.Max - window) / C) : 0;
        }

        if (!limited)
        {
            // Time in which the application did not fill the window does not count (section 5.8).
            curve.Epoch += now - curve.LastGrowth;
            curve.LastGrowth = now;
            return;
        }

        curve.LastGrowth = now;
        var acknowledged = (double)bytes / Mss;
        var elapsed = (now - curve.Epoch) / 1e6;
        curve.Reno += (curve.Reno < curve.Prior ? RenoAlpha : 1) * acknowledged / window;
        if (curve.At(elapsed) < curve.Reno)
        {
            // The Reno-friendly region (section 4.3).
            window = Math.Max(window, curve.Reno);
        }
        else
        {
            var target = Math.Min(Math.Max(curve.At(elapsed + (rtt / 1e6)), window), 1.5 * window);
            window += (target - window) / window * acknowledged;
        }

        Window = Math.Max(Window, (long)(window * Mss));
    }

    protected override long Reduce(long flight)
    {
        var window = (double)Window / Mss;
        _curve.Prior = window;
        // Fast convergence (section 4.7).
        _curve.Max = window < _curve.Max ? window * (1 + Beta) / 2 : window;
        _curve.Epoch = 0;
        return (long)(window * Beta * Mss);
    }

    private static double Cbrt(double value) => Math.Pow(value, 1.0 / 3);

    private struct Curve
    {
        public double Max;
        public double Prior;
        public double K;
        public double Reno;
        public double Origin;
        public long Epoch;
        public long LastGrowth;

        public readonly double At(double seconds)
        {
            var t = seconds - K;
            return (C * t * t * t) + Origin;
        }
    }
}
