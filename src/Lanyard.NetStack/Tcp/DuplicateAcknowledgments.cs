namespace Lanyard.NetStack;

/// <summary>Counts duplicate acknowledgments, the sign of loss on connections without selective acknowledgments (RFC 5681, RFC 6582).</summary>
internal struct DuplicateAcknowledgments
{
    private const int Threshold = 3;

    private int _count;

    /// <summary>The bytes that the duplicates show to have left the network.</summary>
    public long Bytes { get; private set; }

    /// <summary>Forgets all duplicates.</summary>
    public void Reset()
    {
        _count = 0;
        Bytes = 0;
    }

    /// <summary>Counts a partial acknowledgment in fast recovery: the first segment not acknowledged is the next loss (RFC 6582).</summary>
    /// <param name="acknowledged">The bytes newly acknowledged.</param>
    /// <param name="mss">The segment size in bytes.</param>
    public void OnPartialAcknowledgment(long acknowledged, int mss) => Bytes = Math.Max(0, Bytes - Math.Max(0, acknowledged - mss));

    /// <summary>Counts a duplicate. Returns whether there are enough to infer a loss.</summary>
    /// <param name="mss">The segment size in bytes.</param>
    /// <param name="limit">The bytes in flight behind the first segment.</param>
    /// <remarks>The first duplicate counts as well, so that each lets a new segment out (limited transmit, RFC 3042), which may bring the third.</remarks>
    public bool OnDuplicate(int mss, long limit)
    {
        _count++;
        Bytes = Math.Min(Bytes + mss, Math.Max(0, limit));
        return _count >= Threshold;
    }
}
