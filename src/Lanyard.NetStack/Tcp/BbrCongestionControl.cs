namespace Lanyard.NetStack;

/// <summary>
/// BBR (draft-cardwell-iccrg-bbr-congestion-control-00, "version 1"): keeps in flight as much as the path holds, estimated from the highest delivery rate
/// of the last rounds and the lowest round-trip time of the last seconds. Loss is no sign of congestion. Requires pacing.
/// </summary>
internal sealed class BbrCongestionControl(int mss) : CongestionControl(mss)
{
    // 2 / ln 2: doubles the rate each round trip.
    private const double HighGain = 2.885;
    private const double DrainGain = 1 / HighGain;
    private const double WindowGain = 2;
    private const int BandwidthRounds = 10;
    private const long MinRttLifetime = 10 * Microseconds.PerSecond;
    private const long ProbeRttTime = 200 * Microseconds.PerMillisecond;
    private const int MinSegments = 4;
    private const double FullGrowth = 1.25;
    private const int FullRounds = 3;

    // A little less than the measured rate, so that queues drain.
    private const double PacingMargin = 0.99;

    private static readonly double[] Cycle = [1.25, 0.75, 1, 1, 1, 1, 1, 1];

    private WindowedMax _bandwidth = new(BandwidthRounds);
    private Phase _phase = Phase.Startup;
    private double _pacingGain = HighGain;
    private double _windowGain = HighGain;
    private long _minRtt = long.MaxValue;
    private long _minRttAt;
    private long _smoothedRtt;

    // A round ends when the data sent at its beginning is delivered.
    private long _rounds;
    private long _roundEnd;
    private bool _roundStart;

    // Whether the bandwidth did not grow in three rounds.
    private long _fullBandwidth;
    private int _fullCount;
    private bool _isFull;

    private int _cycleIndex;
    private long _cycleAt;

    // The end of the search for the lowest round-trip time; 0 if the flight has not fallen yet.
    private long _probeRttUntil;
    private bool _probeRttRoundDone;

    // The window before recovery or the search reduced it, and the end of the round in which only delivered data is replaced.
    private long _priorWindow;
    private bool _isRepairing;
    private bool _conserves;

    private enum Phase : byte
    {
        Startup,
        Drain,
        ProbeBandwidth,
        ProbeRtt,
    }

    public override bool OwnsRecovery => true;

    public override bool NeedsPacing => true;

    public override bool HeedsCongestionEchoes => false;

    public override long PacingRate(long smoothedRtt)
    {
        var bandwidth = _bandwidth.Value;
        // Before the first measurement: the window in a round-trip time, or in a millisecond.
        if (bandwidth == 0)
            return (long)(HighGain * Window * Microseconds.PerSecond / Math.Max(smoothedRtt, Microseconds.PerMillisecond));
        var rate = (long)(_pacingGain * bandwidth * (_phase == Phase.Startup ? 1 : PacingMargin));
        return Math.Max(rate, _isFull ? 1 : (long)(HighGain * InitialSegments * Mss * Microseconds.PerSecond / Math.Max(_smoothedRtt, 1)));
    }

    public override void OnEveryAcknowledgment(in AckSample sample)
    {
        _smoothedRtt = sample.SmoothedRtt;
        UpdateRound(sample);
        UpdateBandwidth(sample);
        CheckFull(sample);
        UpdatePhase(sample);
        UpdateMinRtt(sample);
        UpdateWindow(sample);
    }

    public override void OnLoss(long flight)
    {
    }

    public override void OnTimeout(long flight, bool first)
    {
        if (!_isRepairing)
            _priorWindow = Math.Max(Window, _phase == Phase.ProbeRtt ? _priorWindow : 0);
        _isRepairing = true;
        _conserves = false;
        _fullBandwidth = 0;
        Window = Mss;
    }

    public override void OnRecoveryBegun(in AckSample sample)
    {
        if (!_isRepairing)
            _priorWindow = Math.Max(Window, _phase == Phase.ProbeRtt ? _priorWindow : 0);
        _isRepairing = true;
        _conserves = true;
        _roundEnd = sample.Rate.TotalDelivered;
        Window = sample.Pipe + Math.Max(sample.Delivered, Mss);
    }

    public override void OnRecoveryEnded()
    {
        if (!_isRepairing)
            return;
        _isRepairing = false;
        _conserves = false;
        Window = Math.Max(Window, _priorWindow);
    }

    public override void OnIdle()
    {
        // Pacing spreads the first flight after the pause, so the window stays.
    }

    public override void Undo()
    {
        base.Undo();
        _fullBandwidth = 0;
        _fullCount = 0;
        OnRecoveryEnded();
    }

    protected override long SlowStart(in AckSample sample) => 0;

    protected override void Avoid(long now, long bytes, bool limited, long rtt)
    {
    }

    protected override long Reduce(long flight) => Window;

