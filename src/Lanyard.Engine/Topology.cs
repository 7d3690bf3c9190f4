using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine;

/// <summary>Who is known: the peers by address, and which of them are roots, by the planet and the moons that this node follows.</summary>
internal sealed class Topology(Node node)
{
    private readonly Dictionary<NodeAddress, Peer> _peers = [];
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

    /// <summary>A peer that is known, or was known before a restart.</summary>
    public Peer? Find(long nowMs, NodeAddress address)
    {
        if (_peers.TryGetValue(address, out var peer))
            return peer;
        if (address == node.Address || address.IsReserved || node.Host.LoadState(StateKind.Peer, address.Value) is not { } state
            || !PeerState.TryParse(state, out var saved) || saved.Identity.Address != address)
            return null;
        peer = Add(saved.Identity);
        if (peer is null)
            return null;
        peer.SetVersion(saved.Version);
        foreach (var endpoint in saved.Endpoints)
            node.Contacts.Try(nowMs, peer, -1, endpoint);
        return peer;
    }

    public Peer? FindKnown(NodeAddress address) => _peers.GetValueOrDefault(address);

    public Identity? FindIdentity(long nowMs, NodeAddress address) => address == node.Address ? node.Identity : Find(nowMs, address)?.Identity;

    /// <summary>Adds a peer whose identity is proven, or told by a root. Null where no key can be agreed on with it.</summary>
    public Peer? Add(Identity identity)
    {
        if (_peers.TryGetValue(identity.Address, out var known))
            return known;
        return CreateKey(identity) is { } key ? Add(identity, key) : null;
    }

    /// <summary>Adds a peer with the key shared with it.</summary>
    public Peer Add(Identity identity, SessionKey key)
    {
        if (_peers.Count >= node.Options.MaxPeers)
            ForgetOldest();
        var peer = new Peer(identity, key, node.Options.MaxPathsPerPeer);
        _peers.Add(identity.Address, peer);
        node.Host.PeerChanged(identity.Address, PeerChange.Met, default);
        return peer;
    }

    /// <summary>The key shared with an identity; null where none can be agreed on.</summary>
    public SessionKey? CreateKey(Identity identity)
    {
        Span<byte> secret = stackalloc byte[SessionKey.SecretBytes];
        if (!node.Identity.TryAgree(identity, secret))
            return null;
        var key = new SessionKey(secret);
        secret.Clear();
        return key;
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

    /// <summary>The root that answers fastest; null where none has answered lately.</summary>
    public Peer? BestRoot(long nowMs, NodeAddress except = default)
    {
        Peer? best = null;
        var bestCost = long.MaxValue;
        foreach (var root in _roots)
        {
            if (root.Address == except || FindKnown(root.Address) is not { } peer || peer.BestPath(nowMs) is not { } path)
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
        return node.MayUseAddress(endpoint.Address) && node.Host.MayUsePath(peer, localSocket, endpoint);
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
        foreach (var peer in _peers.Values.ToArray())
        {
            peer.DropExpiredPaths(nowMs);
            node.ReportDirectness(nowMs, peer);
            if (peer.PathCount == 0 && nowMs - peer.LastReceivedMs > Path.ExpirationMs && nowMs - peer.LastUsedMs > Path.ExpirationMs && !IsRoot(peer.Address))
                _peers.Remove(peer.Address);
        }
    }

    /// <summary>Keeps what is needed to reach peers at once after a restart: those that networks are shared with, and controllers.</summary>
    public void Save(long nowMs)
    {
        foreach (var peer in _peers.Values)
        {
            if (peer.IsDirty && (peer.SharesNetwork(nowMs) || node.IsController(peer.Address)))
            {
                peer.IsDirty = false;
                node.Host.SaveState(StateKind.Peer, peer.Address.Value, PeerState.Of(peer).ToBytes());
            }
        }
    }

    private void ForgetOldest()
    {
        // Rare and linear: a sixteenth goes at once, so that a flood of strangers does not pay it each time.
        foreach (var peer in _peers.Values.Where(p => !IsRoot(p.Address)).OrderBy(p => p.LastReceivedMs).Take(Math.Max(1, node.Options.MaxPeers / 16)).ToArray())
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
