using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

public class UdpTests
{
    [Fact]
    public void The_most_particular_socket_gets_the_datagram()
    {
        var peer = new RawPeer();
        var reuse = new UdpOptions { ReuseAddress = true };
        var all = Open(peer, default, reuse);
        var four = Open(peer, InetAddress.AnyV4, reuse);
        var one = Open(peer, Pair.A4, reuse);
        var connected = Open(peer, Pair.A4, reuse);
        connected.Connect(new InetEndpoint(Pair.B4, 77));
        peer.ReceiveUdp(77, 9, "x"u8);
        peer.ReceiveUdp(78, 9, "x"u8);
        peer.ReceiveUdp(78, 9, "x"u8, source: Pair.B6);
        Assert.Equal((1, 0, 1, 1), (all.Pending, four.Pending, one.Pending, connected.Pending));
    }

    [Fact]
    public void A_port_is_shared_only_if_all_agree()
    {
        var peer = new RawPeer();
        Open(peer, default);
        Assert.Equal(NetError.AddressInUse, peer.Host.OpenUdp(new InetEndpoint(Pair.A4, 9), null, out _));
        Assert.Equal(NetError.AddressInUse, peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out _,
            new UdpOptions { ReuseAddress = true }));
        Assert.Equal(NetError.AddressNotAvailable, peer.Host.OpenUdp(InetEndpoint.Parse("10.1.0.9:1"), null, out _));
    }

    [Fact]
    public void Sockets_that_share_a_port_share_its_senders_and_each_sender_stays_with_one()
    {
        var peer = new RawPeer();
        var share = new UdpOptions { ReusePort = true };
        var workers = Enumerable.Range(0, 4).Select(_ => Open(peer, default, share)).ToArray();
        for (var round = 0; round < 2; round++)
        {
            for (ushort sender = 1; sender <= 200; sender++)
                peer.ReceiveUdp(sender, 9, "x"u8);
        }

        Assert.Equal(400, workers.Sum(worker => worker.Pending));
        foreach (var worker in workers)
        {
            var senders = new List<InetEndpoint>();
            while (worker.TryReceive(default, out var info))
                senders.Add(info.Remote);
            Assert.True(senders.Count >= 40, $"{senders.Count} of 400");
            Assert.All(senders.GroupBy(sender => sender), sender => Assert.Equal(2, sender.Count()));
        }

        Assert.Equal(NetError.AddressInUse, peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out _, new UdpOptions { ReuseAddress = true }));
    }

    [Fact]
    public void A_socket_that_is_bound_to_a_group_hears_that_group_alone()
    {
        var peer = new RawPeer();
        var group = InetAddress.Parse("239.1.2.3");
        var bound = Open(peer, group, new UdpOptions { ReuseAddress = true });
        Assert.True(bound.JoinGroup(0, group));
        Assert.True(bound.JoinGroup(0, InetAddress.Parse("239.1.2.4")));
        peer.ReceiveUdp(1, 9, "x"u8, destination: group);
        peer.ReceiveUdp(1, 9, "x"u8, destination: InetAddress.Parse("239.1.2.4"));
        peer.ReceiveUdp(1, 9, "x"u8, destination: InetAddress.BroadcastV4);
        peer.ReceiveUdp(1, 9, "x"u8);
        Assert.Equal(1, bound.Pending);
    }

    [Fact]
    public void A_socket_that_is_bound_to_all_sends_from_the_address_that_it_is_told()
    {
        var peer = new RawPeer();
        var socket = Open(peer, default);
        Assert.Equal(NetError.NoRoute, socket.SendTo(0, new InetEndpoint(Pair.B4, 7), "x"u8, InetAddress.Parse("10.1.0.77")));
        Assert.Equal(NetError.None, socket.SendTo(0, new InetEndpoint(Pair.B4, 7), "x"u8, Pair.A4));
    }

    [Fact]
    public void A_full_queue_drops_and_empty_datagrams_count_too()
    {
        var peer = new RawPeer();
        var socket = Open(peer, default, new UdpOptions { ReceiveBufferBytes = 10_000 });
        for (var i = 0; i < 100; i++)
            peer.ReceiveUdp(1, 9, default);
        Assert.Equal((39, 61), (socket.Pending, peer.Host.Counters[HostCounter.UdpQueueFull]));
        while (socket.TryReceive(default, out _))
        {
        }

        Assert.Equal(0, peer.Host.Pool.Outstanding);
    }

    [Fact]
    public void A_buffer_too_short_gets_what_fits_and_the_true_length()
    {
        var peer = new RawPeer();
        var socket = Open(peer, default);
        peer.ReceiveUdp(7, 9, "hello"u8);
        Assert.Equal(5, socket.NextLength);
        var buffer = new byte[3];
        Assert.True(socket.TryReceive(buffer, out var info));
        Assert.Equal(new UdpReceiveInfo(new InetEndpoint(Pair.B4, 7), new InetEndpoint(Pair.A4, 9), 5, 64, 0, Pair.MacB), info);
        Assert.Equal("hel"u8.ToArray(), buffer);
        Assert.False(socket.TryReceive(buffer, out _));
    }

    [Fact]
    public void Wrong_checksums_are_dropped_and_none_is_allowed_only_over_IPv4()
    {
        var peer = new RawPeer();
        var socket = Open(peer, default);
        var datagram = RawPeer.Udp(Pair.B4, Pair.A4, 1, 9, "hello"u8);
        datagram[^1] ^= 1;
        peer.ReceiveV4(IpProtocol.Udp, datagram);
        (datagram[6], datagram[7]) = (0, 0);
        peer.ReceiveV4(IpProtocol.Udp, datagram);
        peer.ReceiveV6(IpProtocol.Udp, datagram);
        Assert.Equal((1, 2), (socket.Pending, peer.Host.Counters[HostCounter.UdpBadChecksum]));
    }

    [Fact]
    public void Broadcast_needs_permission_and_reaches_every_socket_of_the_port()
    {
        var pair = new Pair();
        pair.B.OpenUdp(new InetEndpoint(default, 9), null, out var first, new UdpOptions { ReuseAddress = true });
        pair.B.OpenUdp(new InetEndpoint(Pair.B4, 9), null, out var second, new UdpOptions { ReuseAddress = true });
        pair.A.OpenUdp(new InetEndpoint(default, 9), null, out var sender);
        Assert.Equal(NetError.BroadcastNotAllowed, sender!.SendTo(pair.Now, InetEndpoint.Parse("10.1.0.255:9"), "x"u8));
        sender.Options = new UdpOptions { Broadcast = true };
        Assert.Equal(NetError.None, sender.SendTo(pair.Now, InetEndpoint.Parse("10.1.0.255:9"), "x"u8));
        Assert.Equal(NetError.None, sender.SendTo(pair.Now, InetEndpoint.Parse("255.255.255.255:9"), "x"u8));
        pair.Run(1_000);
        Assert.Equal((2, 2, 2), (first!.Pending, second!.Pending, sender.Pending));
    }

    [Theory]
    [InlineData("239.1.2.3")]
    [InlineData("ff05::1234")]
    public void Multicast_reaches_the_sockets_that_joined_and_itself_if_it_wants(string text)
    {
        var group = InetAddress.Parse(text);
        var pair = new Pair();
        pair.B.OpenUdp(new InetEndpoint(default, 9), null, out var member, new UdpOptions { ReuseAddress = true });
        pair.B.OpenUdp(new InetEndpoint(default, 9), null, out var other, new UdpOptions { ReuseAddress = true });
        pair.A.OpenUdp(new InetEndpoint(default, 9), null, out var sender);
        Assert.True(member!.JoinGroup(pair.Now, group));
        Assert.False(member.JoinGroup(pair.Now, group));
        Assert.True(sender!.JoinGroup(pair.Now, group));
        sender.SendTo(pair.Now, new InetEndpoint(group, 9), "x"u8);
        pair.Run(1_000);
        Assert.Equal((1, 0, 1), (member.Pending, other!.Pending, sender.Pending));
        sender.Options = new UdpOptions { MulticastLoopback = false };
        Assert.True(member.LeaveGroup(pair.Now, group));
        sender.SendTo(pair.Now, new InetEndpoint(group, 9), new byte[5_000]);
        pair.Run(1_000);
        Assert.Equal((1, 1), (member.Pending, sender.Pending));
        Assert.Throws<ArgumentException>(() => member.JoinGroup(pair.Now, Pair.A4));
    }

    [Fact]
    public void Too_long_datagrams_are_refused()
    {
        var peer = new RawPeer();
        var socket = Open(peer, default, new UdpOptions { DontFragment = true });
        Assert.Equal(NetError.MessageTooLong, socket.SendTo(peer.Now, new InetEndpoint(Pair.B4, 1), new byte[3_000]));
        Assert.Equal(NetError.None, socket.SendTo(peer.Now, new InetEndpoint(Pair.B4, 1), new byte[2_772]));
        Assert.Equal(NetError.MessageTooLong, socket.SendTo(peer.Now, new InetEndpoint(Pair.B4, 1), new byte[65_508]));
        Assert.Equal(NetError.MessageTooLong, socket.SendTo(peer.Now, new InetEndpoint(Pair.B6, 1), new byte[65_528]));
        Assert.Equal(NetError.NoRoute, socket.SendTo(peer.Now, InetEndpoint.Parse("192.0.2.1:1"), "x"u8));
        Assert.Equal(NetError.NotConnected, socket.Send(peer.Now, "x"u8));
    }

    [Fact]
    public void The_owner_is_told_once_a_batch()
    {
        var peer = new RawPeer();
        var events = new Counting();
        peer.Host.OpenUdp(new InetEndpoint(default, 9), events, out var socket);
        peer.Host.BeginBatch(peer.Now);
        peer.ReceiveUdp(1, 9, "a"u8);
        peer.ReceiveUdp(1, 9, "b"u8);
        Assert.Equal(0, events.Readable);
        peer.Host.EndBatch(peer.Now);
        Assert.Equal((1, 2), (events.Readable, socket!.Pending));
    }

    [Fact]
    public void A_closed_socket_s_port_is_free_again_and_its_datagrams_are_gone()
    {
        var peer = new RawPeer();
        var socket = Open(peer, default);
        peer.ReceiveUdp(1, 9, "x"u8);
        socket.Close(peer.Now);
        Assert.Equal(0, peer.Host.Pool.Outstanding);
        Assert.Equal(NetError.Closed, socket.SendTo(peer.Now, new InetEndpoint(Pair.B4, 1), "x"u8));
        Open(peer, default);
    }

    private static UdpSocket Open(RawPeer peer, InetAddress address, UdpOptions? options = null)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(new InetEndpoint(address, 9), null, out var socket, options));
        return socket!;
    }

    private sealed class Counting : IUdpEvents
    {
        public int Readable { get; private set; }

        public void OnReadable(UdpSocket socket) => Readable++;

        public void OnError(UdpSocket socket, NetError error)
        {
        }
    }
}
