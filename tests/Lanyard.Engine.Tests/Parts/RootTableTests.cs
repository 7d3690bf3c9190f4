using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The planet, the moons and their roots.</summary>
public sealed class RootTableTests : IDisposable
{
    private const long Now = PeerParts.Now;
    private readonly PeerParts _parts = new();
    private readonly WorldKey _key;

    public RootTableTests() => _key = _parts.CreateWorldKey();

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_newer_planet_replaces_an_older_one_and_not_the_other_way_round()
    {
        var (first, second) = (_parts.CreateIdentity(), _parts.CreateIdentity());
        Assert.True(_parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, first), isChosenByUser: true));
        Assert.True(_parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now + 1, _key, second), isChosenByUser: false));
        Assert.False(_parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, first), isChosenByUser: true));
        Assert.Equal([second.Address], _parts.Roots.Others.Select(root => root.Address));
        Assert.False(_parts.Peers.Find(first.Address)!.IsRoot);
        Assert.True(_parts.Peers.Find(second.Address)!.IsRoot);
    }

    [Fact]
    public void A_planet_of_another_signer_is_ignored()
    {
        using var other = _parts.CreateWorldKey();
        Assert.True(_parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, _parts.CreateIdentity()), isChosenByUser: true));
        Assert.False(_parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now + 1, other, _parts.CreateIdentity()), isChosenByUser: false));
    }

    [Fact]
    public void A_moon_is_accepted_only_if_it_was_requested_from_one_of_its_roots()
    {
        var root = _parts.CreateIdentity();
        var moon = _parts.CreateWorld(WorldType.Moon, 7, Now, _key, root);
        Assert.False(_parts.Roots.TryAdd(moon, isChosenByUser: false));
        Assert.True(_parts.Roots.Orbit(7, root.Address));
        Assert.True(_parts.Roots.TryAdd(moon, isChosenByUser: false));
        Assert.Empty(_parts.Roots.WantedMoons);
        Assert.Equal([7UL], _parts.Roots.Moons.Select(m => m.Id));
    }

    [Fact]
    public void A_saved_moon_is_followed_without_asking()
    {
        Assert.True(_parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Moon, 7, Now, _key, _parts.CreateIdentity()), isChosenByUser: true));
        var again = new Roots.RootTable(_parts.Context, _parts.Peers);
        Assert.False(again.Orbit(7, default));
        Assert.Single(again.Moons);
    }

    [Fact]
    public void A_moon_that_is_left_is_forgotten_with_its_roots()
    {
        var root = _parts.CreateIdentity();
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Moon, 7, Now, _key, root), isChosenByUser: true);
        Assert.True(_parts.Roots.Deorbit(7));
        Assert.False(_parts.Roots.Deorbit(7));
        Assert.Empty(_parts.Roots.Others);
        Assert.False(_parts.Peers.Find(root.Address)!.IsRoot);
        Assert.Null(_parts.Host.LoadState(StateKind.Moon, 7));
    }

    [Fact]
    public void A_root_of_the_planet_and_of_a_moon_is_one_root_with_the_endpoints_of_both()
    {
        var root = _parts.CreateIdentity();
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, root), isChosenByUser: true);
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Moon, 7, Now, _key, root), isChosenByUser: true);
        var entry = Assert.Single(_parts.Roots.Others);
        Assert.True(entry.OfPlanet);
        Assert.Equal(2, entry.Endpoints.Count);
    }

    [Fact]
    public void A_node_that_the_planet_names_is_a_root_and_not_its_own_peer()
    {
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, _parts.Identity, _parts.CreateIdentity()), isChosenByUser: true);
        Assert.True(_parts.Roots.IsSelf);
        Assert.Single(_parts.Roots.Others);
        Assert.Null(_parts.Peers.Find(_parts.Identity.Address));
    }

    [Fact]
    public void The_best_root_is_the_one_with_the_lowest_latency()
    {
        var roots = new[] { _parts.CreateIdentity(), _parts.CreateIdentity(), _parts.CreateIdentity() };
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, roots), isChosenByUser: true);
        Assert.Null(_parts.Roots.Best(Now));
        for (var i = 0; i < roots.Length; i++)
            _parts.Learn(_parts.Peers.Find(roots[i].Address)!, latencyMs: 300 - (i * 100));
        Assert.Equal(roots[2].Address, _parts.Roots.Best(Now)!.Address);
        Assert.Equal(roots[1].Address, _parts.Roots.Best(Now, except: roots[2].Address)!.Address);
    }

    [Fact]
    public void A_root_that_answers_is_better_than_a_faster_one_that_does_not()
    {
        var roots = new[] { _parts.CreateIdentity(), _parts.CreateIdentity() };
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, roots), isChosenByUser: true);
        _parts.Learn(_parts.Peers.Find(roots[0].Address)!, latencyMs: 10).Distrust(Now);
        _parts.Learn(_parts.Peers.Find(roots[1].Address)!, latencyMs: 200);
        Assert.Equal(roots[1].Address, _parts.Roots.Best(Now)!.Address);
    }

    [Fact]
    public void Attempts_to_reach_a_root_are_paced_from_a_quarter_of_a_second_to_fifteen_seconds()
    {
        _parts.Roots.TryAdd(_parts.CreateWorld(WorldType.Planet, 1, Now, _key, _parts.CreateIdentity()), isChosenByUser: true);
        var root = _parts.Roots.Others[0];
        root.NoteAttempt(Now, random: 0);
        Assert.Equal(Now + 250, root.NextAttemptMs);
        for (var i = 0; i < 10; i++)
            root.NoteAttempt(Now, random: 0);
        Assert.Equal(Now + 15_000, root.NextAttemptMs);
        root.ResetAttempts();
        Assert.Equal(0, root.NextAttemptMs);
    }

    [Theory]
    [InlineData("10.0.0.1/9993", true)]
    [InlineData("46.0.0.1/9993", true)]
    [InlineData("127.0.0.1/9993", false)]
    [InlineData("224.0.0.1/9993", false)]
    [InlineData("46.0.0.1/0", false)]
    [InlineData("0.0.0.0/9993", false)]
    public void A_path_s_endpoint_is_one_of_a_host(string endpoint, bool isPermitted) =>
        Assert.Equal(isPermitted, _parts.Policy.Permits(_parts.AddPeer(), 0, InetEndpoint.Parse(endpoint)));

    [Fact]
    public void A_root_is_reached_only_where_its_world_says()
    {
        var root = _parts.AddRoot();
        Assert.True(_parts.Policy.Permits(root, 0, root.Root!.Endpoints[0]));
        Assert.False(_parts.Policy.Permits(root, 0, InetEndpoint.Parse("46.200.0.1/9993")));
    }

    [Fact]
    public void Loopback_addresses_are_paths_if_a_root_has_one()
    {
        var peer = _parts.AddPeer();
        var world = World.Create(WorldType.Planet, 1, Now, _key.PublicKey, [new WorldRoot(_parts.CreateIdentity().WithoutSecret(), [InetEndpoint.Parse("127.0.0.1/9993")])], _key);
        _parts.Roots.TryAdd(world, isChosenByUser: true);
        Assert.True(_parts.Policy.Permits(peer, 0, InetEndpoint.Parse("127.0.0.1/7000")));
    }
}
