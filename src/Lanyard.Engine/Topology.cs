using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine;

/// <summary>Who is known: the peers by address, and which of them are roots, by the planet and the moons that this node follows.</summary>
internal sealed class Topology(Node node)
{
    // Peers that have just become known; most of them are strangers when strangers are many.
    private const int MaxNewPeers = 1_024;

    private readonly Dictionary<NodeAddress, Peer> _peers = [];
    private readonly Queue<Peer> _newPeers = new();
    private readonly List<World> _moons = [];
    private readonly Dictionary<ulong, NodeAddress> _wantedMoons = [];
    private readonly List<Root> _roots = [];

    public World? Planet { get; private set; }

    public IReadOnlyList<World> Moons => _moons;

    /// <summary>Moons that are to be followed but were not received yet, with the root that is asked for them.</summary>
    public IReadOnlyDictionary<ulong, NodeAddress> WantedMoons => _wantedMoons;

    /// <summary>The roots other than this node itself. As a list, whose enumerator is no object: it is asked for with every packet.</summary>
    public List<Root> Roots => _roots;

    /// <summary>Whether this node is a root.</summary>
    public bool IsRootSelf { get; private set; }

    /// <summary>Whether a root may be on this very machine: then, and only then, loopback addresses are paths.</summary>
    public bool AllowsLoopback { get; private set; }

    public Dictionary<NodeAddress, Peer>.ValueCollection Peers => _peers.Values;

    /// <summary>The endpoints of all peers' paths.</summary>
    public ConfirmedEndpoints Endpoints { get; } = new();

    /// <summary>A peer that is known, or was known before a restart. For this node's own needs: finding it may agree on a key.</summary>
    public Peer? Find(long nowMs, NodeAddress address)
    {
        if (_peers.TryGetValue(address, out var peer))
            return peer;
        return TryLoad(address, out var saved) && CreateKey(saved.Identity) is { } key ? Add(nowMs, NewPeer(saved.Identity, key), saved) : null;
    }

    /// <summary>Loads the saved state of a peer from this node's store, or its identity from this node's controller. Returns false if neither knows the peer.</summary>
    public bool TryLoad(NodeAddress address, [NotNullWhen(true)] out PeerState? saved)
    {
        saved = null;
        if (address == node.Address || address.IsReserved)
            return false;
        if (node.Host.LoadState(StateKind.Peer, address.Value) is { } state && PeerState.TryParse(state, out saved) && saved.Identity.Address == address)
            return true;
        saved = node.Controller?.FindIdentity(address) is { } member ? new PeerState(member, default, []) : null;
        return saved is not null;
    }

    public Peer? FindKnown(NodeAddress address) => _peers.GetValueOrDefault(address);

    public Identity? FindIdentity(long nowMs, NodeAddress address) => address == node.Address ? node.Identity : Find(nowMs, address)?.Identity;

    /// <summary>Adds a peer whose identity the planet or a moon names. Null where no key can be agreed on with it.</summary>
    private Peer? Add(Identity identity)
    {
        if (_peers.TryGetValue(identity.Address, out var known))
            return known;
        return CreateKey(identity) is { } key ? Add(nowMs: 0, NewPeer(identity, key), saved: null) : null;
    }

    /// <summary>A peer that is not among those known.</summary>
    public Peer NewPeer(Identity identity, SessionKey key) => new(identity, key, node.Options.MaxPathsPerPeer, Endpoints);

    /// <summary>Adds a peer whose identity was checked.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="saved">What was kept of it over a restart, if it was known.</param>
    public Peer Add(long nowMs, Peer peer, PeerState? saved)
    {
        if (_peers.Count >= node.Options.MaxPeers)
            ForgetOldest(nowMs);
        _peers.Add(peer.Address, peer);
        if (saved is null)
        {
            _newPeers.Enqueue(peer);
            if (_newPeers.Count > MaxNewPeers)
                RemoveIdleStranger(nowMs, _newPeers.Dequeue());
        }

        node.Host.PeerChanged(peer.Address, PeerChange.Met, default);
        if (saved is not null)
        {
            peer.SetVersion(saved.Version);
            foreach (var endpoint in saved.Endpoints)
                node.Contacts.Try(nowMs, peer, -1, endpoint, chargedTo: null);
        }

        return peer;
    }

    /// <summary>Whether an endpoint is one that answered: a path of the peer, or of a root that relays to it.</summary>
    public bool IsConfirmed(Peer peer, in InetEndpoint endpoint)
    {
        if (peer.HasPathTo(endpoint))
            return true;
        foreach (var root in _roots)
        {
            if (FindKnown(root.Address) is { } relay && relay.HasPathTo(endpoint))
                return true;
        }

        return false;
    }

    public Root? FindRoot(NodeAddress address)
    {
        foreach (var root in _roots)
        {
            if (root.Address == address)
                return root;
        }

        return null;
    }

