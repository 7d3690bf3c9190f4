using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Which datagram a fragment belongs to (RFC 791 section 3.2, RFC 8200 section 4.5).</summary>
internal readonly record struct FragmentKey(InetAddress Source, InetAddress Destination, uint Identification, byte Protocol);

/// <summary>
/// Puts fragments of IPv4 and IPv6 together. Overlapping fragments condemn their datagram (RFC 5722); exact repetitions are ignored.
/// Bounded by <see cref="HostLimits.ReassemblyDatagrams"/>, <see cref="HostLimits.ReassemblyBytes"/>, <see cref="MaxFragments"/> a datagram
/// and 30 seconds; when full, the oldest datagram is given up of the sender that has most in reassembly, so that no sender takes the room of
/// others.
/// </summary>
internal sealed class Reassembler(NetworkHost host)
{
    /// <summary>Fragments that one datagram may come in.</summary>
    public const int MaxFragments = 128;

    private const long Timeout = 30_000_000;

    private readonly Dictionary<FragmentKey, Partial> _partials = [];
    private readonly Dictionary<InetAddress, int> _perSender = [];
    private long _bytes;

    /// <summary>Datagrams in reassembly.</summary>
    public int Count => _partials.Count;

    /// <summary>
    /// Takes a fragment. If it completes its datagram, gives the datagram's payload, whose buffer the caller returns to the pool.
    /// </summary>
    /// <param name="key">Which datagram.</param>
    /// <param name="offset">The fragment's place in bytes.</param>
    /// <param name="more">Whether fragments follow.</param>
    /// <param name="data">The fragment's payload.</param>
    /// <param name="header">The packet's IP header, kept from the first fragment for an ICMP error.</param>
    /// <param name="whole">The datagram's payload.</param>
    /// <param name="buffer">Its buffer.</param>
    public bool TryAdd(FragmentKey key, int offset, bool more, ReadOnlySpan<byte> data, ReadOnlySpan<byte> header,
        out ReadOnlySpan<byte> whole, out byte[]? buffer)
    {
        whole = default;
        buffer = null;
        host.Count(HostCounter.FragmentsReceived);
        var end = offset + data.Length;
        if (data.IsEmpty || end > Ipv4Packet.MaxPayloadBytes || (more && (data.Length & 7) != 0))
        {
            host.Count(HostCounter.FragmentMalformed);
            return false;
        }

        if (!_partials.TryGetValue(key, out var partial))
        {
            if (_partials.Count >= host.Options.Limits.ReassemblyDatagrams)
                GiveUpOldest();
            partial = new Partial(this, key, host.Now);
            _partials.Add(key, partial);
            host.Timers.Set(partial, host.Now + Timeout);
        }

        switch (partial.Insert(offset, end, more))
        {
            case Placement.Duplicate:
                host.Count(HostCounter.FragmentDuplicate);
                return false;
            case Placement.Conflict:
                host.Count(HostCounter.FragmentOverlap);
                GiveUp(partial);
                return false;
            case Placement.Excess:
                host.Count(HostCounter.ReassemblyOverflow);
                GiveUp(partial);
                return false;
            default:
                break;
        }

        if (!TryStore(partial, offset, data))
        {
            host.Count(HostCounter.ReassemblyOverflow);
            GiveUp(partial);
            return false;
        }

        if (offset == 0)
            partial.KeepQuote(header, data);
        if (!partial.IsComplete)
            return false;
        host.Count(HostCounter.Reassembled);
        buffer = partial.Buffer!;
        whole = buffer.AsSpan(0, partial.Total);
        partial.Buffer = null;
        _bytes -= buffer.Length;
        GiveUp(partial);
        return true;
    }

