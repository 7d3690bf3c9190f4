using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The states of a neighbor (RFC 4861 section 7.3.2; used for ARP as well).</summary>
internal enum NeighborState : byte
{
    /// <summary>The Ethernet address is being resolved.</summary>
    Incomplete = 0,

    /// <summary>The neighbor was recently confirmed to be reachable.</summary>
    Reachable,

    /// <summary>The Ethernet address is known, but was not confirmed recently.</summary>
    Stale,

    /// <summary>The stale address is in use, and traffic may confirm it.</summary>
    Delay,

    /// <summary>The stale address is in use, and the neighbor is probed by isUnicast.</summary>
    Probe,

    /// <summary>The resolver supplies the Ethernet address. Probed only if a connection stays unanswered.</summary>
    Static,

    /// <summary>The neighbor did not answer. The next use resolves the address again.</summary>
    Failed,

    /// <summary>The entry is no longer in the table.</summary>
    Evicted,
}

/// <summary>One neighbor. The timer repeats the requests for its Ethernet address.</summary>
internal sealed class NeighborEntry(NetworkHost host, InetAddress address) : HostTimer
{
    private const long DelayTime = 5_000_000;
    private const long ReachableTime = 30_000_000;
    private const long MaxRetransmitTime = 1_000_000;
    private const long FirstRetransmitTime = 250_000;
    private const int MaxSolicits = 5;

    private long _reachableUntil;
    private int _solicits;
    private int _judgedVersion;
    private bool _isVerifying;

    public InetAddress Address { get; } = address;

    public MacAddress Mac { get; private set; }

    public NeighborState State { get; private set; }

    public long LastUsed { get; private set; }

    /// <summary>Packets queued until <see cref="Mac"/> is known.</summary>
    public Queue<HeldPacket> Pending { get; } = new();

    /// <summary>Records a use of the neighbor. Returns whether a packet can be sent now; if not, the address is being resolved.</summary>
    public bool Use(NetworkHost owner)
    {
        var now = owner.Now;
        LastUsed = now;
        if (owner.Options.NeighborAuthority is { } authority && authority.Version != _judgedVersion)
            JudgeAgain(authority, now);
        switch (State)
        {
            case NeighborState.Static:
            case NeighborState.Delay:
            case NeighborState.Probe:
                return true;
            case NeighborState.Reachable when now < _reachableUntil:
                return true;
            case NeighborState.Reachable:
            case NeighborState.Stale:
                State = NeighborState.Delay;
                owner.Timers.Set(this, now + DelayTime);
                return true;
            case NeighborState.Failed:
                Resolve(now);
                return State == NeighborState.Static;
            default:
                return false;
        }
    }

    // The neighbor's claim was accepted before the authority knew the owner of the address, so it may have been forged.
    private void JudgeAgain(INeighborAuthority authority, long now)
    {
        _judgedVersion = authority.Version;
        if (State is NeighborState.Static or NeighborState.Incomplete or NeighborState.Failed or NeighborState.Evicted
            || authority.Judge(Address, Mac) != AddressClaim.Forged)
            return;
        host.Count(HostCounter.NeighborCorrected);
        Resolve(now);
    }

    /// <summary>Begins to resolve the Ethernet address.</summary>
    public void Resolve(long now)
    {
        if (host.Options.NeighborResolver is { } resolver && resolver.TryResolve(Address, out var mac))
        {
            Mac = mac;
            State = NeighborState.Static;
            host.Timers.Set(this, long.MaxValue);
            host.Neighbors.SendPending(this);
            return;
        }

        State = NeighborState.Incomplete;
        _solicits = 0;
        Solicit(now);
    }

    /// <summary>
    /// Probes a static neighbor that does not answer (RFC 4861 section 7.3), unless it was recently confirmed to be reachable. If it does not answer the
    /// probes either, connections that open through it fail.
    /// </summary>
    public void Verify(long now)
    {
        if (State != NeighborState.Static || _isVerifying || now < _reachableUntil)
            return;
        _isVerifying = true;
        _solicits = 0;
        Solicit(now);
    }

    /// <summary>Records the neighbor's Ethernet address.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="mac">The Ethernet address.</param>
    /// <param name="confirmed">Whether the neighbor replied to a request of this host, which shows that it is reachable.</param>
    public void Learn(long now, MacAddress mac, bool confirmed)
    {
        if (State == NeighborState.Static && confirmed && mac == Mac)
            _reachableUntil = now + ReachableTime;
        if (State is NeighborState.Static or NeighborState.Evicted)
            return;
        var hasChanged = Mac != mac;
        var wasUsable = State is not (NeighborState.Incomplete or NeighborState.Failed);
        Mac = mac;
        if (confirmed)
        {
            State = NeighborState.Reachable;
            _reachableUntil = now + ReachableTime;
            host.Timers.Set(this, long.MaxValue);
        }
        else if (hasChanged || !wasUsable)
        {
            State = NeighborState.Stale;
            host.Timers.Set(this, long.MaxValue);
        }

        host.Neighbors.SendPending(this);
    }

    /// <summary>Records that traffic shows the neighbor to be reachable (RFC 4861 section 7.3.1).</summary>
    public void Confirm(long now)
    {
        if (State is NeighborState.Incomplete or NeighborState.Failed or NeighborState.Evicted)
            return;
        if (State is not (NeighborState.Reachable or NeighborState.Static))
        {
            State = NeighborState.Reachable;
            host.Timers.Set(this, long.MaxValue);
        }

        _reachableUntil = now + ReachableTime;
    }

