namespace Lanyard.NetStack;

/// <summary>
/// Finds paths that drop long packets without an ICMP error (black holes) by repeated timeouts, and then the size that the path carries by probe
/// segments (RFC 4821, RFC 8899).
/// </summary>
internal struct PathMtuDiscovery(SentSegments segments)
{
    // After this many timeouts in a row of a long segment, its length may be the reason; after more, the first smaller size was still too long.
    private const int SuspiciousTimeouts = 2;
    private const int VerySuspiciousTimeouts = 4;

    // Packet sizes that practically every path carries, and that every IPv4 path must carry (RFC 8899 section 5.1.2, RFC 1122 section 3.3.3).
    private const int BasePacket = Ipv6Packet.MinMtu;
    private const int MinPacketV4 = 576;

    private SegmentSizeSearch? _search;

    // The end of the probe segment in flight; 0 if there is none.
    private long _probeEnd;

    /// <summary>Whether a black hole was found, so that sizes are probed.</summary>
    public readonly bool IsSearching => _search is not null;

    /// <summary>Whether a segment counts as lost and is not just a probe that was too long. The loss of a probe is no sign of congestion (RFC 4821
    /// section 7.6.1).</summary>
    public readonly bool HasLossOfCongestion
    {
        get
        {
            if (segments.LostUnsent == 0 || _probeEnd == 0)
                return segments.LostUnsent > 0;
            var i = FindProbe();
            return i < 0 || !segments[i].Is(SentState.Lost) || segments.LostUnsent != segments[i].Length;
        }
    }

    /// <summary>Lowers the largest size to probe.</summary>
    /// <param name="mss">The size in bytes.</param>
    public readonly void Cap(int mss) => _search?.Cap(mss);

    /// <summary>Handles an expired retransmission timer.</summary>
    /// <param name="retries">The timeouts in a row.</param>
    /// <param name="mss">The segment size in bytes.</param>
    /// <param name="isV4">Whether the path is an IPv4 path.</param>
    /// <param name="headerBytes">The bytes of a packet that are not payload.</param>
    /// <returns>The segment size to use: a smaller one if the path seems to be a black hole, else <paramref name="mss"/>.</returns>
    public int OnTimeout(int retries, int mss, bool isV4, int headerBytes)
    {
        if (_probeEnd != 0)
            OnProbeLost();
        if (retries < SuspiciousTimeouts)
            return mss;
        var smaller = (retries >= VerySuspiciousTimeouts && isV4 ? MinPacketV4 : BasePacket) - headerBytes;
        if (segments[0].Length <= smaller || smaller >= mss)
            return mss;
        _search ??= new SegmentSizeSearch(mss);
        _search.Restart(smaller);
        return smaller;
    }

    /// <summary>Returns the size of a probe to send now; 0 if none is to be sent.</summary>
    /// <param name="now">The time in microseconds.</param>
    public readonly int NextProbe(long now) => _search is null || _probeEnd != 0 ? 0 : _search.Next(now);

    /// <summary>Records a sent probe.</summary>
    /// <param name="end">The sequence number after its last byte.</param>
    public void OnProbeSent(long end) => _probeEnd = end;

    /// <summary>Looks for the outcome of the probe in flight.</summary>
    /// <param name="unacknowledged">The first sequence number not acknowledged.</param>
    /// <param name="mss">The segment size to use from now on, if the probe arrived.</param>
    /// <returns>Whether the probe arrived.</returns>
    public bool TryFinishProbe(long unacknowledged, out int mss)
    {
        mss = 0;
        if (_probeEnd == 0)
            return false;
        var state = FindProbe() is var i and >= 0 ? segments[i].State : SentState.None;
        if (unacknowledged >= _probeEnd || (state & SentState.Sacked) != 0)
        {
            _probeEnd = 0;
            mss = _search!.OnArrived();
            return true;
        }

        if ((state & (SentState.Lost | SentState.EverRetransmitted)) != 0)
            OnProbeLost();
        return false;
    }

    private void OnProbeLost()
    {
        _probeEnd = 0;
        _search!.OnLost();
    }

    private readonly int FindProbe()
    {
        var i = segments.FindEndingAfter(_probeEnd - 1);
        return i < segments.Count && segments[i].End == _probeEnd ? i : -1;
    }
}