    private bool TryStore(Partial partial, int offset, ReadOnlySpan<byte> data)
    {
        var end = offset + data.Length;
        if (partial.Buffer is null || partial.Buffer.Length < end)
        {
            var larger = host.Pool.Rent(end);
            if (larger is null)
                return false;
            _bytes += larger.Length;
            if (partial.Buffer is { } old)
            {
                old.CopyTo(larger.AsSpan());
                Release(old);
            }

            partial.Buffer = larger;
            while (_bytes > host.Options.Limits.ReassemblyBytes && _partials.Count > 1)
            {
                if (GiveUpOldest() == partial)
                    return false;
            }
        }

        data.CopyTo(partial.Buffer.AsSpan(offset));
        return true;
    }

    private Partial? GiveUpOldest()
    {
        _perSender.Clear();
        foreach (var key in _partials.Keys)
            _perSender[key.Source] = _perSender.TryGetValue(key.Source, out var count) ? count + 1 : 1;
        Partial? oldest = null;
        var most = 0;
        foreach (var partial in _partials.Values)
        {
            var count = _perSender[partial.Key.Source];
            if (count > most || (count == most && partial.Started < oldest!.Started))
                (oldest, most) = (partial, count);
        }

        if (oldest is null)
            return null;
        host.Count(HostCounter.ReassemblyOverflow);
        GiveUp(oldest);
        return oldest;
    }

    private void GiveUp(Partial partial)
    {
        host.Timers.Remove(partial);
        _partials.Remove(partial.Key);
        if (partial.Buffer is { } buffer)
            Release(buffer);
        partial.Buffer = null;
    }

    private void Release(byte[] buffer)
    {
        _bytes -= buffer.Length;
        host.Pool.Return(buffer);
    }

    private void OnTimeout(Partial partial)
    {
        host.Count(HostCounter.ReassemblyTimeout);
        if (partial.Quote is { } quote)
            host.Icmp.SendReassemblyTimeout(partial.Key.Source, partial.Key.Destination, quote);
        GiveUp(partial);
    }

    private enum Placement
    {
        New,
        Duplicate,
        Conflict,
        Excess,
    }

    /// <summary>A datagram of which some fragments are there.</summary>
    private sealed class Partial(Reassembler owner, FragmentKey key, long started) : HostTimer
    {
        private (int Start, int End)[] _ranges = new (int, int)[4];
        private int _count;
        private int _covered;

        public FragmentKey Key { get; } = key;

        public long Started { get; } = started;

        public byte[]? Buffer { get; set; }

        /// <summary>The first fragment's header and first bytes, for an ICMP error.</summary>
        public byte[]? Quote { get; private set; }

        /// <summary>The datagram's payload length, or -1 while the last fragment is missing.</summary>
        public int Total { get; private set; } = -1;

        public bool IsComplete => _covered == Total;

        public void KeepQuote(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data)
        {
            var length = Math.Min(data.Length, 64);
            Quote = new byte[header.Length + length];
            header.CopyTo(Quote);
            data[..length].CopyTo(Quote.AsSpan(header.Length));
        }

        public Placement Insert(int start, int end, bool more)
        {
            var at = _count;
            while (at > 0 && _ranges[at - 1].Start >= start)
                at--;
            if (at < _count && _ranges[at] == (start, end) && (more ? end != Total : end == Total))
                return Placement.Duplicate;
            if ((at < _count && _ranges[at].Start < end) || (at > 0 && _ranges[at - 1].End > start))
                return Placement.Conflict;
            if (more ? Total >= 0 && end > Total : Total >= 0 || (_count > 0 && _ranges[_count - 1].End > end))
                return Placement.Conflict;
            if (_count == MaxFragments)
                return Placement.Excess;
            if (_count == _ranges.Length)
                Array.Resize(ref _ranges, _count * 2);
            Array.Copy(_ranges, at, _ranges, at + 1, _count - at);
            _ranges[at] = (start, end);
            _count++;
            _covered += end - start;
            if (!more)
                Total = end;
            return Placement.New;
        }

        public override void OnTimer(long now) => owner.OnTimeout(this);
    }
}
