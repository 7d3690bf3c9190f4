namespace Lanyard.NetStack;

// Paths that swallow long packets without a word: found by timeouts, and the size that they carry by trying (RFC 4821, RFC 8899).
internal sealed partial class TcpSender
{
    // So many timeouts in a row of a long segment make its length suspicious; so many that the first guess was still too long.
    private const int SuspiciousTimeouts = 2;
    private const int VerySuspiciousTimeouts = 4;

    // Packets that practically every path carries, and that every IPv4 path must (RFC 8899 section 5.1.2, RFC 1122 section 3.3.3).
    private const int BasePacket = Ipv6Packet.MinMtu;
    private const int MinPacketV4 = 576;

    private SegmentSizeSearch? _sizeSearch;

    // The retransmission timer ran out once more.
    private void CheckBlackHole()
    {
        if (_sizeSearch is not null && Recovery.SizeProbeEnd != 0)
            OnSizeProbeLost();
        var packet = Retries >= VerySuspiciousTimeouts && connection.RemoteEndpoint.Address.IsV4 ? MinPacketV4
            : Retries >= SuspiciousTimeouts ? BasePacket : int.MaxValue;
        if (packet == int.MaxValue || Segments[0].Length <= connection.SegmentBytesOf(packet))
            return;
        var mss = connection.SegmentBytesOf(packet);
        if (mss >= Mss)
            return;
        connection.Host.Count(HostCounter.TcpBlackHoles);
        _sizeSearch ??= new SegmentSizeSearch(Mss);
        _sizeSearch.Restart(mss);
        Mss = mss;
        Congestion.SetMss(mss);
    }

    // A segment of new data, longer than those known to arrive, sees whether it does.
    private bool TrySendSizeProbe(long available, long room, long now)
    {
        if (Recovery.SizeProbeEnd != 0 || Recovery.State != RecoveryState.Open)
            return false;
        var size = _sizeSearch!.Next(now);
        if (size <= Mss || available < size || room < size || Unacknowledged + Window - Next < size)
            return false;
        connection.Host.Count(HostCounter.TcpSizeProbes);
        SendSegment(size, false, now);
        Recovery.SizeProbeEnd = Next;
        return true;
    }

    // Looks what has become of the segment that tries a larger size.
    private void SettleSizeProbe()
    {
        if (Recovery.SizeProbeEnd == 0)
            return;
        if (Unacknowledged >= Recovery.SizeProbeEnd || (Recovery.SizeProbeState & SentState.Sacked) != 0)
        {
            Recovery.SizeProbeEnd = 0;
            Mss = _sizeSearch!.OnArrived();
            Congestion.SetMss(Mss);
        }
        else if ((Recovery.SizeProbeState & (SentState.Lost | SentState.EverRetransmitted)) != 0)
        {
            OnSizeProbeLost();
        }
    }

    private void OnSizeProbeLost()
    {
        Recovery.SizeProbeEnd = 0;
        _sizeSearch!.OnLost();
    }
}

/// <summary>
/// Which segment size to try next: first the largest, since it may have been an outage and no black hole; then halving what is uncertain.
/// When that is done, or after a while, all over again.
/// </summary>
internal sealed class SegmentSizeSearch(int ceiling)
{
    private const long TryAgainAfter = 600 * Microseconds.PerSecond;

    // A step smaller than this is not worth a try.
    private const int Worthwhile = 32;

    private int _ceiling = ceiling;
    private int _good;
    private int _bad;
    private int _tried;
    private long _restAt = long.MaxValue;

    /// <summary>A size at which segments should arrive; those above are uncertain.</summary>
    public void Restart(int good)
    {
        _good = good;
        _bad = _ceiling + 1;
        _restAt = long.MaxValue;
    }

    /// <summary>Nothing larger than this will ever arrive.</summary>
    public void Cap(int ceiling)
    {
        _ceiling = Math.Min(_ceiling, ceiling);
        _bad = Math.Min(_bad, _ceiling + 1);
        _good = Math.Min(_good, _ceiling);
    }

    /// <summary>The size to try, 0 if none is for now.</summary>
    public int Next(long now)
    {
        if (_restAt != long.MaxValue && now >= _restAt)
            Restart(_good);
        if (_restAt == long.MaxValue && _good < _ceiling && _bad - _good <= Worthwhile)
            _restAt = now + TryAgainAfter;
        if (_restAt != long.MaxValue || _good >= _ceiling)
            return 0;
        _tried = _bad > _ceiling ? _ceiling : _good + ((_bad - _good) / 2);
        return _tried;
    }

    /// <summary>The size tried last arrived: it is the size from now on.</summary>
    public int OnArrived()
    {
        _good = Math.Min(_tried, _ceiling);
        return _good;
    }

    /// <summary>The size tried last did not arrive.</summary>
    public void OnLost() => _bad = Math.Min(_bad, _tried);
}
