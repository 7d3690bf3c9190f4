namespace Lanyard.NetStack;

/// <summary>Explicit congestion notification of one connection, in both directions (RFC 3168 section 6.1).</summary>
internal struct EcnState
{
    // Echoes of data before this sequence number belong to the congestion answered last.
    private long _answeredUntil;
    private bool _reportsReduction;

    /// <summary>Whether both ends use explicit congestion notification.</summary>
    public bool IsEnabled { get; set; }

    /// <summary>Whether segments carry ECE: received packets were marked, and the peer has not confirmed that its window is reduced.</summary>
    public bool IsEchoing { get; private set; }

    /// <summary>Handles a received segment with data (section 6.1.3).</summary>
    /// <param name="confirmsReduction">Whether the segment carries CWR.</param>
    /// <param name="isMarked">Whether its packet was marked for congestion.</param>
    public void OnDataReceived(bool confirmsReduction, bool isMarked)
    {
        if (confirmsReduction)
            IsEchoing = false;
        if (isMarked)
            IsEchoing = true;
    }

    /// <summary>Handles an echo of congestion from the peer (section 6.1.2). Returns whether the window must be reduced: once for a window of data.</summary>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    /// <param name="next">The next sequence number to send.</param>
    public bool TryAnswerEcho(long unacknowledged, long next)
    {
        if (unacknowledged <= _answeredUntil)
            return false;
        _answeredUntil = next;
        _reportsReduction = true;
        return true;
    }

    /// <summary>Whether a segment with new data must carry CWR to confirm that the window is reduced; true once for each reduction.</summary>
    public bool TakeReductionReport()
    {
        var reports = _reportsReduction;
        _reportsReduction = false;
        return reports;
    }
}
