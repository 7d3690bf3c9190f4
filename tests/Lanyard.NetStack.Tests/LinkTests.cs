using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>ARP, neighbor discovery, groups and routes.</summary>
public class LinkTests
{
    private static readonly InetEndpoint Target4 = new(Pair.B4, 9);
    private static readonly InetEndpoint Target6 = new(Pair.B6, 9);

    [Fact]
    public void A_packet_waits_for_ARP_and_leaves_when_the_answer_comes()
    {
        var peer = new RawPeer(resolve: false);
        var socket = Udp(peer);
        Assert.Equal(NetError.None, socket.SendTo(peer.Now, Target4, "one"u8));
        Assert.Equal(NetError.None, socket.SendTo(peer.Now, Target4, "two"u8));
        var request = peer.Frames.Dequeue();
        Assert.Equal((MacAddress.Broadcast, NetworkHost.EtherTypeArp), (request.Destination, request.EtherType));
        Assert.True(ArpPacket.TryParse(request.Packet, out var arp));
        Assert.Equal(new ArpPacket(false, Pair.MacA, Pair.A4, default, Pair.B4), arp);
        Assert.Empty(peer.Frames);
        Arp(peer, new ArpPacket(true, Pair.MacB, Pair.B4, Pair.MacA, Pair.A4));
        Assert.Equal(2, peer.Frames.Count);
        Assert.All(peer.Frames, frame => Assert.Equal(Pair.MacB, frame.Destination));
        Assert.Equal(0, peer.Host.Pool.Outstanding);
    }

