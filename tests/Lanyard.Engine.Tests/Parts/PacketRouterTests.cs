using Lanyard.Engine.Peers;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The routing of packets to their receivers, and the queue of packets without a path.</summary>
public sealed class PacketRouterTests
{
    private const long Now = PeerParts.Now;
    private readonly PeerParts _parts = new(options => options with { MaxQueuedPackets = 4 });

    [Fact]
    public void A_packet_goes_directly_over_a_good_path()
    {
        var peer = _parts.AddPeer();
        _parts.AddRoot();
        _parts.SendMessage(peer);
        Assert.Equal([(peer.Paths[0].Endpoint, Verb.UserMessage)], _parts.TakeSent());
    }

    [Fact]
    public void A_packet_goes_through_a_root_if_there_is_no_path()
    {
        var root = _parts.AddRoot();
        var peer = _parts.AddPeer(hasPath: false);
        peer.LastReceivedMs = Now;
        _parts.SendMessage(peer);
        Assert.Equal([(root.Paths[0].Endpoint, Verb.UserMessage)], _parts.TakeSent());
    }

    [Fact]
    public void A_HELLO_precedes_the_first_packet_to_a_peer_that_has_never_sent_any()
    {
        _parts.AddRoot();
        _parts.SendMessage(_parts.AddPeer(hasPath: false));
        Assert.Equal([Verb.Hello, Verb.UserMessage], _parts.TakeSent().Select(sent => sent.Verb));
    }

    [Fact]
    public void A_packet_is_relayed_while_a_silent_path_is_probed()
    {
        var root = _parts.AddRoot();
        var peer = _parts.AddPeer();
        var later = Now + 25_000;
        root.Paths[0].NoteReceived(later);
        _parts.SendMessage(peer, later);
        Assert.Equal([(peer.Paths[0].Endpoint, Verb.Echo), (root.Paths[0].Endpoint, Verb.UserMessage)], _parts.TakeSent());
    }

    [Fact]
    public void A_silent_path_is_used_if_there_is_no_other_way()
    {
        var peer = _parts.AddPeer();
        _parts.SendMessage(peer, Now + 25_000);
        Assert.Contains((peer.Paths[0].Endpoint, Verb.UserMessage), _parts.TakeSent());
    }

    [Fact]
    public void A_packet_without_a_path_is_sent_once_there_is_one()
    {
        var peer = _parts.AddPeer(hasPath: false);
        _parts.SendMessage(peer);
        Assert.Empty(_parts.TakeSent());
        _parts.Learn(peer);
        _parts.Router.SendQueued(Now, peer);
        Assert.Equal([Verb.UserMessage], _parts.TakeSent().Select(sent => sent.Verb));
        Assert.Equal(long.MaxValue, _parts.Router.NextDeadlineMs);
    }

    [Fact]
    public void A_queued_packet_is_dropped_after_five_seconds()
    {
        _parts.SendMessage(_parts.AddPeer(hasPath: false));
        _parts.Enqueue(new NodeAddress(0x99));
        _parts.Router.Poll(Now + 5_000);
        Assert.Equal(0, _parts.Dropped(DropReason.NoPath));
        _parts.Router.Poll(Now + 5_250);
        Assert.Equal(1, _parts.Dropped(DropReason.NoPath));
        Assert.Equal(1, _parts.Dropped(DropReason.QueueExpired));
    }

    [Fact]
    public void A_full_queue_drops_its_oldest_packet()
    {
        var peers = Enumerable.Range(0, 5).Select(_ => _parts.AddPeer(hasPath: false)).ToArray();
        foreach (var peer in peers)
            _parts.SendMessage(peer);
        Assert.Equal(1, _parts.Dropped(DropReason.QueueExpired));
        Assert.Empty(Delivered(peers[0]));
        Assert.Single(Delivered(peers[1]));
    }

    [Fact]
    public void Copies_of_multicast_frames_have_half_of_the_queue_and_are_dropped_first()
    {
        var peers = Enumerable.Range(0, 7).Select(_ => _parts.AddPeer(hasPath: false)).ToArray();
        for (var i = 0; i < 3; i++)
            _parts.SendMessage(peers[i], reason: WhoisReason.Multicast);
        Assert.Empty(Delivered(peers[0]));
        for (var i = 3; i < 7; i++)
            _parts.SendMessage(peers[i]);
        Assert.Empty(Delivered(peers[1]));
        Assert.Empty(Delivered(peers[2]));
        for (var i = 3; i < 7; i++)
            Assert.Single(Delivered(peers[i]));
    }

    [Fact]
    public void A_peer_is_tried_where_the_user_says_it_may_be()
    {
        var endpoint = InetEndpoint.Parse("46.9.9.9/9993");
        var peer = _parts.AddPeer(hasPath: false);
        _parts.Context.Options = _parts.Context.Options with { PeerHints = [new PeerHint(peer.Address, endpoint)] };
        _parts.SendMessage(peer);
        Assert.Contains((endpoint, Verb.Hello), _parts.TakeSent());
    }

    private List<(InetEndpoint To, Verb Verb)> Delivered(Peer peer)
    {
        _parts.Learn(peer);
        _parts.Router.SendQueued(Now, peer);
        return _parts.TakeSent();
    }
}
