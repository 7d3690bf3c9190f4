using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Finds and settles conflicts over this host's addresses: duplicate address detection for IPv6 (RFC 4862 section 5.4), with the address
/// in use meanwhile as RFC 4429 allows, and the defense of addresses in use (RFC 5227 section 2.4).
/// </summary>
internal sealed class AddressConflicts(NetworkHost host)
{
    // RFC 4862: DupAddrDetectTransmits is 1, RetransTimer a second.
    private const long DetectionTime = 1_000_000;

    // RFC 5227 section 1.1: DEFEND_INTERVAL.
    private const long DefendInterval = 10_000_000;

    // How long an address lost to another host is not tried again.
    private const long LostTime = 300_000_000;

    // The capacity of the table of lost addresses. A full table evicts the entry that expires first.
    private const int MaxLost = 64;

    private readonly Dictionary<InetAddress, Detection> _optimistic = [];
    private readonly Dictionary<InetAddress, long> _lastConflict = [];
    private readonly Dictionary<InetAddress, long> _lostUntil = [];

    /// <summary>Whether an address is still being checked, so that its use is restricted.</summary>
    public bool IsOptimistic(InetAddress address) => _optimistic.Count > 0 && _optimistic.ContainsKey(address);

    /// <summary>The number of addresses lost to other hosts.</summary>
    public int LostCount => _lostUntil.Count;

    /// <summary>Whether an address was recently lost to another host.</summary>
    public bool IsLost(InetAddress address)
    {
        if (!_lostUntil.TryGetValue(address, out var until))
            return false;
        if (host.Now < until)
            return true;
        _lostUntil.Remove(address);
        return false;
    }

    /// <summary>Starts duplicate address detection for an IPv6 address.</summary>
    public void Detect(InetAddress address)
    {
        var detection = new Detection(this, address);
        _optimistic.Add(address, detection);
        host.Timers.Set(detection, host.Now + DetectionTime);
        host.Ndp.SendProbe(address);
    }

    /// <summary>Forgets a removed address.</summary>
    public void Forget(InetAddress address)
    {
        if (_optimistic.Remove(address, out var detection))
            host.Timers.Remove(detection);
        _lastConflict.Remove(address);
    }

    /// <summary>Handles a neighbor that claims an address of this host, or is about to use it.</summary>
    public void OnClaimed(InetAddress address, MacAddress other)
    {
        if (IsOptimistic(address))
        {
            GiveUp(address, other);
            return;
        }

        var again = _lastConflict.TryGetValue(address, out var last) && host.Now - last < DefendInterval;
        if (again && !(address.IsV4 && host.Options.GivesUpContestedAddresses))
            return;
        _lastConflict[address] = host.Now;
        if (again)
        {
            GiveUp(address, other);
            return;
        }

        Defend(address, other);
    }

    /// <summary>
    /// Handles a neighbor that claims an address of another host. If the address is this host's, the host defends it at most once in ten seconds and never
    /// gives it up, not even while it is being checked (RFC 5227 section 2.4 (c)).
    /// </summary>
    public void OnForged(InetAddress address, MacAddress other)
    {
        if (!host.AddressTable.IsLocal(address) || (_lastConflict.TryGetValue(address, out var last) && host.Now - last < DefendInterval))
            return;
        _lastConflict[address] = host.Now;
        Defend(address, other);
    }

    private void Defend(InetAddress address, MacAddress other)
    {
        host.Count(HostCounter.AddressesDefended);
        if (address.IsV4)
            host.Arp.Announce(address);
        else
            host.Ndp.Announce(address);
        host.Options.AddressObserver?.OnConflict(new AddressConflict(address, other, IsLost: false));
    }

    private void GiveUp(InetAddress address, MacAddress other)
    {
        host.Count(HostCounter.AddressesLost);
        host.DropAddress(address);
        Remember(address);
        host.Options.AddressObserver?.OnConflict(new AddressConflict(address, other, IsLost: true));
    }

    private void Remember(InetAddress address)
    {
        foreach (var (other, until) in _lostUntil.ToArray())
        {
            if (host.Now >= until)
                _lostUntil.Remove(other);
        }

        if (_lostUntil.Count >= MaxLost)
            _lostUntil.Remove(_lostUntil.OrderBy(entry => entry.Value).First().Key);
        _lostUntil[address] = host.Now + LostTime;
    }

    private void OnUnchallenged(InetAddress address)
    {
        _optimistic.Remove(address);
        // The address may be the better source now.
        host.Routing.OnAddressesChanged();
        host.Ndp.Announce(address);
    }

    private sealed class Detection(AddressConflicts owner, InetAddress address) : HostTimer
    {
        public override void OnTimer(long now) => owner.OnUnchallenged(address);
    }
}
