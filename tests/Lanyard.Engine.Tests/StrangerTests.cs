using Lanyard.Engine.Multicast;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests;

/// <summary>Packets of strangers do not use up the budgets and tables that the node needs for its own traffic.</summary>
public sealed class StrangerTests
{
    private static readonly InetEndpoint Somewhere = InetEndpoint.Parse("46.200.0.1/4000");

    [Fact]
    public void Junk_of_unknown_senders_leaves_all_room_for_the_nodes_own_questions()
    {
        var node = new TestNode().Online();
        var random = new Random(1);
        for (var i = 0; i < 2_000; i++)
        {
            node.Receive(new InetEndpoint(InetAddress.FromV4(0x2f00_0000 + ((uint)random.Next(1 << 16) << 8)), 4000), Junk(random, node));
            node.Advance(1);
        }

        for (var i = 0; i < 20; i++)
        {
            node.Host.Sent.Clear();
            var wanted = new NodeAddress(0x77_0000_0000 + (ulong)i);
            node.Node.SendUserMessage(node.NowMs, wanted, 70_000, "hello"u8);
            Assert.Contains(node.Root.Received(), p => p.Verb == Verb.Whois && NodeAddress.Read(p.Payload) == wanted);
        }

        // And what the junk made it ask was little.
        Assert.InRange(node.Node.Counters.Sent(Verb.Whois), 1, 200);
    }

    [Fact]
    public void A_strangers_packet_causes_one_question_and_no_other()
    {
        var node = new TestNode().Online();
        node.Receive(Somewhere, Junk(new Random(2), node));
        node.Advance(10_000);
        Assert.Equal(1, node.Node.Counters.Sent(Verb.Whois));
    }

    [Fact]
    public void Packets_that_wait_for_a_members_credentials_do_not_make_way_for_junk()
    {
        var node = new TestNode(configure: o => o with { MaxWaitingPackets = 8 }).Online();
        var first = node.NewPeer();
        first.Send(first.Packet(Verb.UserMessage, (ref ByteWriter w) => new UserMessage { Type = 70_000, Data = "first"u8 }.Write(ref w)));
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
            node.Receive(Somewhere, Junk(random, node));

        // Its identity becomes known, and what it said first is still there.
        first.Send(first.Hello());
        Assert.Equal("first"u8.ToArray(), Assert.Single(node.Host.Messages).Message);
    }

    [Theory]
    [InlineData("2001:db8:7::/48")]
    [InlineData("46.7.7.0/24")]
    public void One_prefix_causes_few_identity_checks(string prefix)
    {
        var node = new TestNode().Online();
        var network = InetPrefix.Parse(prefix).Network;
        for (var i = 0u; i < 200; i++)
        {
            var from = network.IsV4 ? InetAddress.FromV4(network.V4 + i) : InetAddress.FromV6(network.V6High + i, i);
            var stranger = node.NewPeer(new InetEndpoint(from, 4000));
            stranger.Send(stranger.Hello());
        }

        Assert.InRange(node.Validations, 1, 16);
    }

    [Fact]
    public void Forged_sources_neither_exceed_the_budget_nor_give_a_spent_prefix_its_checks_back()
    {
        var node = new TestNode(configure: o => o with { MaxIdentityChecksPerSecond = 20 }).Online();
        var spender = node.NewPeer();
        for (var i = 0; i < 40; i++)
            Stranger(node, spender.Endpoint);
        var spent = node.Validations;
        for (var i = 0u; i < 6_000; i++)
            Stranger(node, new InetEndpoint(InetAddress.FromV4(0x3000_0000 + (i << 8)), 4000));
        Assert.InRange(node.Validations, spent, spent + 20);
        var before = node.Validations;
        Stranger(node, spender.Endpoint);
        Assert.Equal(before, node.Validations);
    }