    public void Evict()
    {
        State = NeighborState.Evicted;
        host.Timers.Remove(this);
    }

    public override void OnTimer(long now)
    {
        switch (State)
        {
            case NeighborState.Delay:
                State = NeighborState.Probe;
                _solicits = 0;
                Solicit(now);
                break;
            case NeighborState.Static when _isVerifying && now < _reachableUntil:
                _isVerifying = false;
                break;
            case NeighborState.Incomplete:
            case NeighborState.Probe:
            case NeighborState.Static when _isVerifying:
                if (_solicits < MaxSolicits)
                {
                    Solicit(now);
                    break;
                }

                if (State == NeighborState.Static)
                    _isVerifying = false;
                else
                    State = NeighborState.Failed;
                host.Count(HostCounter.NeighborFailed);
                host.Neighbors.OnFailed(this);
                break;
            default:
                break;
        }
    }

    // The first requests are sent more often than once a second: an overlay network may drop them while it searches for a path.
    private void Solicit(long now)
    {
        host.Timers.Set(this, now + Math.Min(FirstRetransmitTime << _solicits, MaxRetransmitTime));
        _solicits++;
        var isUnicast = State is NeighborState.Probe or NeighborState.Static;
        if (Address.IsV4)
            host.Arp.SendRequest(Address, isUnicast ? Mac : MacAddress.Broadcast);
        else
            host.Ndp.SendSolicitation(Address, isUnicast ? Mac : null);
    }
}

/// <summary>The neighbors of the port, resolved by ARP and neighbor discovery, within <see cref="HostLimits.Neighbors"/>.</summary>
internal sealed class NeighborTable(NetworkHost host)
{
    private readonly Dictionary<InetAddress, NeighborEntry> _entries = [];
    private int _pending;

    public int Count => _entries.Count;

    /// <summary>Returns the neighbor with an on-link address. Begins to resolve it if it is new.</summary>
    public NeighborEntry Get(InetAddress address)
    {
        if (_entries.TryGetValue(address, out var entry))
            return entry;
        entry = Add(address);
        entry.Resolve(host.Now);
        return entry;
    }

    public bool TryGet(InetAddress address, out NeighborEntry? entry) => _entries.TryGetValue(address, out entry);

    /// <summary>Records the Ethernet address of a neighbor that has requested the address of this host.</summary>
    public void LearnFromRequest(InetAddress address, MacAddress mac)
    {
        if (!_entries.TryGetValue(address, out var entry))
            entry = Add(address);
        entry.Learn(host.Now, mac, confirmed: false);
    }

    /// <summary>Queues a packet until the neighbor's Ethernet address is resolved.</summary>
    public void Enqueue(NeighborEntry entry, HeldPacket packet)
    {
        // The layer above may have resolved the address meanwhile.
        if (entry.State is not (NeighborState.Incomplete or NeighborState.Failed or NeighborState.Evicted))
        {
            host.Output.SendHeld(entry.Mac, packet);
            return;
        }

        if (entry.State == NeighborState.Evicted || _pending >= host.Options.Limits.PendingPackets)
        {
            host.Count(HostCounter.NeighborQueueOverflow);
            host.Pool.Return(packet.Buffer);
            return;
        }

        if (entry.Pending.Count >= host.Options.Limits.PendingPacketsPerNeighbor)
        {
            host.Count(HostCounter.NeighborQueueOverflow);
            host.Pool.Return(entry.Pending.Dequeue().Buffer);
            _pending--;
        }

        entry.Pending.Enqueue(packet);
        _pending++;
    }

    public void SendPending(NeighborEntry entry)
    {
        while (entry.Pending.TryDequeue(out var packet))
        {
            _pending--;
            host.Output.SendHeld(entry.Mac, packet);
        }
    }

    public void OnFailed(NeighborEntry entry)
    {
        // Handlers may send again, which starts another resolution.
        for (var i = entry.Pending.Count; i > 0 && entry.Pending.TryDequeue(out var packet); i--)
        {
            _pending--;
            host.Count(HostCounter.NeighborQueueDropped);
            host.Icmp.OnUndeliverable(packet.EtherType, packet.Buffer.AsSpan(0, packet.Length));
            host.Pool.Return(packet.Buffer);
        }

        host.Tcp.OnNeighborFailed(entry);
        host.Icmp.OnNeighborFailed(entry);
    }

    /// <summary>Forgets all neighbors.</summary>
    public void Clear()
    {
        foreach (var entry in _entries.Values)
        {
            DropPending(entry);
            entry.Evict();
        }

        _entries.Clear();
    }

    private NeighborEntry Add(InetAddress address)
    {
        if (_entries.Count >= host.Options.Limits.Neighbors)
            EvictOldest();
        var entry = new NeighborEntry(host, address);
        _entries.Add(address, entry);
        return entry;
    }

    private void EvictOldest()
    {
        NeighborEntry? oldest = null;
        foreach (var entry in _entries.Values)
        {
            if (oldest is null || entry.LastUsed < oldest.LastUsed)
                oldest = entry;
        }

        if (oldest is null)
            return;
        host.Count(HostCounter.NeighborEvicted);
        DropPending(oldest);
        oldest.Evict();
        _entries.Remove(oldest.Address);
    }

    private void DropPending(NeighborEntry entry)
    {
        while (entry.Pending.TryDequeue(out var packet))
        {
            _pending--;
            host.Count(HostCounter.NeighborQueueDropped);
            host.Pool.Return(packet.Buffer);
        }
    }
}
