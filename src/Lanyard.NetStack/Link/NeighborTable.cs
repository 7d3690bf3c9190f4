using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The states of a neighbor (RFC 4861 section 7.3.2; used for ARP as well).</summary>
internal enum NeighborState : byte
{
    /// <summary>Its Ethernet address is being asked for.</summary>
    Incomplete = 0,

    /// <summary>The neighbor was heard recently.</summary>
    Reachable,

    /// <summary>Its Ethernet address is known but has not been confirmed for long.</summary>
    Stale,

    /// <summary>In use though stale; a confirmation by the traffic itself is waited for.</summary>
    Delay,

    /// <summary>In use though stale, and asked directly.</summary>
    Probe,

    /// <summary>The resolver supplies the Ethernet address. Probed only if a connection stays unanswered.</summary>
    Static,

    /// <summary>It did not answer; the next use asks again.</summary>
    Failed,

    /// <summary>No longer in the table.</summary>
    Evicted,
}

/// <summary>One neighbor. Its timer drives the asking.</summary>
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
    public Queue<HeldPacket> Waiting { get; } = new();

    /// <summary>Whether a packet can be sent now; if not, asking is under way.</summary>
    public bool Use(NetworkHost owner)
    {
        var now = owner.Now;
        LastUsed = now;
        if (owner.Options.NeighborAuthority is { } authority && authority.Version != _judgedVersion)
            JudgeAnew(authority, now);
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
                Start(now);
                return State == NeighborState.Static;
            default:
                return false;
        }
    }

    // What was heeded before it was known whose the address is may have been forged.
    private void JudgeAnew(INeighborAuthority authority, long now)
    {
        _judgedVersion = authority.Version;
        if (State is NeighborState.Static or NeighborState.Incomplete or NeighborState.Failed or NeighborState.Evicted
            || authority.Judge(Address, Mac) != AddressClaim.Forged)
            return;
        host.Count(HostCounter.NeighborCorrected);
        Start(now);
    }

    /// <summary>Begins to find the Ethernet address.</summary>
    public void Start(long now)
    {
        if (host.Options.NeighborResolver is { } resolver && resolver.TryResolve(Address, out var mac))
        {
            Mac = mac;
            State = NeighborState.Static;
            host.Timers.Set(this, long.MaxValue);
            host.Neighbors.SendWaiting(this);
            return;
        }

        State = NeighborState.Incomplete;
        _solicits = 0;
        Solicit(now);
    }

    /// <summary>
    /// Probes a static neighbor that leaves packets unanswered (RFC 4861 section 7.3), unless it was heard from lately. If it does not answer the probes either,
    /// pending connections to it fail.
    /// </summary>
    public void Verify(long now)
    {
        if (State != NeighborState.Static || _isVerifying || now < _reachableUntil)
            return;
        _isVerifying = true;
        _solicits = 0;
        Solicit(now);
    }

    /// <summary>Records the neighbor's Ethernet address. <paramref name="confirmed"/> if the neighbor answered a solicitation.</summary>
    public void Learn(long now, MacAddress mac, bool confirmed)
    {
        if (State == NeighborState.Static && confirmed && mac == Mac)
            _reachableUntil = now + ReachableTime;
        if (State is NeighborState.Static or NeighborState.Evicted)
            return;
        var changed = Mac != mac;
        var wasUsable = State is not (NeighborState.Incomplete or NeighborState.Failed);
        Mac = mac;
        if (confirmed)
        {
            State = NeighborState.Reachable;
            _reachableUntil = now + ReachableTime;
            host.Timers.Set(this, long.MaxValue);
        }
        else if (changed || !wasUsable)
        {
            State = NeighborState.Stale;
            host.Timers.Set(this, long.MaxValue);
        }

        host.Neighbors.SendWaiting(this);
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

    // The first questions follow each other faster than once a second, since over an overlay the first may be lost while the way is
    // being found.
    private void Solicit(long now)
    {
        host.Timers.Set(this, now + Math.Min(FirstRetransmitTime << _solicits, MaxRetransmitTime));
        _solicits++;
        var unicast = State is NeighborState.Probe or NeighborState.Static;
        if (Address.IsV4)
            host.Arp.SendRequest(Address, unicast ? Mac : MacAddress.Broadcast);
        else
            host.Ndp.SendSolicitation(Address, unicast ? Mac : null);
    }
}

/// <summary>The neighbors of the port, found by ARP and neighbor discovery, within <see cref="HostLimits.Neighbors"/>.</summary>
internal sealed class NeighborTable(NetworkHost host)
{
    private readonly Dictionary<InetAddress, NeighborEntry> _entries = [];
    private int _waiting;

    public int Count => _entries.Count;

    /// <summary>The neighbor with an on-link address; its finding begins if it is new.</summary>
    public NeighborEntry Get(InetAddress address)
    {
        if (_entries.TryGetValue(address, out var entry))
            return entry;
        entry = Add(address);
        entry.Start(host.Now);
        return entry;
    }

    public bool TryGet(InetAddress address, out NeighborEntry? entry) => _entries.TryGetValue(address, out entry);

    /// <summary>A neighbor has said its Ethernet address itself, by asking for one of this host's.</summary>
    public void LearnFromQuestion(InetAddress address, MacAddress mac)
    {
        if (!_entries.TryGetValue(address, out var entry))
            entry = Add(address);
        entry.Learn(host.Now, mac, confirmed: false);
    }

    /// <summary>Keeps a packet until the neighbor is found.</summary>
    public void Enqueue(NeighborEntry entry, HeldPacket packet)
    {
        // What was asked for may have been answered by the layer above meanwhile.
        if (entry.State is not (NeighborState.Incomplete or NeighborState.Failed or NeighborState.Evicted))
        {
            host.Output.SendHeld(entry.Mac, packet);
            return;
        }

        if (entry.State == NeighborState.Evicted || _waiting >= host.Options.Limits.PendingPackets)
        {
            host.Count(HostCounter.NeighborQueueOverflow);
            host.Pool.Return(packet.Buffer);
            return;
        }

        if (entry.Waiting.Count >= host.Options.Limits.PendingPacketsPerNeighbor)
        {
            host.Count(HostCounter.NeighborQueueOverflow);
            host.Pool.Return(entry.Waiting.Dequeue().Buffer);
            _waiting--;
        }

        entry.Waiting.Enqueue(packet);
        _waiting++;
    }

    public void SendWaiting(NeighborEntry entry)
    {
        while (entry.Waiting.TryDequeue(out var packet))
        {
            _waiting--;
            host.Output.SendHeld(entry.Mac, packet);
        }
    }

    public void OnFailed(NeighborEntry entry)
    {
        // Handlers may send again, which starts another resolution.
        for (var i = entry.Waiting.Count; i > 0 && entry.Waiting.TryDequeue(out var packet); i--)
        {
            _waiting--;
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
            DropWaiting(entry);
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
        DropWaiting(oldest);
        oldest.Evict();
        _entries.Remove(oldest.Address);
    }

    private void DropWaiting(NeighborEntry entry)
    {
        while (entry.Waiting.TryDequeue(out var packet))
        {
            _waiting--;
            host.Count(HostCounter.NeighborQueueDropped);
            host.Pool.Return(packet.Buffer);
        }
    }
}
