using Lanyard.Engine.Tests.Harness;
using Lanyard.Engine.Verbs;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>Ethernet frames between members, both ways, with bridges and rules.</summary>
public sealed class FrameTests
{
    private const long Now = NetworkParts.Now;

    [Fact]
    public void A_frame_goes_to_the_member_that_its_address_names_after_the_credentials()
    {
        var parts = new NetworkParts();
        var member = parts.AddMember();
        parts.Send(parts.MacOf(member), "data");
        Assert.Equal([(member.Address, Verb.NetworkCredentials), (member.Address, Verb.Frame)], parts.Sent.Select(packet => (packet.To, packet.Verb)));
        Assert.True(FrameMessage.TryParse(parts.Sent[1].Payload, out var frame));
        Assert.Equal("data"u8.ToArray(), frame.Data.ToArray());
        Assert.Equal(Now, member.LastUsedMs);
    }

    [Fact]
    public void A_member_s_frame_is_delivered_with_the_Ethernet_address_of_its_node()
    {
        var parts = new NetworkParts();
        var member = parts.AddMember();
        Assert.Equal(VerbOutcome.AcceptedFromMember, ReceiveFrame(parts, member, "data"));
        Assert.Equal([(parts.MacOf(member), parts.Network.Mac)], parts.Host.Frames.Select(frame => (frame.Source, frame.Destination)));
    }

    [Fact]
    public void A_frame_of_somebody_else_waits_and_its_sender_is_asked_for_credentials()
    {
        var parts = new NetworkParts();
        var stranger = parts.AddPeer();
        Assert.Equal(VerbOutcome.Waiting, ReceiveFrame(parts, stranger, "data"));
        Assert.Equal([stranger.Address], parts.Waiting);
        Assert.Equal(Verb.Error, Assert.Single(parts.Replies).Verb);
        Assert.Empty(parts.Host.Frames);
        ReceiveFrame(parts, stranger, "more");
        Assert.Single(parts.Replies);
    }

    [Fact]
    public void Frames_of_impossible_length_are_dropped()
    {
        var parts = new NetworkParts();
        var member = parts.AddMember();
        parts.Send(parts.MacOf(member), "");
        parts.Send(parts.MacOf(member), new string('x', parts.Config.Mtu + 1));
        ReceiveFrame(parts, member, "");
        ReceiveFrame(parts, member, new string('x', parts.Config.Mtu + 1));
        Assert.Equal(4, parts.Dropped(DropReason.FrameSize));
        Assert.Empty(parts.Host.Frames);
    }

    [Fact]
    public void A_frame_to_the_port_itself_or_from_it_is_dropped()
    {
        var parts = new NetworkParts();
        var member = parts.AddMember();
        parts.Send(parts.Network.Mac, "data");
        ReceiveExt(parts, member, parts.Network.Mac, parts.Network.Mac);
        Assert.Equal(2, parts.Dropped(DropReason.OwnAddress));
    }

    [Fact]
    public void Only_a_bridge_sends_frames_of_others()
    {
        var parts = new NetworkParts();
        parts.Send(parts.MacOf(parts.AddMember()), "data", source: Foreign(parts));
        Assert.Equal(1, parts.Dropped(DropReason.BridgingNotAllowed));

        NetworkParts bridge = null!;
        bridge = new NetworkParts(config => config with { Specialists = [new NetworkSpecialist(config.IssuedTo, SpecialistRoles.ActiveBridge)] });
        var member = bridge.AddMember();
        bridge.Send(bridge.MacOf(member), "data", source: Foreign(bridge));
        Assert.Equal([member.Address], bridge.SentTo(Verb.ExtFrame));
    }

    [Fact]
    public void Only_bridges_forward_frames_from_foreign_addresses()
    {
        var parts = new NetworkParts();
        ReceiveExt(parts, parts.AddMember(), Foreign(parts), parts.Network.Mac);
        Assert.Equal(1, parts.Dropped(DropReason.BridgingNotAllowed));
        Assert.Empty(parts.Host.Frames);
    }

