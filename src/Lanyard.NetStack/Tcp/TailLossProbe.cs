namespace Lanyard.NetStack;

/// <summary>The tail loss probe: when one is due, and the one in flight (RFC 8985 section 7).</summary>
internal struct TailLossProbe()
{
    private const long MinWait = 5 * Microseconds.PerMillisecond;

    // The peer may delay the acknowledgment of a single segment by this much.
    private const long PeerAckDelay = 200 * Microseconds.PerMillisecond;

    // The sequence number that ended the flight when the probe was sent; 0 if no probe is in flight.
    private long _end;
    private bool _isRetransmission;

    /// <summary>When a probe is due, in microseconds; <see cref="long.MaxValue"/> if none is scheduled.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Whether a probe was sent and not answered.</summary>
    public readonly bool IsInFlight => _end != 0;

    /// <summary>Schedules a probe, unless the retransmission timer expires earlier.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="smoothedRtt">The smoothed round-trip time in microseconds.</param>
    /// <param name="segments">The number of segments in flight.</param>
    /// <param name="retransmissionDeadline">When the retransmission timer expires.</param>
    public void Schedule(long now, long smoothedRtt, int segments, long retransmissionDeadline)
    {
        var wait = Math.Max(2 * smoothedRtt, MinWait);
        if (segments == 1)
            wait += PeerAckDelay;
        Deadline = now + wait < retransmissionDeadline ? now + wait : long.MaxValue;
    }

    /// <summary>Stops the timer.</summary>
    public void Stop() => Deadline = long.MaxValue;

    /// <summary>Records a sent probe.</summary>
    /// <param name="next">The next sequence number to send after it.</param>
    /// <param name="isRetransmission">Whether the probe repeats the last segment; otherwise it carries new data.</param>
    public void OnSent(long next, bool isRetransmission)
    {
        _end = next;
        _isRetransmission = isRetransmission;
    }

    /// <summary>Forgets the probe in flight, because another mechanism repairs the loss.</summary>
    public void Cancel() => _end = 0;

    /// <summary>Records a report of data that arrived twice. Returns whether it answers the probe: the original arrived as well, so nothing was lost.</summary>
    /// <param name="end">The end of the data.</param>
    public bool TryAnswerByDuplicate(long end)
    {
        if (_end == 0 || !_isRetransmission || end != _end)
            return false;
        _end = 0;
        return true;
    }

    /// <summary>Records an acknowledgment (RFC 8985 section 7.4.2). Returns whether the probe repaired a loss.</summary>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    /// <param name="isDuplicate">Whether the acknowledgment is a duplicate without new selective acknowledgments.</param>
    public bool OnAcknowledged(long unacknowledged, bool isDuplicate)
    {
        if (_end == 0 || unacknowledged < _end)
            return false;
        // Only the next acknowledgment tells whether the probe repaired a loss or arrived twice.
        if (_isRetransmission && unacknowledged == _end && !isDuplicate)
            return false;
        var repaired = _isRetransmission && unacknowledged > _end;
        _end = 0;
        return repaired;
    }
}
