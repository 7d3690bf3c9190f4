using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>IPv4 and IPv6 headers, fragments, ICMP.</summary>
public class IpTests
{
    [Fact]
    public void Options_of_an_IPv4_header_are_skipped_and_a_wrong_checksum_is_not()
    {
        var peer = new RawPeer();
        var socket = Open(peer, 9);
        var datagram = RawPeer.Udp(Pair.B4, Pair.A4, 1, 9, "hi"u8);
        var packet = new byte[24 + datagram.Length];
        Ipv4Packet.WriteHeader(packet, Pair.B4, Pair.A4, IpProtocol.Udp, 64, 0, 0, false, false, 0, datagram.Length + 4);
        packet[0] = 0x46;
        packet[20] = 1;
        (packet[10], packet[11]) = (0, 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Finish(InternetChecksum.Sum(packet.AsSpan(0, 24))));
        datagram.CopyTo(packet, 24);
        peer.Receive(NetworkHost.EtherTypeIPv4, packet);
        Assert.Equal(1, socket.Pending);
        packet[8]--;
        peer.Receive(NetworkHost.EtherTypeIPv4, packet);
        Assert.Equal((1, 1), (socket.Pending, peer.Host.Counters[HostCounter.Ipv4BadChecksum]));
    }

    [Fact]
    public void Packets_for_other_addresses_or_from_impossible_ones_are_dropped()
    {
        var peer = new RawPeer();
        Open(peer, 9);
        peer.ReceiveUdp(1, 9, "x"u8, destination: InetAddress.Parse("10.1.0.77"));
        peer.ReceiveUdp(1, 9, "x"u8, mac: MacAddress.Broadcast);
        peer.ReceiveUdp(1, 9, "x"u8, source: Pair.B6, destination: InetAddress.Parse("fd00::77"));
        foreach (var source in new[] { "224.0.0.1", "127.0.0.1", "255.255.255.255", "10.1.0.255", "10.1.0.1" })
            peer.ReceiveUdp(1, 9, "x"u8, source: InetAddress.Parse(source));
        foreach (var source in new[] { "ff02::1", "::1", "fd00::1" })
            peer.ReceiveUdp(1, 9, "x"u8, source: InetAddress.Parse(source));
        var counters = peer.Host.Counters;
        Assert.Equal((2, 1, 5, 3), (counters[HostCounter.Ipv4NotForUs], counters[HostCounter.Ipv6NotForUs],
            counters[HostCounter.Ipv4BadSource], counters[HostCounter.Ipv6BadSource]));
        Assert.Empty(peer.Frames);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_longer_than_the_MTU_cross_in_fragments_whatever_their_order(bool v6)
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            var pair = new Pair(new LinkOptions { Delay = 100, Jitter = 5_000, Duplicate = 0.1 }, seed);
            pair.B.OpenUdp(new InetEndpoint(default, 9), null, out var server);
            pair.A.OpenUdp(default, null, out var client);
            var payload = new byte[new Random(seed).Next(3_000, 65_488)];
            new Random(seed).NextBytes(payload);
            Assert.Equal(NetError.None, client!.SendTo(pair.Now, new InetEndpoint(v6 ? Pair.B6 : Pair.B4, 9), payload));
            Assert.True(pair.RunUntil(() => server!.Pending == 1, 1_000_000));
            var received = new byte[payload.Length];
            Assert.True(server!.TryReceive(received, out _));
            Assert.Equal(payload, received);
            pair.Run(100_000_000);
            Assert.Equal(0, pair.B.Pool.Outstanding);
        }
    }

    [Fact]
    public void Fragments_that_overlap_condemn_their_datagram()
    {
        var peer = new RawPeer();
        var socket = Open(peer, 9);
        var datagram = RawPeer.Udp(Pair.B4, Pair.A4, 1, 9, new byte[100]);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(0, 64), identification: 1, more: true);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(56), identification: 1, offset: 56);
        Assert.Equal((0, 1, 0), (socket.Pending, peer.Host.Counters[HostCounter.FragmentOverlap], peer.Host.Pool.Outstanding));
        // Whatever still comes of it begins no new datagram.
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(0, 64), identification: 1, more: true);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(64), identification: 1, offset: 64);
        Assert.Equal((0, 3), (socket.Pending, peer.Host.Counters[HostCounter.FragmentOverlap]));
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(64), identification: 2, offset: 64);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(64), identification: 2, offset: 64);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(0, 64), identification: 2, more: true);
        Assert.Equal((1, 1), (socket.Pending, peer.Host.Counters[HostCounter.FragmentDuplicate]));
    }

    [Fact]
    public void A_datagram_whose_fragments_do_not_all_come_is_given_up_and_the_sender_told()
    {
        var peer = new RawPeer();
        peer.ReceiveV4(IpProtocol.Udp, RawPeer.Udp(Pair.B4, Pair.A4, 1, 9, new byte[100]).AsSpan(0, 64), identification: 1, more: true);
        peer.Advance(30_000_000);
        Assert.Equal((0, 1), (peer.Host.Reassembler.Count, peer.Host.Counters[HostCounter.ReassemblyTimeout]));
        Assert.True(Ipv4Packet.TryParse(peer.Frames.Dequeue().Packet, out var error));
        Assert.Equal((11, 1), (error.Payload[0], error.Payload[1]));
        Assert.Equal(0, peer.Host.Pool.Outstanding);
    }

    [Fact]
    public void Reassembly_holds_no_more_than_its_limits()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { ReassemblyBytes = 200_000 } });
        for (var i = 0; i < 1_000; i++)
        {
            peer.ReceiveV4(200, new byte[1_000], identification: (ushort)i, more: true, offset: 8 * (i % 1_000));
            Assert.True(peer.Host.Pool.Outstanding <= 300_000);
            Assert.True(peer.Host.Reassembler.Count <= 64);
        }

        for (var i = 0; i < 1_000; i++)
            peer.ReceiveV4(201, new byte[8], identification: 7, more: true, offset: 16 * i);
        Assert.True(peer.Host.Counters[HostCounter.ReassemblyOverflow] > 900);
        peer.Advance(40_000_000);
        Assert.Equal(0, peer.Host.Pool.Outstanding);
    }

    [Fact]
    public void Extension_headers_are_walked_and_too_many_are_not()
    {
        var peer = new RawPeer();
        var socket = Open(peer, 9);
        var datagram = RawPeer.Udp(Pair.B6, Pair.A6, 1, 9, "hi"u8);
        byte[] Headers(int count)
        {
            var bytes = new List<byte>();
            for (var i = 0; i < count; i++)
                bytes.AddRange([i == count - 1 ? IpProtocol.Udp : IpProtocol.DestinationOptions, 0, 1, 4, 0, 0, 0, 0]);
            return [.. bytes, .. datagram];
        }

        peer.ReceiveV6(IpProtocol.DestinationOptions, Headers(1));
        peer.ReceiveV6(IpProtocol.HopByHop, Headers(3));
        peer.ReceiveV6(IpProtocol.DestinationOptions, Headers(8));
        Assert.Equal(3, socket.Pending);
        peer.ReceiveV6(IpProtocol.DestinationOptions, Headers(9));
        Assert.Equal((3, 1), (socket.Pending, peer.Host.Counters[HostCounter.Ipv6BadExtension]));
        Assert.Empty(peer.Frames);
    }

    [Theory]
    [InlineData(0x1e, true, false)]
    [InlineData(0x5e, false, false)]
    [InlineData(0x9e, false, true)]
    [InlineData(0xde, false, true)]
    public void An_unknown_option_says_itself_what_is_to_be_done(byte option, bool delivered, bool told)
    {
        var peer = new RawPeer();
        var socket = Open(peer, 9);
        peer.ReceiveV6(IpProtocol.DestinationOptions, [IpProtocol.Udp, 0, option, 4, 0, 0, 0, 0, .. RawPeer.Udp(Pair.B6, Pair.A6, 1, 9,
            "hi"u8)]);
        Assert.Equal(delivered ? 1 : 0, socket.Pending);
        Assert.Equal(told ? 1 : 0, peer.Frames.Count);
        if (!told)
            return;
        Assert.True(Ipv6Packet.TryParse(peer.Frames.Dequeue().Packet, out var error));
        Assert.Equal((4, 2, 42u), (error.Payload[0], error.Payload[1], BinaryPrimitives.ReadUInt32BigEndian(error.Payload[4..])));
    }

    [Fact]
    public void Unknown_protocols_and_headers_are_told_of_within_the_rate()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { RepliesPerSecond = 5 } });
        for (var i = 0; i < 10; i++)
        {
            peer.ReceiveV4(132, new byte[20]);
            peer.ReceiveV6(132, new byte[20]);
        }

        Assert.Equal(5, peer.Frames.Count);
        Assert.Equal(15, peer.Host.Counters[HostCounter.IcmpRateLimited]);
        peer.Advance(1_000_000);
        peer.ReceiveV4(132, new byte[20]);
        Assert.Equal(6, peer.Frames.Count);
    }

    [Theory]
    [InlineData(false, 56)]
    [InlineData(true, 56)]
    [InlineData(false, 6_000)]
    [InlineData(true, 6_000)]
    public void Pings_of_any_size_are_answered(bool v6, int size)
    {
        var pair = new Pair(new LinkOptions { Delay = 500 });
        var events = new EchoRecorder();
        pair.A.OpenEcho(events, out var echo);
        var payload = new byte[size];
        new Random(1).NextBytes(payload);
        Assert.Equal(NetError.None, echo!.Send(pair.Now, v6 ? Pair.B6 : Pair.B4, 4, payload));
        Assert.True(pair.RunUntil(() => events.Replies.Count == 1, 1_000_000));
        Assert.Equal((v6 ? Pair.B6 : Pair.B4, 4), (events.Replies[0].From, events.Replies[0].Sequence));
        Assert.Equal(payload, events.Replies[0].Payload);
        Assert.Equal(NetError.NoRoute, echo.Send(pair.Now, InetAddress.Parse("192.0.2.1"), 1, payload));
        echo.Close();
        Assert.Equal(NetError.Closed, echo.Send(pair.Now, Pair.B4, 1, payload));
    }

    [Fact]
    public void Pings_to_groups_are_not_answered()
    {
        var peer = new RawPeer();
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(8, 0, 1, "x"u8), destination: InetAddress.Parse("10.1.0.255"),
            mac: MacAddress.Broadcast);
        Assert.Equal((0, 1), (peer.Frames.Count, peer.Host.Counters[HostCounter.EchoIgnored]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_port_unreachable_reaches_the_connected_socket_that_sent(bool v6)
    {
        var pair = new Pair();
        pair.A.OpenUdp(default, null, out var socket);
        Assert.Equal(NetError.None, socket!.Connect(new InetEndpoint(v6 ? Pair.B6 : Pair.B4, 9)));
        socket.Send(pair.Now, "x"u8);
        pair.Run(1_000_000);
        Assert.Equal(NetError.ConnectionRefused, socket.TakeError());
        Assert.Equal(NetError.None, socket.TakeError());
        Assert.Equal(1, pair.A.Counters[HostCounter.IcmpErrorsDelivered]);
    }

    [Fact]
    public void Too_big_lowers_the_segment_size_and_what_was_lost_is_sent_again_in_pieces()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x0a, 0xc8]);
        raw.Write(5_000);
        var sent = peer.Frames.Peek().Packet[..28].ToArray();
        Assert.Equal(2_760, raw.Next()!.Payload.Length);
        raw.All();
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 4, 1_400, sent));
        var again = raw.All();
        Assert.True(again.Count > 0);
        Assert.All(again, segment => Assert.True(segment.Payload.Length <= 1_360));
        Assert.Equal(1_360, raw.Connection.GetInfo().SendSegmentBytes);
        Assert.Equal(1, peer.Host.Counters[HostCounter.PathMtuLowered]);
        raw.Send(TcpFlags.Ack, 0, 1_360);
        raw.Send(TcpFlags.Ack, 0, 2_720);
        raw.Send(TcpFlags.Ack, 0, 5_000);
        Assert.Equal(0, raw.Connection.UnacknowledgedBytes);
    }

    [Fact]
    public void Errors_about_what_was_never_sent_are_not_believed()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x0a, 0xc8]);
        raw.Write(1_000);
        var sent = peer.Frames.Peek().Packet[..28].ToArray();
        raw.All();
        sent[24] ^= 0x40;
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 4, 600, sent));
        sent[24] ^= 0x40;
        sent[23] ^= 1;
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 4, 600, sent));
        Assert.Equal(2, peer.Host.Counters[HostCounter.IcmpErrorsUnmatched]);
        Assert.Equal(2_760, raw.Connection.GetInfo().SendSegmentBytes);
    }

    [Fact]
    public void A_hard_error_refuses_a_connection_that_opens_and_not_one_that_is_open()
    {
        var peer = new RawPeer();
        peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 1), new RecordedEvents(), out var opening);
        var syn = peer.Frames.Dequeue().Packet[..28].ToArray();
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, syn));
        Assert.Equal((TcpState.Closed, NetError.ConnectionRefused), (opening!.State, opening.Error));
        var raw = RawConnection.Open(peer);
        raw.Write(10);
        var data = peer.Frames.Dequeue().Packet[..28].ToArray();
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, data));
        Assert.Equal(TcpState.Established, raw.Connection.State);
    }

    [Fact]
    public void An_unreachable_host_is_the_reason_given_when_connecting_times_out()
    {
        var peer = new RawPeer(resolve: false);
        var events = new RecordedEvents();
        peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 1), events, out _);
        peer.Advance(31_000_000);
        Assert.Equal(NetError.HostUnreachable, events.Closed);
    }

    private static UdpSocket Open(RawPeer peer, ushort port)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(new InetEndpoint(default, port), null, out var socket));
        return socket!;
    }
}