    [Fact]
    public void Addresses_behind_a_bridge_are_reached_through_it()
    {
        var roles = new List<NetworkSpecialist>();
        var parts = new NetworkParts();
        var (bridge, other) = (parts.AddMember(), parts.AddMember());
        roles.Add(new NetworkSpecialist(bridge.Address, SpecialistRoles.ActiveBridge));
        roles.Add(new NetworkSpecialist(other.Address, SpecialistRoles.ActiveBridge));
        Assert.True(parts.Network.Configure(Now, parts.Config with { Revision = 2, Timestamp = Now + 1, Specialists = roles.ToEquatableArray() }, Networks.ConfigOrigin.Answer));
        parts.Sent.Clear();

        parts.Send(Foreign(parts), "to both");
        Assert.Equal(new[] { bridge.Address, other.Address }.Order(), parts.SentTo(Verb.ExtFrame).Order());
        parts.Sent.Clear();
        ReceiveExt(parts, bridge, Foreign(parts), parts.Network.Mac);
        Assert.Equal(Foreign(parts), Assert.Single(parts.Host.Frames).Source);
        parts.Send(Foreign(parts), "to one");
        Assert.Equal([bridge.Address], parts.SentTo(Verb.ExtFrame));
    }

    [Fact]
    public void An_EXT_FRAME_is_acknowledged_if_its_sender_wants_it()
    {
        var parts = new NetworkParts();
        var member = parts.AddMember();
        ReceiveExt(parts, member, parts.MacOf(member), parts.Network.Mac, ExtFrameFlags.AckWanted);
        Assert.Equal(Verb.Ok, Assert.Single(parts.Replies).Verb);
        Assert.Single(parts.Host.Frames);
    }

    [Fact]
    public void The_rules_judge_frames_both_ways()
    {
        var parts = new NetworkParts(config => config with { Rules = [Rule.ActionDrop] });
        var member = parts.AddMember();
        parts.Send(parts.MacOf(member), "data");
        ReceiveFrame(parts, member, "data");
        Assert.Equal(2, parts.Dropped(DropReason.Filtered));
        Assert.Empty(parts.SentTo(Verb.Frame));
        Assert.Empty(parts.Host.Frames);
    }

    [Fact]
    public void A_rule_sends_copies_and_redirects()
    {
        var watcher = new NodeAddress(0x1234567890);
        var parts = new NetworkParts(config => config with { Rules = [Rule.ActionTee(watcher, 3), Rule.ActionAccept] });
        parts.Send(parts.MacOf(parts.AddMember()), "data");
        var (to, _, payload) = Assert.Single(parts.Sent, packet => packet.Verb == Verb.ExtFrame);
        Assert.Equal(watcher, to);
        Assert.True(ExtFrameMessage.TryParse(payload, out var copy));
        Assert.Equal("dat"u8.ToArray(), copy.Data.ToArray());

        var redirecting = new NetworkParts(config => config with { Rules = [Rule.ActionRedirect(watcher)] });
        redirecting.Send(redirecting.MacOf(redirecting.AddMember()), "data");
        Assert.Equal([watcher], redirecting.SentTo(Verb.ExtFrame));
        Assert.Empty(redirecting.SentTo(Verb.Frame));
    }

    [Fact]
    public void A_broadcast_goes_to_those_who_listen_and_to_those_who_begin_to_within_five_seconds()
    {
        var parts = new NetworkParts();
        var (first, second) = (parts.AddMember(), parts.AddMember());
        Like(parts, first, MacAddress.Broadcast);
        parts.Send(MacAddress.Broadcast, "hello");
        Assert.Equal([first.Address], parts.SentTo(Verb.MulticastFrame));
        Assert.Contains(parts.Controller.Address, parts.SentTo(Verb.MulticastGather));
        parts.Sent.Clear();
        Like(parts, second, MacAddress.Broadcast);
        Assert.Equal([second.Address], parts.SentTo(Verb.MulticastFrame));
    }

    [Fact]
    public void A_broadcast_is_dropped_where_the_network_has_none()
    {
        var parts = new NetworkParts(config => config with { Flags = NetworkFlags.None });
        parts.Send(MacAddress.Broadcast, "hello");
        Assert.Equal(1, parts.Dropped(DropReason.MulticastDisabled));
        var silent = new NetworkParts(config => config with { MulticastLimit = 0 });
        silent.Send(new MacAddress(0x33_33_00_00_00_01), "hello");
        Assert.Equal(1, silent.Dropped(DropReason.MulticastDisabled));
    }

    [Fact]
    public void A_frame_goes_to_no_more_listeners_than_the_network_allows()
    {
        var parts = new NetworkParts(config => config with { MulticastLimit = 3 });
        for (var i = 0; i < 8; i++)
            Like(parts, parts.AddMember(), MacAddress.Broadcast);
        parts.Send(MacAddress.Broadcast, "hello");
        Assert.Equal(3, parts.SentTo(Verb.MulticastFrame).Count);
    }

