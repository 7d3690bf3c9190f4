using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>A single peer: its paths, and the bytes that it may cause.</summary>
public sealed class PeerTests
{
    private const long Now = PeerParts.Now;
    private readonly PeerParts _parts = new(options => options with { MaxPathsPerPeer = 3 });

    [Fact]
    public void A_new_path_replaces_a_dead_one_of_the_same_address()
    {
        var peer = _parts.AddPeer(hasPath: false);
        var old = _parts.Learn(peer, InetEndpoint.Parse("46.0.0.1/1"));
        old.Distrust(Now);
        _parts.Learn(peer, InetEndpoint.Parse("46.0.0.1/2"));
        Assert.Equal(1, peer.PathCount);
        Assert.Equal(InetEndpoint.Parse("46.0.0.1/2"), peer.Paths[0].Endpoint);
    }

    [Fact]
    public void A_new_path_replaces_the_one_heard_from_longest_ago_if_there_are_too_many()
    {
        var peer = _parts.AddPeer(hasPath: false);
        for (var i = 1; i <= 3; i++)
            peer.Learn(0, InetEndpoint.Parse($"46.0.{i}.1/1"), Now + i);
        peer.Learn(0, InetEndpoint.Parse("46.0.4.1/1"), Now + 4);
        Assert.Equal(3, peer.PathCount);
        Assert.False(peer.HasPathTo(InetEndpoint.Parse("46.0.1.1/1")));
        Assert.True(peer.HasPathTo(InetEndpoint.Parse("46.0.4.1/1")));
    }

    [Fact]
    public void The_table_of_confirmed_endpoints_follows_the_paths()
    {
        var peer = _parts.AddPeer(hasPath: false);
        var path = _parts.Learn(peer);
        Assert.True(_parts.Peers.Endpoints.Contains(path.Endpoint));
        peer.DropPaths(_ => true);
        Assert.False(_parts.Peers.Endpoints.Contains(path.Endpoint));
    }

    [Theory]
    [InlineData(80, false)]
    [InlineData(70, true)]
    public void Traffic_moves_to_another_path_only_if_it_is_cheaper_by_a_quarter(long latencyMs, bool moves)
    {
        var peer = _parts.AddPeer(hasPath: false);
        var first = _parts.Learn(peer, latencyMs: 100);
        Assert.Same(first, peer.BestPath(Now));
        var second = _parts.Learn(peer, latencyMs: latencyMs);
        Assert.Same(moves ? second : first, peer.BestPath(Now));
    }

    [Fact]
    public void The_best_path_of_all_may_be_a_silent_one()
    {
        var peer = _parts.AddPeer();
        Assert.Null(peer.BestPath(Now + 60_000));
        Assert.Same(peer.Paths[0], peer.BestPathOfAll(Now + 60_000));
    }

    [Fact]
    public void Each_byte_received_permits_three_to_unproven_endpoints()
    {
        var peer = _parts.AddPeer(hasPath: false);
        peer.NoteReceivedBytes(100);
        Assert.False(peer.TrySpendUnproven(301));
        Assert.True(peer.TrySpendUnproven(300));
        Assert.Equal(0, peer.UnprovenBytes);
    }

    [Fact]
    public void The_permitted_bytes_are_limited()
    {
        var peer = _parts.AddPeer(hasPath: false);
        for (var i = 0; i < 100; i++)
            peer.NoteReceivedBytes(10_000);
        Assert.Equal(32_768, peer.UnprovenBytes);
    }

    [Fact]
    public void A_redirected_peer_is_reached_at_the_new_endpoint_only()
    {
        var peer = _parts.AddPeer();
        var old = peer.Paths[0];
        var to = _parts.NextEndpoint();
        peer.Redirect(0, old.Endpoint, to);
        var path = _parts.Learn(peer, to, latencyMs: 500);
        Assert.Equal(3, path.Priority);
        peer.DropExpiredPaths(Now);
        Assert.Equal([to], peer.Paths.ToArray().Select(p => p.Endpoint));
    }

    [Fact]
    public void A_peer_shares_a_network_for_ten_minutes_after_it_showed_so()
    {
        var peer = _parts.AddPeer();
        peer.LastTrustedMs = Now;
        Assert.True(peer.SharesNetwork(Now + 599_999));
        Assert.False(peer.SharesNetwork(Now + 600_000));
    }

    [Fact]
    public void A_version_that_changed_is_worth_saving()
    {
        var peer = _parts.AddPeer(hasPath: false);
        peer.IsDirty = false;
        peer.SetVersion(peer.Version);
        Assert.False(peer.IsDirty);
        peer.SetVersion(peer.Version with { Minor = 15 });
        Assert.True(peer.IsDirty);
    }
}
