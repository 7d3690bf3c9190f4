using Lanyard.Engine.Tests.Harness;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The probing of paths whose packets have not been answered.</summary>
public sealed class LivenessTests
{
    private const long Now = PeerParts.Now;
    private readonly PeerParts _parts = new();

    [Fact]
    public void A_path_that_was_sent_to_is_probed_after_four_round_trips()
    {
        var peer = _parts.AddPeer();
        Send(peer);
        Assert.Equal(Now + 400, _parts.Liveness.NextDeadlineMs);
        _parts.Liveness.Poll(Now + 399);
        Assert.Empty(_parts.TakeSent());
        _parts.Liveness.Poll(Now + 400);
        Assert.Equal([(peer.Paths[0].Endpoint, Verb.Echo)], _parts.TakeSent());
    }

    [Fact]
    public void A_path_that_answered_is_not_probed()
    {
        var peer = _parts.AddPeer();
        Send(peer);
        peer.Paths[0].NoteReceived(Now + 100);
        _parts.Liveness.Poll(Now + 400);
        Assert.Empty(_parts.TakeSent());
        Assert.Equal(0, _parts.Watched.Count);
        Assert.Equal(long.MaxValue, _parts.Liveness.NextDeadlineMs);
    }

    [Fact]
    public void The_host_learns_that_the_last_direct_path_is_lost()
    {
        var peer = _parts.AddPeer();
        _parts.Peers.ReportDirectness(Now, peer);
        Assert.True(peer.WasDirect);
        Send(peer);
        for (var ms = Now; ms <= Now + 1_000; ms += 10)
            _parts.Liveness.Poll(ms);
        Assert.False(peer.WasDirect);
    }

    [Fact]
    public void After_the_second_unanswered_probe_the_peers_other_silent_paths_are_probed()
    {
        var peer = _parts.AddPeer();
        var other = _parts.Learn(peer, latencyMs: 120);
        Send(peer);
        for (var ms = Now; ms < Now + 500; ms += 10)
            _parts.Liveness.Poll(ms);
        Assert.DoesNotContain(_parts.TakeSent(), sent => sent.To == other.Endpoint);
        _parts.Liveness.Poll(Now + 500);
        Assert.Contains((other.Endpoint, Verb.Echo), _parts.TakeSent());
        Assert.True(other.IsInDoubt);
    }

    [Fact]
    public void A_distrusted_path_is_probed_at_once()
    {
        var peer = _parts.AddPeer();
        _parts.Liveness.Distrust(Now, peer, peer.Paths[0]);
        Assert.Equal([(peer.Paths[0].Endpoint, Verb.Echo)], _parts.TakeSent());
        Assert.Null(peer.BestPath(Now));
    }

    [Fact]
    public void A_path_that_was_dropped_is_not_watched_any_more()
    {
        var peer = _parts.AddPeer();
        Send(peer);
        peer.DropPaths(_ => true);
        _parts.Liveness.Poll(Now + 400);
        Assert.Empty(_parts.TakeSent());
        Assert.Equal(0, _parts.Watched.Count);
    }

    private void Send(Peers.Peer peer)
    {
        _parts.SendMessage(peer);
        _parts.TakeSent();
    }
}