    [Fact]
    public void Relayed_HELLOs_spend_nothing_of_direct_ones_nor_of_the_roots()
    {
        var node = new TestNode().Online();
        for (var i = 0; i < 300; i++)
        {
            var hidden = node.NewPeer();
            hidden.Send(hidden.Hello(hops: 1), from: node.Root.Endpoint);
        }

        Assert.InRange(node.Validations, 1, 40);
        var direct = node.NewPeer();
        direct.Send(direct.Hello());
        Assert.NotNull(node.Node.FindPeer(node.NowMs, direct.Address));
        var besideTheRoot = node.NewPeer(node.Root.Endpoint with { Port = 4000 });
        besideTheRoot.Send(besideTheRoot.Hello());
        Assert.NotNull(node.Node.FindPeer(node.NowMs, besideTheRoot.Address));
    }

    [Fact]
    public void A_stranger_that_answers_its_challenge_becomes_known_while_forged_sources_exhaust_the_budget()
    {
        var node = new TestNode().Online();
        for (var i = 0u; i < 500; i++)
            Stranger(node, new InetEndpoint(InetAddress.FromV4(0x3000_0000 + (i << 8)), 4000));
        var honest = node.NewPeer();
        node.Host.Sent.Clear();
        honest.Send(honest.Hello());
        Assert.Null(node.Node.FindPeer(node.NowMs, honest.Address));
        var answers = honest.Received();
        Assert.Equal([Verb.Ok, Verb.Echo], answers.Select(p => p.Verb));

        // From elsewhere, or to something else: no answer.
        honest.Send(honest.Ok(Verb.Echo, answers[1].PacketId, []), from: Somewhere);
        honest.Send(honest.Ok(Verb.Echo, answers[1].PacketId ^ 1, []));
        Assert.Null(node.Node.FindPeer(node.NowMs, honest.Address));

        // What it says meanwhile waits. A challenge that was lost is repeated with the HELLO.
        honest.Send(honest.Packet(Verb.UserMessage, (ref ByteWriter w) => new UserMessage { Type = 70_000, Data = "early"u8 }.Write(ref w)));
        node.Advance(250);
        honest.Send(honest.Hello());
        Assert.Empty(node.Host.Messages);
        honest.Send(honest.Ok(Verb.Echo, honest.Received()[^1].PacketId, []));
        Assert.Equal("early"u8.ToArray(), Assert.Single(node.Host.Messages).Message);
        Assert.Equal(honest.Endpoint, Assert.Single(node.Node.FindPeer(node.NowMs, honest.Address)!.Paths).Endpoint);
    }

    [Fact]
    public void A_HELLO_is_checked_outside_of_the_node()
    {
        var node = new TestNode().Online();
        var stranger = node.NewPeer();
        node.Node.Receive(node.NowMs, 0, stranger.Endpoint, stranger.Hello());
        node.Node.Receive(node.NowMs, 0, stranger.Endpoint, stranger.Hello());
        Assert.Null(node.Node.FindPeer(node.NowMs, stranger.Address));
        Assert.True(node.Node.TryTakeWork(out var check));
        Assert.False(node.Node.TryTakeWork(out _), "one identity is checked once");
        check.Run();
        node.Node.CompleteWork(node.NowMs, check);
        Assert.NotNull(node.Node.FindPeer(node.NowMs, stranger.Address));

        // Both HELLOs are answered.
        Assert.Equal(2, stranger.Received().Count(p => p.Verb == Verb.Ok));
    }

    [Fact]
    public void Failing_work_drops_only_the_packet_that_caused_it()
    {
        var isBroken = true;
        var node = new TestNode(configure: options => options with { ValidateIdentity = _ => isBroken ? throw new InvalidOperationException("No.") : true }).Online();
        node.Advance(1_000);
        var stranger = node.NewPeer();
        stranger.Send(stranger.Hello());
        Assert.Single(node.Host.InternalErrors);
        Assert.Null(node.Node.FindPeer(node.NowMs, stranger.Address));
        isBroken = false;
        stranger.Send(stranger.Hello());
        Assert.NotNull(node.Node.FindPeer(node.NowMs, stranger.Address));
    }

