using Lanyard.Engine.Peers;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The peers in memory, and their saved state.</summary>
public sealed class PeerTableTests
{
    private const long Now = PeerParts.Now;

    [Fact]
    public void The_peers_that_were_silent_longest_are_forgotten_first()
    {
        var parts = new PeerParts(options => options with { MaxPeers = 4 });
        var peers = Enumerable.Range(0, 4).Select(_ => parts.AddPeer()).ToArray();
        for (var i = 0; i < 4; i++)
            peers[i].LastReceivedMs = Now - i;
        var added = parts.AddPeer();
        Assert.Null(parts.Peers.Find(peers[3].Address));
        Assert.Null(parts.Peers.Keys.Find(peers[3].Address));
        Assert.Same(added.Key, parts.Peers.Keys.Find(added.Address));
        Assert.Equal(4, parts.Peers.Count);
    }

    [Fact]
    public void Roots_members_and_controllers_stay_longer_than_strangers()
    {
        var parts = new PeerParts(options => options with { MaxPeers = 4 });
        var root = parts.AddRoot();
        var (member, controller, stranger) = (parts.AddPeer(), parts.AddPeer(), parts.AddPeer());
        member.LastTrustedMs = Now;
        parts.Controllers.Add(controller.Address);
        root.LastReceivedMs = member.LastReceivedMs = controller.LastReceivedMs = Now - 1_000_000;
        parts.AddPeer();
        Assert.Null(parts.Peers.Find(stranger.Address));
        Assert.NotNull(parts.Peers.Find(root.Address));
        Assert.NotNull(parts.Peers.Find(member.Address));
        Assert.NotNull(parts.Peers.Find(controller.Address));
    }

    [Fact]
    public void A_thousand_strangers_without_a_path_are_remembered()
    {
        var parts = new PeerParts();
        var first = parts.AddPeer(hasPath: false);
        var second = parts.AddPeer();
        for (var i = 0; i < 1_023; i++)
            parts.AddPeer(hasPath: false);
        Assert.Null(parts.Peers.Find(first.Address));
        Assert.NotNull(parts.Peers.Find(second.Address));
    }

    [Fact]
    public void A_member_s_state_is_saved_and_found_after_a_restart()
    {
        var parts = new PeerParts();
        var peer = parts.AddPeer();
        peer.LastTrustedMs = Now;
        parts.Store.SaveSoon(Now);
        parts.Store.Poll(Now + 999);
        Assert.False(parts.Store.TryLoad(peer.Address, out _));
        parts.Store.Poll(Now + 1_000);
        parts.Peers.Remove(peer);

        var again = parts.Store.Find(Now, peer.Address)!;
        Assert.NotSame(peer, again);
        Assert.Equal(peer.Identity, again.Identity);
        Assert.Equal(peer.Version, again.Version);
    }

    [Fact]
    public void A_stranger_s_state_is_not_saved()
    {
        var parts = new PeerParts();
        var peer = parts.AddPeer();
        parts.Store.Save(Now);
        Assert.False(parts.Store.TryLoad(peer.Address, out _));
    }

    [Fact]
    public void A_peer_known_before_a_restart_is_tried_where_it_was_last_reached()
    {
        var parts = new PeerParts();
        var peer = parts.AddPeer();
        peer.LastTrustedMs = Now;
        parts.Store.Save(Now);
        var endpoint = peer.Paths[0].Endpoint;
        parts.Peers.Remove(peer);
        parts.Store.Find(Now, peer.Address);
        Assert.Equal([endpoint], parts.TakeSent().Select(sent => sent.To));
    }

    [Fact]
    public void A_controller_s_members_are_found_by_their_identities()
    {
        var parts = new PeerParts();
        var member = parts.CreateIdentity();
        parts.Members[member.Address] = member;
        Assert.Equal(member, parts.Store.Find(Now, member.Address)!.Identity);
    }

    [Fact]
    public void A_damaged_state_is_not_loaded()
    {
        var parts = new PeerParts();
        var identity = parts.CreateIdentity();
        parts.Host.SaveState(StateKind.Peer, identity.Address.Value, [2, 1, 2, 3]);
        Assert.Null(parts.Store.Find(Now, identity.Address));
    }

    [Fact]
    public void An_unused_peer_without_a_path_is_removed()
    {
        var parts = new PeerParts();
        var (used, unused) = (parts.AddPeer(), parts.AddPeer());
        var later = Now + Paths.Path.ExpirationMs + 1;
        used.LastUsedMs = later;
        parts.Store.Clean(later);
        Assert.Null(parts.Peers.Find(unused.Address));
        Assert.NotNull(parts.Peers.Find(used.Address));
        Assert.Equal(0, used.PathCount);
    }

    [Fact]
    public void The_node_itself_and_reserved_addresses_are_no_peers()
    {
        var parts = new PeerParts();
        Assert.Null(parts.Store.Find(Now, parts.Identity.Address));
        Assert.Null(parts.Store.Find(Now, new NodeAddress(0xff_0000_0001)));
    }

    [Fact]
    public void A_peer_with_frames_a_shared_network_or_a_role_is_no_stranger()
    {
        var parts = new PeerParts();
        var peer = parts.AddPeer();
        Assert.True(parts.Peers.IsStranger(Now, peer));
        peer.LastUsedMs = Now;
        Assert.False(parts.Peers.IsStranger(Now, peer));
        Assert.False(parts.Peers.IsStranger(Now, parts.AddRoot()));
        var controller = parts.AddPeer();
        parts.Controllers.Add(controller.Address);
        Assert.False(parts.Peers.IsStranger(Now, controller));
    }
}
