using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// The datagram that a fragment belongs to (RFC 791 section 3.2, RFC 8200 section 4.5). Fragments from different Ethernet addresses are never joined,
/// because the datagram is reported as its sender's.
/// </summary>
internal readonly record struct FragmentKey(MacAddress Sender, InetAddress Source, InetAddress Destination, uint Identification, byte Protocol);

/// <summary>
/// Reassembles IPv4 and IPv6 datagrams. An overlapping fragment condemns its datagram and the later fragments of it (RFC 5722). Exact repetitions are
/// ignored. The <see cref="NetworkHostOptions.ReassemblyFilter"/> judges whole packets.
/// Bounded by <see cref="HostLimits.ReassemblyDatagrams"/>, <see cref="HostLimits.ReassemblyBytes"/>, <see cref="MaxFragments"/> a datagram
/// and 30 seconds. When full, drops the oldest datagram of the sender that has most in reassembly, so that no sender takes the room of others.
/// </summary>
internal sealed class Reassembler(NetworkHost host)
{
    /// <summary>The largest number of fragments of one datagram.</summary>
    public const int MaxFragments = 128;

    private const long Timeout = 30_000_000;

    private readonly Dictionary<FragmentKey, Partial> _partials = [];
    private readonly Dictionary<InetAddress, int> _perSender = [];
    private long _bytes;

    /// <summary>Whether a fragment splits the transport header: the first fragment is too short for it, or a later one begins inside of it (RFC 1858, RFC
    /// 3128).</summary>
    public static bool IsTiny(byte protocol, int offset, bool more, int length)
    {
        var header = protocol == IpProtocol.Tcp ? TcpSegment.HeaderBytes : UdpDatagram.HeaderBytes;
        return offset > 0 ? offset < header : more && length < header;
    }

    /// <summary>The number of datagrams in reassembly.</summary>
    public int Count => _partials.Count;

    /// <summary>
    /// Stores a fragment. If it completes its datagram, returns the payload of the datagram, whose buffer the caller returns to the pool.
    /// </summary>
    /// <param name="key">The datagram.</param>
    /// <param name="offset">The offset of the fragment in bytes.</param>
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

        if (partial.IsCondemned)
        {
            host.Count(HostCounter.FragmentOverlap);
            return false;
        }

        switch (partial.Insert(offset, end, more))
        {
            case Placement.Duplicate:
                host.Count(HostCounter.FragmentDuplicate);
                return false;
            case Placement.Conflict:
                host.Count(HostCounter.FragmentOverlap);
                Condemn(partial);
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

    /// <summary>Whether the layer below permits a reassembled packet.</summary>
    /// <param name="destination">The Ethernet destination.</param>
    /// <param name="key">The packet.</param>
    /// <param name="hopLimit">Its hop limit.</param>
    /// <param name="trafficClass">Its traffic class.</param>
    /// <param name="payload">The bytes after the IP header.</param>
    public bool IsPermitted(MacAddress destination, FragmentKey key, byte hopLimit, byte trafficClass, ReadOnlySpan<byte> payload)
    {
        if (host.Options.ReassemblyFilter is not { } filter)
            return true;
        var isV4 = key.Source.IsV4;
        var headerBytes = isV4 ? Ipv4Packet.HeaderBytes : Ipv6Packet.HeaderBytes;
        if (host.Pool.Rent(headerBytes + payload.Length) is not { } buffer)
        {
            host.Count(HostCounter.OutOfMemory);
            return false;
        }

        var packet = buffer.AsSpan(0, headerBytes + payload.Length);
        if (isV4)
            Ipv4Packet.WriteHeader(packet, key.Source, key.Destination, key.Protocol, hopLimit, trafficClass, (ushort)key.Identification, false, false, 0,
                payload.Length);
        else
            Ipv6Packet.WriteHeader(packet, key.Source, key.Destination, key.Protocol, hopLimit, trafficClass, payload.Length);
        payload.CopyTo(packet[headerBytes..]);
        var permits = filter.Permits(key.Sender, destination, isV4 ? NetworkHost.EtherTypeIPv4 : NetworkHost.EtherTypeIPv6, packet);
        host.Pool.Return(buffer);
        if (!permits)
            host.Count(HostCounter.ReassembledFiltered);
        return permits;
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
        ReleaseOf(partial);
    }

    // The entry stays until its timeout, so that later fragments start no new datagram.
    private void Condemn(Partial partial)
    {
        ReleaseOf(partial);
        partial.IsCondemned = true;
    }

    private void ReleaseOf(Partial partial)
    {
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
        if (!partial.IsCondemned)
            host.Count(HostCounter.ReassemblyTimeout);
        if (partial is { IsCondemned: false, Quote: { } quote })
            host.IcmpErrors.SendReassemblyTimeout(partial.Key.Source, partial.Key.Destination, quote);
        GiveUp(partial);
    }

    private enum Placement
    {
        New,
        Duplicate,
        Conflict,
        Excess,
    }

    /// <summary>A datagram with missing fragments.</summary>
    private sealed class Partial(Reassembler owner, FragmentKey key, long started) : HostTimer
    {
        private (int Start, int End)[] _ranges = new (int, int)[4];
        private int _count;
        private int _covered;

        public FragmentKey Key { get; } = key;

        public long Started { get; } = started;

        public byte[]? Buffer { get; set; }

        public bool IsCondemned { get; set; }

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