    // The bandwidth-delay product times a gain, plus room for batches: one acknowledgment covers many segments.
    private long Target(double gain)
    {
        if (_minRtt == long.MaxValue || _bandwidth.Value == 0)
            return (long)InitialSegments * Mss;
        var product = (long)(gain * _bandwidth.Value * _minRtt / Microseconds.PerSecond);
        var burst = Math.Min(Math.Max(_bandwidth.Value / 1_000, 2L * Mss), 64 << 10);
        return Math.Max(product + (3 * burst), (long)MinSegments * Mss);
    }

    private void UpdateRound(in AckSample sample)
    {
        _roundStart = sample.Delivered > 0 && sample.Rate.PriorDelivered >= _roundEnd;
        if (!_roundStart)
            return;
        _rounds++;
        _roundEnd = sample.Rate.TotalDelivered;
        _conserves = false;
    }

    private void UpdateBandwidth(in AckSample sample)
    {
        var rate = sample.Rate.BytesPerSecond;
        if (rate > 0 && (rate >= _bandwidth.Value || !sample.Rate.AppLimited))
            _bandwidth.Add(_rounds, rate);
    }

    private void CheckFull(in AckSample sample)
    {
        if (_isFull || !_roundStart || sample.Rate.AppLimited)
            return;
        if (_bandwidth.Value >= _fullBandwidth * FullGrowth)
        {
            _fullBandwidth = _bandwidth.Value;
            _fullCount = 0;
            return;
        }

        _isFull = ++_fullCount >= FullRounds;
    }

    private void UpdatePhase(in AckSample sample)
    {
        if (_phase == Phase.Startup && _isFull)
            (_phase, _pacingGain, _windowGain) = (Phase.Drain, DrainGain, HighGain);
        if (_phase == Phase.Drain && sample.Pipe <= Target(1))
            EnterProbeBandwidth(sample.Now);
        if (_phase == Phase.ProbeBandwidth && IsCycleOver(sample))
        {
            _cycleIndex = (_cycleIndex + 1) % Cycle.Length;
            _cycleAt = sample.Now;
            _pacingGain = Cycle[_cycleIndex];
        }
    }

    private bool IsCycleOver(in AckSample sample)
    {
        var elapsed = sample.Now - _cycleAt > _minRtt;
        return _pacingGain switch
        {
            > 1 => elapsed && (sample.Lost > 0 || sample.PipeBefore >= Target(_pacingGain)),
            < 1 => elapsed || sample.PipeBefore <= Target(1),
            _ => elapsed,
        };
    }

    private void EnterProbeBandwidth(long now)
    {
        // Any phase except the draining one, so that flows do not probe in step. The clock is random enough.
        var start = (int)(now / Microseconds.PerMillisecond % (Cycle.Length - 1));
        _phase = Phase.ProbeBandwidth;
        _windowGain = WindowGain;
        _cycleIndex = start == 0 ? 0 : start + 1;
        _cycleAt = now;
        _pacingGain = Cycle[_cycleIndex];
    }

    private void UpdateMinRtt(in AckSample sample)
    {
        var expired = sample.Now > _minRttAt + MinRttLifetime;
        if (sample.Rtt >= 0 && (sample.Rtt <= _minRtt || expired))
        {
            _minRtt = Math.Max(sample.Rtt, 1);
            _minRttAt = sample.Now;
        }

        if (expired && _phase != Phase.ProbeRtt && _rounds > 1)
        {
            if (!_isRepairing)
                _priorWindow = Window;
            (_phase, _pacingGain, _windowGain) = (Phase.ProbeRtt, 1, 1);
            _probeRttUntil = 0;
        }

        if (_phase == Phase.ProbeRtt)
            ProbeRtt(sample);
    }

    private void ProbeRtt(in AckSample sample)
    {
        if (_probeRttUntil == 0)
        {
            if (sample.Pipe > (long)MinSegments * Mss)
                return;
            _probeRttUntil = sample.Now + ProbeRttTime;
            _probeRttRoundDone = false;
            _roundEnd = sample.Rate.TotalDelivered;
            return;
        }

        _probeRttRoundDone |= _roundStart;
        if (!_probeRttRoundDone || sample.Now < _probeRttUntil)
            return;
        _minRttAt = sample.Now;
        Window = Math.Max(Window, _priorWindow);
        if (_isFull)
            EnterProbeBandwidth(sample.Now);
        else
            (_phase, _pacingGain, _windowGain) = (Phase.Startup, HighGain, HighGain);
    }

    private void UpdateWindow(in AckSample sample)
    {
        if (sample.Lost > 0 && _isRepairing)
            Window = Math.Max(Window - sample.Lost, Mss);
        if (_conserves)
        {
            Window = Math.Max(Window, sample.Pipe + sample.Delivered);
        }
        else
        {
            var target = Target(_windowGain);
            if (_isFull)
                Window = Math.Min(Window + sample.Delivered, target);
            else if (Window < target || sample.Rate.TotalDelivered < (long)InitialSegments * Mss)
                Window += sample.Delivered;
            Window = Math.Max(Window, (long)(_isRepairing ? 1 : MinSegments) * Mss);
        }

        if (_phase == Phase.ProbeRtt)
            Window = Math.Min(Window, (long)MinSegments * Mss);
    }
}