    [Fact]
    public void A_packet_waits_for_neighbor_discovery_and_leaves_when_the_answer_comes()
    {
        var peer = new RawPeer(resolve: false);
        Udp(peer).SendTo(peer.Now, Target6, "one"u8);
        var request = peer.Frames.Dequeue();
        Assert.Equal((new MacAddress(0x3333_ff00_0002), NetworkHost.EtherTypeIPv6), (request.Destination, request.EtherType));
        Assert.True(Ipv6Packet.TryParse(request.Packet, out var packet));
        Assert.Equal((Pair.A6, InetAddress.Parse("ff02::1:ff00:2"), (byte)255), (packet.Source, packet.Destination, packet.HopLimit));
        Assert.True(InternetChecksum.IsValid(InternetChecksum.Sum(packet.Payload)
            + InternetChecksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.IcmpV6, packet.Payload.Length)));
        Assert.Equal(Pair.MacA, MacAddress.Read(packet.Payload[26..]));
        Advertise(peer, Pair.B6, 0x60);
        Assert.Equal(Pair.MacB, Assert.Single(peer.Frames).Destination);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Two_hosts_find_each_other(bool v6)
    {
        var pair = new Pair(new LinkOptions { Delay = 1_000 });
        pair.B.OpenUdp(new InetEndpoint(default, 9), null, out var server);
        pair.A.OpenUdp(default, null, out var client);
        client!.SendTo(pair.Now, v6 ? Target6 : Target4, "hello"u8);
        Assert.True(pair.RunUntil(() => server!.Pending == 1, 100_000));
        Assert.True(server!.TryReceive(new byte[10], out var info));
        server.SendTo(pair.Now, info.Remote, "hi"u8);
        Assert.True(pair.RunUntil(() => client.Pending == 1, 100_000));
        // Who asked is known to who answered: no question back.
        Assert.Equal(0, pair.B.Counters[v6 ? HostCounter.NdpSolicitationsSent : HostCounter.ArpRequestsSent]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_neighbor_that_does_not_answer_is_asked_a_few_times_then_its_packets_are_dropped(bool v6)
    {
        var peer = new RawPeer(resolve: false);
        var socket = Udp(peer);
        for (var i = 0; i < 100; i++)
            socket.SendTo(peer.Now, v6 ? Target6 : Target4, "x"u8);
        Assert.Equal(36, peer.Host.Counters[HostCounter.NeighborQueueOverflow]);
        peer.Advance(10_000_000);
        Assert.Equal(5, peer.Frames.Count);
        Assert.Equal(64, peer.Host.Counters[HostCounter.NeighborQueueDropped]);
        Assert.Equal(0, peer.Host.Pool.Outstanding);
        Assert.Equal(long.MaxValue, peer.Host.NextDeadline);
        socket.SendTo(peer.Now, v6 ? Target6 : Target4, "x"u8);
        Assert.Equal(6, peer.Frames.Count);
        peer.Frames.Clear();
        if (v6)
            Advertise(peer, Pair.B6, 0x60);
        else
            Arp(peer, new ArpPacket(true, Pair.MacB, Pair.B4, Pair.MacA, Pair.A4));
        Assert.Equal(v6 ? NetworkHost.EtherTypeIPv6 : NetworkHost.EtherTypeIPv4, Assert.Single(peer.Frames).EtherType);
    }

    [Fact]
    public void A_ping_to_a_neighbor_that_does_not_answer_ends_in_an_error()
    {
        var peer = new RawPeer(resolve: false);
        var events = new EchoRecorder();
        peer.Host.OpenEcho(events, out var echo);
        echo!.Send(peer.Now, Pair.B4, 7, "x"u8);
        peer.Advance(10_000_000);
        Assert.Equal((Pair.B4, 7, NetError.HostUnreachable), (events.Errors[0].Destination, events.Errors[0].Sequence,
            events.Errors[0].Error));
    }

    [Fact]
    public void A_silent_neighbor_in_use_is_asked_directly_after_a_while()
    {
        var peer = new RawPeer(resolve: false);
        var socket = Udp(peer);
        socket.SendTo(peer.Now, Target4, "x"u8);
        Arp(peer, new ArpPacket(true, Pair.MacB, Pair.B4, Pair.MacA, Pair.A4));
        peer.Advance(31_000_000);
        peer.Frames.Clear();
        socket.SendTo(peer.Now, Target4, "x"u8);
        Assert.Equal(NetworkHost.EtherTypeIPv4, Assert.Single(peer.Frames).EtherType);
        peer.Frames.Clear();
        peer.Advance(5_000_000);
        Assert.Equal((NetworkHost.EtherTypeArp, Pair.MacB), (peer.Frames.Peek().EtherType, peer.Frames.Dequeue().Destination));
        Arp(peer, new ArpPacket(true, Pair.MacB, Pair.B4, Pair.MacA, Pair.A4));
        peer.Advance(20_000_000);
        Assert.Empty(peer.Frames);
    }

    [Fact]
    public void Neighbors_the_layer_above_knows_are_never_asked_for()
    {
        var peer = new RawPeer();
        Udp(peer).SendTo(peer.Now, Target6, "x"u8);
        Udp(peer).SendTo(peer.Now, Target4, "x"u8);
        Assert.All(peer.Frames, frame => Assert.Equal(Pair.MacB, frame.Destination));
        Assert.Equal(2, peer.Frames.Count);
        peer.Advance(100_000_000);
        Assert.Equal(2, peer.Frames.Count);
    }

    [Fact]
    public void ARP_requests_for_an_address_of_the_host_are_answered_and_others_are_not()
    {
        var peer = new RawPeer(resolve: false);
        Arp(peer, new ArpPacket(false, Pair.MacB, Pair.B4, default, Pair.A4), MacAddress.Broadcast);
        Arp(peer, new ArpPacket(false, Pair.MacB, Pair.B4, default, InetAddress.Parse("10.1.0.77")), MacAddress.Broadcast);
        var reply = Assert.Single(peer.Frames);
        Assert.Equal(Pair.MacB, reply.Destination);
        Assert.True(ArpPacket.TryParse(reply.Packet, out var arp));
        Assert.Equal(new ArpPacket(true, Pair.MacA, Pair.A4, Pair.MacB, Pair.B4), arp);
    }

    [Fact]
    public void A_claim_to_an_address_of_the_host_teaches_nothing_and_is_answered_by_announcing_the_address()
    {
        var peer = new RawPeer(resolve: false);
        Arp(peer, new ArpPacket(true, Pair.MacB, Pair.A4, Pair.MacA, Pair.A4));
        Advertise(peer, Pair.A6, 0x20);
        Assert.Equal((1, 1), (peer.Host.Counters[HostCounter.ArpConflict], peer.Host.Counters[HostCounter.NdpConflict]));
        Assert.Equal([MacAddress.Broadcast, AddressTable.MulticastMac(Ipv6Addresses.AllNodes)], peer.Frames.Select(frame => frame.Destination));
        Assert.Equal(0, peer.Host.Neighbors.Count);
    }

    [Fact]
    public void An_ARP_sender_that_is_not_the_frame_s_source_teaches_nothing()
    {
        var peer = new RawPeer(resolve: false);
        Udp(peer).SendTo(peer.Now, Target4, "x"u8);
        Arp(peer, new ArpPacket(true, new MacAddress(0x02_00_00_00_00_66), Pair.B4, Pair.MacA, Pair.A4));
        Assert.Equal(1, peer.Host.Counters[HostCounter.ArpMalformed]);
        Assert.Single(peer.Frames);
    }

    [Fact]
    public void Solicitations_are_answered_and_probes_for_duplicates_are_answered_to_all()
    {
        var peer = new RawPeer(resolve: false);
        Solicit(peer, Pair.B6, Pair.A6);
        Assert.True(Ipv6Packet.TryParse(peer.Frames.Dequeue().Packet, out var reply));
        Assert.Equal((136, 0x60, Pair.B6), (reply.Payload[0], reply.Payload[4], reply.Destination));
        Solicit(peer, InetAddress.AnyV6, Pair.A6);
        var frame = peer.Frames.Dequeue();
        Assert.Equal(new MacAddress(0x3333_0000_0001), frame.Destination);
        Assert.True(Ipv6Packet.TryParse(frame.Packet, out reply));
        Assert.Equal((136, 0x20), (reply.Payload[0], reply.Payload[4]));
    }

    [Fact]
    public void Neighbor_discovery_that_was_forwarded_is_not_believed()
    {
        var peer = new RawPeer(resolve: false);
        Udp(peer).SendTo(peer.Now, Target6, "x"u8);
        Advertise(peer, Pair.B6, 0x60, hopLimit: 254);
        Assert.Equal(1, peer.Host.Counters[HostCounter.NdpMalformed]);
        Assert.Single(peer.Frames);
    }

    [Fact]
    public void More_neighbors_than_the_limit_push_out_the_least_recently_used()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { Neighbors = 10 } }, resolve: false);
        for (var i = 3; i < 200; i++)
            Arp(peer, new ArpPacket(false, Pair.MacB, InetAddress.FromV4(0x0a010000 + (uint)i), default, Pair.A4), MacAddress.Broadcast);
        Assert.Equal(10, peer.Host.Neighbors.Count);
        Assert.Equal(187, peer.Host.Counters[HostCounter.NeighborEvicted]);
    }

    [Fact]
    public void The_groups_follow_the_addresses_and_the_sockets()
    {
        var peer = new RawPeer();
        var arp = new EthernetGroup(MacAddress.Broadcast, Pair.A4);
        var nodes = new EthernetGroup(new MacAddress(0x3333_0000_0001), default);
        var solicited = new EthernetGroup(new MacAddress(0x3333_ff00_0001), default);
        var hosts = new EthernetGroup(new MacAddress(0x0100_5e00_0001), default);
        Assert.Equal([hosts, arp, nodes, solicited], peer.Joined);
        Assert.Equal(peer.Joined, peer.Host.Groups);
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fd01::1/64"));
        Assert.Equal(4, peer.Joined.Count);
        peer.Host.RemoveAddress(peer.Now, Pair.A6);
        Assert.Contains(solicited, peer.Joined);
        peer.Host.RemoveAddress(peer.Now, InetAddress.Parse("fd01::1"));
        Assert.Equal([hosts, arp], peer.Joined);
        var socket = Udp(peer);
        Assert.True(socket.JoinGroup(peer.Now, InetAddress.Parse("239.129.2.3")));
        Assert.Contains(new EthernetGroup(new MacAddress(0x0100_5e01_0203), default), peer.Joined);
        socket.Close(peer.Now);
        Assert.Equal([hosts, arp], peer.Joined);
    }

    [Fact]
    public void An_added_address_is_announced()
    {
        var peer = new RawPeer();
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("10.1.0.5/24"));
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fd00::5/64"), detectDuplicate: false);
        Assert.True(ArpPacket.TryParse(peer.Frames.Dequeue().Packet, out var arp));
        Assert.Equal(IpProtocol.HopByHop, peer.Frames.Dequeue().Packet[6]);
        Assert.Equal((arp.SenderAddress, arp.TargetAddress), (InetAddress.Parse("10.1.0.5"), InetAddress.Parse("10.1.0.5")));
        Assert.True(Ipv6Packet.TryParse(peer.Frames.Dequeue().Packet, out var advertisement));
        Assert.Equal(136, advertisement.Payload[0]);
        Assert.False(peer.Host.AddAddress(peer.Now, InetPrefix.Parse("10.1.0.5/16")));
        Assert.Throws<ArgumentException>(() => peer.Host.AddAddress(peer.Now, InetPrefix.Parse("224.0.0.1/4")));
    }

    [Fact]
    public void The_longest_prefix_chooses_the_way_and_gateways_are_resolved_in_place_of_the_destination()
    {
        var peer = new RawPeer(resolve: false);
        peer.Host.SetRoutes([
            new Route(InetPrefix.Parse("0.0.0.0/0"), InetAddress.Parse("10.1.0.254")),
            new Route(InetPrefix.Parse("192.168.0.0/16"), InetAddress.Parse("10.1.0.253")),
            new Route(InetPrefix.Parse("192.168.7.0/24"), default),
            new Route(InetPrefix.Parse("172.16.0.0/12"), InetAddress.Parse("10.1.0.252"), 5),
            new Route(InetPrefix.Parse("172.16.0.0/12"), InetAddress.Parse("10.1.0.251"), 1),
        ]);
        foreach (var (to, via) in new[] { ("8.8.8.8", "10.1.0.254"), ("192.168.1.1", "10.1.0.253"), ("192.168.7.1", "192.168.7.1"),
            ("172.17.0.1", "10.1.0.251"), ("10.1.0.9", "10.1.0.9") })
        {
            Udp(peer).SendTo(peer.Now, new InetEndpoint(InetAddress.Parse(to), 9), "x"u8);
            Assert.True(ArpPacket.TryParse(peer.Frames.Dequeue().Packet, out var arp));
            Assert.Equal(InetAddress.Parse(via), arp.TargetAddress);
        }
    }

    [Fact]
    public void The_source_address_matches_the_destination()
    {
        var peer = new RawPeer();
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("10.2.0.1/16"));
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fe80::1/64"));
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fd02::1/64"));
        peer.Host.SetRoutes([new Route(InetPrefix.Parse("10.9.0.0/16"), InetAddress.Parse("10.2.0.7")),
            new Route(InetPrefix.Parse("2001:db8::/32"), InetAddress.Parse("fd02::7"))]);
        peer.Advance(1_000_000);
        foreach (var (to, from) in new[]
        {
            ("10.1.0.9", "10.1.0.1"), ("10.2.0.9", "10.2.0.1"), ("10.9.0.1", "10.2.0.1"), ("10.2.0.1", "10.2.0.1"), ("fd02::9",
                "fd02::1"), ("fd00::9", "fd00::1"),
            ("fe80::9", "fe80::1"), ("ff02::1", "fe80::1"), ("2001:db8::1", "fd02::1"),
        })
        {
            Assert.True(peer.Host.TrySelectSource(InetAddress.Parse(to), out var source), to);
            Assert.Equal(InetAddress.Parse(from), source);
        }

        Assert.False(peer.Host.TrySelectSource(InetAddress.Parse("192.0.2.1"), out _));
        Assert.False(peer.Host.TrySelectSource(InetAddress.Parse("127.0.0.1"), out _));
    }

    [Fact]
    public void Frames_for_others_from_groups_and_of_unknown_type_are_dropped_by_reason()
    {
        var peer = new RawPeer();
        peer.Host.Receive(peer.Now, Pair.MacB, new MacAddress(2), NetworkHost.EtherTypeIPv4, new byte[20]);
        peer.Host.Receive(peer.Now, MacAddress.Broadcast, Pair.MacA, NetworkHost.EtherTypeIPv4, new byte[20]);
        peer.Host.Receive(peer.Now, Pair.MacB, Pair.MacA, 0x1234, new byte[20]);
        peer.Host.Receive(peer.Now, Pair.MacB, Pair.MacA, NetworkHost.EtherTypeIPv4, new byte[2_801]);
        Assert.Equal((1, 1, 1, 1), (peer.Host.Counters[HostCounter.FrameNotForUs], peer.Host.Counters[HostCounter.FrameBadSource],
            peer.Host.Counters[HostCounter.FrameUnknownType], peer.Host.Counters[HostCounter.FrameTooLong]));
    }

    [Fact]
    public void A_sink_that_has_no_room_costs_a_counter()
    {
        var peer = new RawPeer { Refuse = true };
        Assert.Equal(NetError.LimitReached, Udp(peer).SendTo(peer.Now, Target4, "x"u8));
        Assert.Equal(1, peer.Host.Counters[HostCounter.SinkRefused]);
        Assert.Equal(0, peer.Flushes);
    }

    internal static void Solicit(RawPeer peer, InetAddress source, InetAddress target)
    {
        var rest = new byte[source.IsUnspecified ? 16 : 24];
        target.Write(rest);
        if (!source.IsUnspecified)
        {
            (rest[16], rest[17]) = (1, 1);
            Pair.MacB.Write(rest.AsSpan(18));
        }

        var to = Ipv6Addresses.SolicitedNode(target);
        peer.ReceiveV6(IpProtocol.IcmpV6, RawPeer.Icmp(135, 0, 0, rest, true, source, to), source, to, 255, AddressTable.MulticastMac(to));
    }

    internal static void Advertise(RawPeer peer, InetAddress target, byte flags, byte hopLimit = 255)
    {
        var rest = new byte[24];
        target.Write(rest);
        (rest[16], rest[17]) = (2, 1);
        Pair.MacB.Write(rest.AsSpan(18));
        peer.ReceiveV6(IpProtocol.IcmpV6, RawPeer.Icmp(136, 0, (uint)flags << 24, rest, true), hopLimit: hopLimit);
    }

    private static void Arp(RawPeer peer, ArpPacket packet, MacAddress? destination = null)
    {
        var bytes = new byte[ArpPacket.Bytes];
        packet.Write(bytes);
        peer.Receive(NetworkHost.EtherTypeArp, bytes, destination);
    }

    private static UdpSocket Udp(RawPeer peer)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(default, null, out var socket));
        return socket!;
    }
}