    public bool IsRoot(NodeAddress address) => FindRoot(address) is not null;

    public PeerRole RoleOf(NodeAddress address) => FindRoot(address) is not { } root ? PeerRole.Leaf : root.OfPlanet ? PeerRole.Planet : PeerRole.Moon;

    /// <summary>Returns the root with the lowest latency, or, if none answers, the root that answered last; null if no root has a path.</summary>
    public Peer? BestRoot(long nowMs, NodeAddress except = default)
    {
        Peer? best = null;
        var bestCost = long.MaxValue;
        foreach (var root in _roots)
        {
            if (root.Address == except || FindKnown(root.Address) is not { } peer || (peer.BestPath(nowMs) ?? peer.BestPathOfAll(nowMs)) is not { } path)
                continue;
            var cost = path.IsAlive(nowMs) ? path.LatencyMs : path.LatencyMs + (nowMs - path.LastReceivedMs) + 0x10000;
            if (cost < bestCost)
            {
                best = peer;
                bestCost = cost;
            }
        }

        return best;
    }

    /// <summary>Whether an endpoint may be used for a peer. Roots are only used where their world says they are.</summary>
    public bool MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint)
    {
        if (endpoint.Port == 0)
            return false;
        switch (IpScopes.Of(endpoint.Address))
        {
            case IpScope.Loopback when AllowsLoopback:
            case IpScope.Private:
            case IpScope.PseudoPrivate:
            case IpScope.Shared:
            case IpScope.Global:
                break;
            default:
                return false;
        }

        if (FindRoot(peer) is { Endpoints.Count: > 0 } root && !root.HasAddress(endpoint.Address))
            return false;
        return node.Host.MayUsePath(peer, localSocket, endpoint);
    }

    /// <summary>Takes a planet or a moon if it is newer than what is known and, for a moon, wanted. True if something changed.</summary>
    public bool AddWorld(World world, bool isChosenByUser)
    {
        if (world.Type == WorldType.Planet)
        {
            if (Planet is not null && !Planet.ShouldBeReplacedBy(world))
                return false;
            Planet = world;
        }
        else
        {
            var index = _moons.FindIndex(m => m.Id == world.Id);
            if (index >= 0 && !_moons[index].ShouldBeReplacedBy(world))
                return false;
            if (index >= 0)
                _moons[index] = world;
            else if (isChosenByUser || (_wantedMoons.TryGetValue(world.Id, out var seed) && world.Roots.Any(r => r.Identity.Address == seed)))
                _moons.Add(world);
            else
                return false;
            _wantedMoons.Remove(world.Id);
        }

        UpdateRoots();
        node.Host.SaveState(world.Type == WorldType.Planet ? StateKind.Planet : StateKind.Moon, world.Type == WorldType.Planet ? 0 : world.Id, world.ToArray());
        return true;
    }

    /// <summary>Begins to follow a moon: as it was kept, or asked for from one of its roots.</summary>
    public void Orbit(long nowMs, ulong moon, NodeAddress seed)
    {
        if (_moons.Any(m => m.Id == moon))
            return;
        if (node.Host.LoadState(StateKind.Moon, moon) is { } state && World.TryParse(state, out var world) && world.Type == WorldType.Moon && world.Id == moon)
        {
            AddWorld(world, isChosenByUser: true);
        }
        else if (!seed.IsNone)
        {
            _wantedMoons[moon] = seed;
            if (Find(nowMs, seed) is { } peer)
                node.AskForMoons(nowMs, peer);
            else
                node.Whois.Request(nowMs, seed);
        }
    }

    public bool Deorbit(ulong moon)
    {
        var removed = _moons.RemoveAll(m => m.Id == moon) > 0 | _wantedMoons.Remove(moon);
        if (removed)
        {
            node.Host.DeleteState(StateKind.Moon, moon);
            UpdateRoots();
        }

        return removed;
    }

    /// <summary>Forgets what is long out of use, and writes down what is worth keeping.</summary>
    public void Clean(long nowMs)
    {
        // The queue must not keep peers that are gone, with their keys.
        while (_newPeers.TryPeek(out var first) && (first.PathCount > 0 || !ReferenceEquals(FindKnown(first.Address), first)))
            _newPeers.Dequeue();
        foreach (var peer in _peers.Values.ToArray())
        {
            peer.DropExpiredPaths(nowMs);
            node.Paths.ReportDirectness(nowMs, peer);
            if (peer.PathCount == 0 && nowMs - peer.LastReceivedMs > Path.ExpirationMs && nowMs - peer.LastUsedMs > Path.ExpirationMs && !IsRoot(peer.Address))
            {
                // A root keeps the state of strangers only while they are reachable.
                if (IsRootSelf && !IsLasting(nowMs, peer))
                    node.Host.DeleteState(StateKind.Peer, peer.Address.Value);
                Remove(peer);
            }
        }
    }

    /// <summary>
    /// Saves the state that is needed to reach peers at once after a restart: of members of shared networks, of controllers, of a controller's members, and of
    /// all peers that a root has a path to.
    /// </summary>
    public void Save(long nowMs)
    {
        foreach (var peer in _peers.Values)
        {
            if (peer.IsDirty && (IsLasting(nowMs, peer) || (IsRootSelf && peer.PathCount > 0)))
            {
                peer.IsDirty = false;
                node.Host.SaveState(StateKind.Peer, peer.Address.Value, PeerState.Of(peer).ToBytes());
            }
        }
    }

    private bool IsLasting(long nowMs, Peer peer) =>
        peer.SharesNetwork(nowMs) || node.IsController(peer.Address) || node.Controller?.FindIdentity(peer.Address) is not null;

    private SessionKey? CreateKey(Identity identity) => SessionKey.TryAgree(node.Identity, identity, out var key) ? key : null;

    // Rare and linear: a sixteenth goes at once, so that a flood of strangers does not pay it each time. Strangers go before members and controllers.
    private void ForgetOldest(long nowMs)
    {
        var candidates = _peers.Values.Where(p => !IsRoot(p.Address)).OrderBy(p => p.SharesNetwork(nowMs) || node.IsController(p.Address))
            .ThenBy(p => p.LastReceivedMs);
        foreach (var peer in candidates.Take(Math.Max(1, node.Options.MaxPeers / 16)).ToArray())
            Remove(peer);
    }

    // A peer without a path that this node neither sends to nor shares a network with.
    private void RemoveIdleStranger(long nowMs, Peer peer)
    {
        if (peer.PathCount == 0 && !peer.SharesNetwork(nowMs) && !peer.IsInUse(nowMs) && !IsRoot(peer.Address) && !node.IsController(peer.Address)
            && ReferenceEquals(FindKnown(peer.Address), peer))
            Remove(peer);
    }

    private void Remove(Peer peer)
    {
        peer.DropPaths(static _ => true);
        _peers.Remove(peer.Address);
    }

    private void UpdateRoots()
    {
        var old = _roots.ToArray();
        _roots.Clear();
        IsRootSelf = false;
        AllowsLoopback = false;
        foreach (var world in Planet is null ? _moons : _moons.Prepend(Planet))
        {
            foreach (var root in world.Roots)
            {
                AllowsLoopback |= root.Endpoints.Any(e => e.Address.IsLoopback);
                if (root.Identity.Equals(node.Identity))
                {
                    IsRootSelf = true;
                    continue;
                }

                // An address that is already someone else's stays theirs.
                if (Add(root.Identity) is not { } peer || !peer.Identity.Equals(root.Identity))
                    continue;
                if (FindRoot(root.Identity.Address) is not { } entry)
                {
                    entry = old.FirstOrDefault(r => r.Address == root.Identity.Address) ?? new Root(root.Identity.Address);
                    entry.Begin(world.Type == WorldType.Planet);
                    _roots.Add(entry);
                }

                entry.AddEndpoints(root.Endpoints);
            }
        }
    }
}

