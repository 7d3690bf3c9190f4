namespace Lanyard.Controller;

/// <summary>
/// Supplies the timestamps of signed credentials. Nodes keep the later of two credentials of one kind, so the timestamps never decrease: if the machine's clock is set
/// back, even across a restart, they continue from the latest one until the clock has passed it.
/// </summary>
/// <param name="store">The store for an upper bound of the timestamps.</param>
/// <param name="storedUntilMs">The stored upper bound in milliseconds since 1970; 0 if none.</param>
internal sealed class SigningClock(IControllerStore store, long storedUntilMs)
{
    // The stored bound is ahead of the timestamps, so it is written rarely. A restarted controller cannot detect that its clock was set back by less than this.
    private const long StoredAheadMs = 600_000;

    private long _storedUntilMs = storedUntilMs;
    private long _lastMs;
    private long _aheadMs;

    /// <summary>Returns the timestamp for a credential, in milliseconds since 1970.</summary>
    /// <param name="nowMs">The time of the machine's clock, in milliseconds since 1970.</param>
    public long Next(long nowMs)
    {
        if (_lastMs == 0 && nowMs < _storedUntilMs - StoredAheadMs)
            _lastMs = _storedUntilMs;
        if (nowMs >= _lastMs)
            _aheadMs = 0;
        else if (nowMs + _aheadMs < _lastMs)
            _aheadMs = _lastMs + 1 - nowMs;
        _lastMs = nowMs + _aheadMs;
        if (_lastMs >= _storedUntilMs)
        {
            _storedUntilMs = _lastMs + StoredAheadMs;
            store.SaveSignedUntil(_storedUntilMs);
        }

        return _lastMs;
    }
}