    [Fact]
    public void A_stranger_at_a_root_fills_its_own_share_of_the_multicast_groups_and_no_more()
    {
        var root = new TestNode(isRoot: true, o => o with { MaxMulticastSubscriptions = 16_384 });
        var flooder = root.NewPeer().Met();
        var honest = root.NewPeer().Met();
        var number = 0;
        for (var i = 0; i < 200; i++)
        {
            flooder.Send(flooder.Packet(Verb.MulticastLike, (ref ByteWriter writer) =>
            {
                var items = new MulticastSubscription[500];
                for (var j = 0; j < items.Length; j++)
                    items[j] = new MulticastSubscription(new NetworkId(1), new MulticastGroup(new MacAddress(0x0100_5e00_0000UL + (ulong)number), (uint)number++));
                MulticastLikeMessage.Write(ref writer, items);
            }));
        }

        Assert.InRange(root.Node.Multicaster.GroupCount, 1, 4_096);
        Assert.True(root.Node.Counters.Dropped(DropReason.QuotaExceeded) > 90_000);
        var group = new MulticastGroup(MacAddress.Broadcast, 0);
        honest.Send(honest.Packet(Verb.MulticastLike, (ref ByteWriter writer) =>
            MulticastLikeMessage.Write(ref writer, [new MulticastSubscription(new NetworkId(2), group)])));
        Assert.Equal(1, root.Node.Multicaster.Gather(new NetworkId(2), group, default, new NodeAddress[4], out _));
    }

    [Fact]
    public void A_root_introduces_new_pairs_however_many_it_has_introduced()
    {
        var root = new TestNode(isRoot: true);
        var peers = new List<TestPeer>();
        for (var i = 0; i < 380; i++)
        {
            peers.Add(root.NewPeer().Met());
            root.Advance(20);
        }

        var pairs = 0;
        for (var i = 0; i < peers.Count; i++)
        {
            for (var j = i + 1; j < peers.Count; j++, pairs++)
                root.Receive(peers[i].Endpoint, Relayed(peers[i], peers[j]));
            root.Host.Sent.Clear();
        }

        Assert.True(pairs > 65_536);
        var (late, later) = (root.NewPeer().Met(), root.NewPeer().Met());
        root.Receive(late.Endpoint, Relayed(late, later));
        Assert.Contains(late.Received(), p => p.Verb == Verb.Rendezvous);
        Assert.Contains(later.Received(), p => p.Verb == Verb.Rendezvous);
    }

    [Fact]
    public void Only_a_peer_that_sends_from_its_own_path_is_introduced()
    {
        var root = new TestNode(isRoot: true);
        var (a, b) = (root.NewPeer().Met(), root.NewPeer().Met());
        root.Receive(Somewhere, Relayed(a, b));
        Assert.DoesNotContain(b.Received(), p => p.Verb == Verb.Rendezvous);
    }

    [Fact]
    public void Address_reports_in_HELLOs_of_unproven_sources_are_ignored()
    {
        var node = new TestNode().Online();
        var stranger = node.NewPeer();
        for (var i = 0u; i < 200; i++)
            stranger.Send(stranger.Hello(sentTo: new InetEndpoint(InetAddress.FromV4(0x2f00_0000 + i), 9993)), from: stranger.Endpoint with { Port = (ushort)(5000 + i) });
        Assert.DoesNotContain(node.Node.SurfaceAddresses(), e => e.Address.V4 >> 24 == 0x2f);
    }