/// <summary>A root as this node uses it.</summary>
internal sealed class Root(NodeAddress address)
{
    private const long FirstRetryMs = 250;
    private const long LastRetryMs = 15_000;

    private readonly List<InetEndpoint> _endpoints = [];
    private long _retryMs = FirstRetryMs;

    public NodeAddress Address { get; } = address;

    public bool OfPlanet { get; private set; }

    public IReadOnlyList<InetEndpoint> Endpoints => _endpoints;

    /// <summary>When a HELLO is next sent to all its endpoints, while it does not answer.</summary>
    public long NextAttemptMs { get; private set; }

    public bool HasAddress(InetAddress address)
    {
        foreach (var endpoint in _endpoints)
        {
            if (endpoint.Address == address)
                return true;
        }

        return false;
    }

    public void Begin(bool ofPlanet)
    {
        OfPlanet = ofPlanet;
        _endpoints.Clear();
    }

    public void AddEndpoints(IEnumerable<InetEndpoint> endpoints)
    {
        foreach (var endpoint in endpoints)
        {
            if (!_endpoints.Contains(endpoint))
                _endpoints.Add(endpoint);
        }
    }

    /// <summary>An attempt was made: the next comes after twice the time, with up to an eighth of jitter.</summary>
    public void NoteAttempt(long nowMs, ulong random)
    {
        NextAttemptMs = nowMs + _retryMs + (long)(random % (ulong)(_retryMs / 8));
        _retryMs = Math.Min(_retryMs * 2, LastRetryMs);
    }

    /// <summary>The root answers, or the network changed: the next attempts come quickly again.</summary>
    public void ResetAttempts()
    {
        _retryMs = FirstRetryMs;
        NextAttemptMs = 0;
    }
}