    [Fact]
    public void A_replicator_sends_the_copies_of_others()
    {
        var parts = new NetworkParts();
        var (replicator, member) = (parts.AddMember(), parts.AddMember());
        Like(parts, member, MacAddress.Broadcast);
        Assert.True(parts.Network.Configure(Now,
            parts.Config with { Revision = 2, Timestamp = Now + 1, Specialists = [new NetworkSpecialist(replicator.Address, SpecialistRoles.MulticastReplicator)] },
            Networks.ConfigOrigin.Answer));
        parts.Sent.Clear();
        parts.Send(MacAddress.Broadcast, "hello");
        Assert.Equal([replicator.Address], parts.SentTo(Verb.MulticastFrame));
    }

    [Fact]
    public void A_member_s_multicast_frame_is_delivered()
    {
        var parts = new NetworkParts();
        var member = parts.AddMember();
        Assert.Equal(VerbOutcome.AcceptedFromMember, parts.Receive(member, Verb.MulticastFrame, (ref ByteWriter writer) => new MulticastFrameMessage
        {
            NetworkId = parts.Network.Id, Group = new MulticastGroup(MacAddress.Broadcast, 0), EtherType = 0x0800, Data = "hello"u8,
        }.Write(ref writer)));
        Assert.Equal((parts.MacOf(member), MacAddress.Broadcast), (parts.Host.Frames[0].Source, parts.Host.Frames[0].Destination));
    }

    [Fact]
    public void Listeners_are_sent_to_members_that_request_them()
    {
        var parts = new NetworkParts();
        var (listener, asker, stranger) = (parts.AddMember(), parts.AddMember(), parts.AddPeer());
        Like(parts, listener, MacAddress.Broadcast);
        foreach (var peer in new[] { asker, stranger })
        {
            parts.Receive(peer, Verb.MulticastGather, (ref ByteWriter writer) =>
                new MulticastGatherMessage { NetworkId = parts.Network.Id, Group = new MulticastGroup(MacAddress.Broadcast, 0), Limit = 10 }.Write(ref writer));
        }

        Assert.Single(parts.Replies);
        Assert.Equal(1, parts.Dropped(DropReason.NotAMember));
    }

    [Fact]
    public void A_stranger_does_not_become_a_listener()
    {
        var parts = new NetworkParts();
        Like(parts, parts.AddPeer(), MacAddress.Broadcast);
        Assert.Equal(1, parts.Dropped(DropReason.NotAMember));
        Assert.Equal(0, parts.Layer.Multicaster.GroupCount);
    }

    [Fact]
    public void A_listener_is_forgotten_after_ten_minutes()
    {
        var parts = new NetworkParts();
        Like(parts, parts.AddMember(), MacAddress.Broadcast);
        parts.Layer.Multicaster.Clean(Now + 599_999);
        Assert.Equal(1, parts.Layer.Multicaster.GroupCount);
        parts.Layer.Multicaster.Clean(Now + 600_000);
        Assert.Equal(0, parts.Layer.Multicaster.GroupCount);
    }

    // An Ethernet address that is none of a member's: those of one network have the first byte in common.
    private static MacAddress Foreign(NetworkParts parts) => new(parts.Network.Mac.Value ^ 0x0400_0000_0000);

    private static VerbOutcome ReceiveFrame(NetworkParts parts, Peers.Peer from, string data) => parts.Receive(from, Verb.Frame, (ref ByteWriter writer) =>
    {
        new FrameMessage { NetworkId = parts.Network.Id, EtherType = 0x0800 }.Write(ref writer);
        writer.WriteBytes(System.Text.Encoding.ASCII.GetBytes(data));
    });

    private static void ReceiveExt(NetworkParts parts, Peers.Peer from, MacAddress source, MacAddress destination, ExtFrameFlags flags = ExtFrameFlags.None) =>
        parts.Receive(from, Verb.ExtFrame, (ref ByteWriter writer) => new ExtFrameMessage
        {
            NetworkId = parts.Network.Id, Flags = flags, Source = source, Destination = destination, EtherType = 0x0800, Data = "data"u8,
        }.Write(ref writer));

    private static void Like(NetworkParts parts, Peers.Peer from, MacAddress group) => parts.Receive(from, Verb.MulticastLike, (ref ByteWriter writer) =>
        MulticastLikeMessage.Write(ref writer, new[] { new MulticastSubscription(parts.Network.Id, new MulticastGroup(group, 0)) }));
}
