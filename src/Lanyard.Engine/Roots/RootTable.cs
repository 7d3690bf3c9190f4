using Lanyard.Engine.Peers;
using Lanyard.Wire;

namespace Lanyard.Engine.Roots;

/// <summary>The planet and the moons that this node follows, and the roots that they name.</summary>
internal sealed class RootTable(NodeContext context, PeerTable peers)
{
    private readonly List<World> _moons = [];
    private readonly Dictionary<ulong, NodeAddress> _wantedMoons = [];
    private readonly List<Root> _roots = [];

    public World? Planet { get; private set; }

    public IReadOnlyList<World> Moons => _moons;

    /// <summary>Moons that are to be followed but were not received yet, with the root that is asked for them.</summary>
    public IReadOnlyDictionary<ulong, NodeAddress> WantedMoons => _wantedMoons;

    /// <summary>The roots other than this node. The type is <see cref="List{T}"/> because its enumerator does not allocate: the list is read for every packet.</summary>
    public List<Root> Others => _roots;

    /// <summary>Whether this node is a root.</summary>
    public bool IsSelf { get; private set; }

    /// <summary>Whether a root may be on this very machine: only then loopback addresses are paths.</summary>
    public bool AllowsLoopback { get; private set; }

    /// <summary>Returns the root with the lowest latency, or, if none answers, the root that answered last; null if no root has a path.</summary>
    public Peer? Best(long nowMs, NodeAddress except = default)
    {
        Peer? best = null;
        var bestCost = long.MaxValue;
        foreach (var root in _roots)
        {
            var peer = root.Peer;
            if (peer.Address == except || (peer.BestPath(nowMs) ?? peer.BestPathOfAll(nowMs)) is not { } path)
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

    /// <summary>Takes a planet or a moon if it is newer than the known one and, for a moon, wanted. Returns true if something changed.</summary>
    public bool TryAdd(World world, bool isChosenByUser)
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
        context.Host.SaveState(world.Type == WorldType.Planet ? StateKind.Planet : StateKind.Moon, world.Type == WorldType.Planet ? 0 : world.Id, world.ToArray());
        return true;
    }

    /// <summary>Loads the planet that was saved before a restart.</summary>
    public void LoadPlanet()
    {
        if (context.Host.LoadState(StateKind.Planet, 0) is { } state && World.TryParse(state, out var planet) && planet.Type == WorldType.Planet)
            TryAdd(planet, isChosenByUser: true);
    }

    /// <summary>Begins to follow a moon. Returns true if one of its roots must be asked for it: it is neither known nor saved.</summary>
    public bool Orbit(ulong moon, NodeAddress seed)
    {
        if (_moons.Any(m => m.Id == moon))
            return false;
        if (context.Host.LoadState(StateKind.Moon, moon) is { } state && World.TryParse(state, out var world) && world.Type == WorldType.Moon && world.Id == moon)
        {
            TryAdd(world, isChosenByUser: true);
            return false;
        }

        if (seed.IsNone)
            return false;
        _wantedMoons[moon] = seed;
        return true;
    }

    /// <summary>Stops following a moon. Returns false if it was not followed.</summary>
    public bool Deorbit(ulong moon)
    {
        if (!(_moons.RemoveAll(m => m.Id == moon) > 0 | _wantedMoons.Remove(moon)))
            return false;
        context.Host.DeleteState(StateKind.Moon, moon);
        UpdateRoots();
        return true;
    }

    private void UpdateRoots()
    {
        var old = _roots.ToArray();
        _roots.Clear();
        IsSelf = false;
        AllowsLoopback = false;
        foreach (var world in Planet is null ? _moons : _moons.Prepend(Planet))
        {
            foreach (var definition in world.Roots)
            {
                AllowsLoopback |= definition.Endpoints.Any(e => e.Address.IsLoopback);
                if (definition.Identity.Equals(context.Identity))
                {
                    IsSelf = true;
                    continue;
                }

                // An address that already belongs to another identity stays with it.
                if (FindOrAdd(definition.Identity) is not { } peer || !peer.Identity.Equals(definition.Identity))
                    continue;
                peer.Root ??= new Root(peer);
                if (!_roots.Contains(peer.Root))
                {
                    peer.Root.Begin(world.Type == WorldType.Planet);
                    _roots.Add(peer.Root);
                }

                peer.Root.AddEndpoints(definition.Endpoints);
            }
        }

        foreach (var root in old)
        {
            if (!_roots.Contains(root))
                root.Peer.Root = null;
        }
    }

    private Peer? FindOrAdd(Identity identity)
    {
        if (peers.Find(identity.Address) is { } known)
            return known;
        if (peers.TryCreate(identity) is not { } peer)
            return null;
        peers.Add(nowMs: 0, peer, isNew: true);
        return peer;
    }
}
