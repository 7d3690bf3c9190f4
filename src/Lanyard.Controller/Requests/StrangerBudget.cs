namespace Lanyard.Controller;

/// <summary>A token bucket that limits the rate of new records of strangers. Guarded by the controller's lock.</summary>
/// <param name="limits">The rate and the burst.</param>
internal sealed class StrangerBudget(ControllerLimits limits)
{
    private double _tokens = limits.NewStrangersBurst;
    private long _refilledMs;

    /// <summary>Takes a token for one record; returns false if there is none.</summary>
    public bool TryTake(long nowMs)
    {
        var elapsedMs = Math.Max(0, nowMs - _refilledMs);
        _refilledMs = nowMs;
        _tokens = Math.Min(limits.NewStrangersBurst, _tokens + (elapsedMs * (double)limits.NewStrangersPerSecond / 1000));
        if (_tokens < 1)
            return false;
        _tokens--;
        return true;
    }
}