    [Fact]
    public void A_reporter_over_a_confirmed_path_has_a_few_addresses_and_none_that_roots_contradict()
    {
        var node = new TestNode().Online();
        var liar = node.NewPeer().Met();
        for (var i = 0u; i < 50; i++)
            liar.Send(liar.Hello(sentTo: new InetEndpoint(InetAddress.FromV4(0x2f00_0000 + i), 9993)));
        Assert.Equal([TestNode.Endpoint], node.Node.SurfaceAddresses());

        // The address that roots see, at another port: a NAT that maps differently.
        liar.Send(liar.Hello(sentTo: TestNode.Endpoint with { Port = 40_000 }));
        Assert.Equal([TestNode.Endpoint, TestNode.Endpoint with { Port = 40_000 }], node.Node.SurfaceAddresses());
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(0x8000_0000UL)]
    [InlineData(0x1_0000_0000UL)]
    public void An_OK_without_a_request_makes_no_path(ulong guess)
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer().Met();
        node.Node.SendUserMessage(node.NowMs, peer.Address, 70_000, "hello"u8);
        node.Advance(20_000);
        var asked = peer.Received().Last(p => p.Verb is Verb.Echo or Verb.Hello);
        peer.Send(peer.Ok(asked.Verb, asked.PacketId ^ guess, asked.Payload), from: Somewhere);
        Assert.DoesNotContain(node.Node.FindPeer(node.NowMs, peer.Address)!.Paths, p => p.Endpoint == Somewhere);
        Assert.True(node.Node.Counters.Dropped(DropReason.UnexpectedReply) > 0);
    }

    [Fact]
    public void An_OK_makes_a_path_only_of_the_endpoint_that_was_asked_and_once()
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer();
        peer.Send(peer.Hello());
        var asked = peer.Received().Last(p => p.Verb is Verb.Echo or Verb.Hello);
        var ok = peer.Ok(asked.Verb, asked.PacketId, asked.Payload);
        peer.Send(ok.ToArray(), from: Somewhere);
        Assert.Empty(node.Node.FindPeer(node.NowMs, peer.Address)!.Paths);
        var unexpected = node.Node.Counters.Dropped(DropReason.UnexpectedReply);
        peer.Send(peer.Ok(asked.Verb, asked.PacketId, asked.Payload));
        Assert.Equal(unexpected + 1, node.Node.Counters.Dropped(DropReason.UnexpectedReply));
    }

    [Fact]
    public void An_OK_of_another_peer_is_ignored()
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer();
        var thief = node.NewPeer().Met();
        peer.Send(peer.Hello());
        var asked = peer.Received().Last(p => p.Verb is Verb.Echo or Verb.Hello);
        thief.Send(thief.Ok(asked.Verb, asked.PacketId, asked.Payload), from: peer.Endpoint);
        Assert.DoesNotContain(node.Node.FindPeer(node.NowMs, thief.Address)!.Paths, p => p.Endpoint == peer.Endpoint);
    }

    [Fact]
    public void A_roots_WHOIS_answer_is_taken_only_where_it_was_asked_and_is_valid()
    {
        var node = new TestNode().Online();
        var (unasked, asked, forged) = (node.NewPeer(), node.NewPeer(), node.NewPeer());

        // Unasked: a key made up for a controller's address.
        node.Root.Send(WhoisAnswer(node, 0x1234, unasked.Identity));
        Assert.Null(node.Node.FindPeer(node.NowMs, unasked.Address));

        node.Node.SendUserMessage(node.NowMs, asked.Address, 70_000, "hello"u8);
        var question = node.Root.Received().Last(p => p.Verb == Verb.Whois);
        node.Root.Send(WhoisAnswer(node, question.PacketId, unasked.Identity));
        Assert.Null(node.Node.FindPeer(node.NowMs, unasked.Address));

        // Asked, but the address does not fit the keys.
        node.Forged.Add(forged.Identity);
        node.Node.SendUserMessage(node.NowMs, forged.Address, 70_000, "hello"u8);
        question = node.Root.Received().Last(p => p.Verb == Verb.Whois);
        node.Root.Send(WhoisAnswer(node, question.PacketId, forged.Identity));
        Assert.Null(node.Node.FindPeer(node.NowMs, forged.Address));
        Assert.Equal(1, node.Node.Counters.Dropped(DropReason.InvalidIdentity));

        // Asked and right: known, and the message leaves.
        node.Host.Sent.Clear();
        node.Advance(500);
        question = node.Root.Received().Last(p => p.Verb == Verb.Whois && NodeAddress.Read(p.Payload) == asked.Address);
        node.Root.Send(WhoisAnswer(node, question.PacketId, asked.Identity));
        Assert.NotNull(node.Node.FindPeer(node.NowMs, asked.Address));
        Assert.Contains(asked.Received(), p => p.Verb == Verb.UserMessage);
    }

    [Fact]
    public void A_request_that_comes_twice_is_answered_once()
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer().Met();
        foreach (var request in (byte[][])[peer.Hello(), peer.Packet(Verb.Echo, (ref ByteWriter w) => w.WriteUInt64(1))])
        {
            node.Host.Sent.Clear();
            for (var i = 0; i < 50; i++)
                peer.Send(request.ToArray(), from: Somewhere with { Port = (ushort)(5000 + i) });
            Assert.Equal(1, peer.Received().Count(p => p.Verb == Verb.Ok));
        }
    }

    [Fact]
    public void An_exception_that_one_datagram_causes_costs_no_other()
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer().Met();
        node.Host.OnMessage = message =>
        {
            if (message[0] == (byte)'a')
                throw new InvalidOperationException("A fault.");
        };
        var datagrams = new[] { "a1"u8.ToArray(), "b2"u8.ToArray(), "a3"u8.ToArray(), "b4"u8.ToArray() }
            .Select(text => peer.Packet(Verb.UserMessage, (ref ByteWriter w) => new UserMessage { Type = 70_000, Data = text }.Write(ref w))).ToArray();
        node.Receive(peer.Endpoint, datagrams.SelectMany(d => d).ToArray(), datagrams[0].Length);
        Assert.Equal(["b2", "b4"], node.Host.Messages.Select(m => System.Text.Encoding.ASCII.GetString(m.Message)));
        Assert.Equal(2, node.Host.InternalErrors.Count);
        Assert.Equal(2, node.Node.Counters.Dropped(DropReason.InternalError));
    }

    [Fact]
    public void An_exception_that_a_waiting_packet_causes_costs_no_other_and_leaves_the_check_of_its_sender_done()
    {
        var node = new TestNode().Online();
        var peer = node.NewPeer();
        node.Host.OnMessage = message =>
        {
            if (message[0] == (byte)'a')
                throw new InvalidOperationException("A fault.");
        };
        foreach (var text in (string[])["a1", "b2"])
            peer.Send(peer.Packet(Verb.UserMessage, (ref ByteWriter w) => new UserMessage { Type = 70_000, Data = System.Text.Encoding.ASCII.GetBytes(text) }.Write(ref w)));
        peer.Send(peer.Hello());
        Assert.Equal("b2"u8.ToArray(), Assert.Single(node.Host.Messages).Message);
        Assert.Single(node.Host.InternalErrors);
        Assert.NotNull(node.Node.FindPeer(node.NowMs, peer.Address));
    }

    [Fact]
    public void Strangers_make_way_before_members_and_controllers_where_there_are_too_many_peers()
    {
        var node = new TestNode(configure: o => o with { MaxPeers = 64, MaxIdentityChecksPerSecond = 10_000 }).Online();
        var controller = node.NewPeer().Met();
        node.Node.Join(node.NowMs, NetworkId.Create(controller.Address, 1));
        for (var i = 0; i < 300; i++)
        {
            node.Advance(10);
            Stranger(node, new InetEndpoint(InetAddress.FromV4(0x3000_0000 + ((uint)i << 8)), 4000));
        }

        Assert.NotNull(node.Node.FindPeer(node.NowMs, controller.Address));
        Assert.InRange(node.Node.Peers(node.NowMs).Count, 1, 64);
    }

    private static void Stranger(TestNode node, InetEndpoint from)
    {
        var stranger = node.NewPeer(from);
        stranger.Send(stranger.Hello());
    }

    // 28 bytes that claim to come from nobody known.
    private static byte[] Junk(Random random, TestNode node)
    {
        var packet = new byte[PacketFormat.HeaderBytes];
        PacketHeader.Write(packet, (ulong)random.NextInt64(), node.Identity.Address, new NodeAddress((ulong)random.NextInt64(1, 0xfe_0000_0000)), Verb.Nop);
        return packet;
    }

    // A root passes it on without reading it.
    private static byte[] Relayed(TestPeer from, TestPeer to)
    {
        var packet = new byte[PacketFormat.HeaderBytes + 8];
        PacketHeader.Write(packet, 1, to.Address, from.Address, Verb.Nop);
        return packet;
    }

    private static byte[] WhoisAnswer(TestNode node, ulong inRe, Identity identity) => node.Root.Packet(Verb.Ok, (ref ByteWriter writer) =>
    {
        new OkMessage { InReVerb = Verb.Whois, InRePacketId = inRe }.Write(ref writer);
        identity.WithoutSecret().Write(writer.Reserve(Identity.BinarySize));
    });
}
