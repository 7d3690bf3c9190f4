using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>What the settings of sockets do on the wire.</summary>
public class SocketOptionTests
{
    private static readonly InetEndpoint There4 = new(Pair.B4, 7);
    private static readonly InetEndpoint There6 = new(Pair.B6, 7);

    [Fact]
    public void Hop_limit_traffic_class_and_don_t_fragment_are_in_the_packets_and_shown_to_who_receives()
    {
        var pair = new Pair();
        pair.A.OpenUdp(default, null, out var sender, new UdpOptions { HopLimit = 7, TrafficClass = 0xb8, DontFragment = true });
        pair.B.OpenUdp(new InetEndpoint(default, 7), null, out var receiver);
        foreach (var there in new[] { There4, There6 })
        {
            sender!.SendTo(pair.Now, there, "x"u8);
            pair.Run(1_000_000);
            Assert.True(receiver!.TryReceive(new byte[10], out var info));
            Assert.Equal((7, 0xb8), (info.HopLimit, info.TrafficClass));
        }

        var peer = new RawPeer();
        peer.Host.OpenUdp(default, null, out sender, new UdpOptions { DontFragment = true, MulticastHopLimit = 9 });
        sender!.SendTo(peer.Now, There4, "x"u8);
        Assert.Equal(0x40, peer.Frames.Dequeue().Packet[6]);
        sender.Options = new UdpOptions { MulticastHopLimit = 9 };
        sender.SendTo(peer.Now, There4, "x"u8);
        Assert.Equal(0, peer.Frames.Dequeue().Packet[6]);
        sender.SendTo(peer.Now, InetEndpoint.Parse("239.1.2.3:7"), "x"u8);
        Assert.Equal(9, peer.Frames.Dequeue().Packet[8]);
        sender.Options = sender.Options with { TrafficClass = 0x28 };
        sender.SendTo(peer.Now, There6, new byte[5_000]);
        Assert.All(peer.Frames, frame => Assert.Equal([0x62, 0x80], frame.Packet[..2].ToArray()));
        Assert.Equal(2, peer.Frames.Count);
    }

    [Fact]
    public void An_unconnected_socket_hears_of_errors_if_it_wants_each_with_where_the_datagram_went()
    {
        var peer = new RawPeer();
        peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket, new UdpOptions { ReceiveErrors = true });
        socket!.SendTo(peer.Now, There4, "x"u8);
        var sent = peer.Frames.Dequeue().Packet.ToArray();
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, sent));
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(11, 0, 0, sent), source: InetAddress.Parse("10.1.0.254"));
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 4, 1_400, sent), source: InetAddress.Parse("10.1.0.254"));
        Assert.True(socket.TryTakeError(out var error));
        Assert.Equal(new UdpError(There4, NetError.ConnectionRefused, Pair.B4, 0), error);
        Assert.True(socket.TryTakeError(out error));
        Assert.Equal(new UdpError(There4, NetError.TimeExceeded, InetAddress.Parse("10.1.0.254"), 0), error);
        Assert.True(socket.TryTakeError(out error));
        Assert.Equal(new UdpError(There4, NetError.MessageTooLong, InetAddress.Parse("10.1.0.254"), 1_400), error);
        Assert.False(socket.TryTakeError(out _));
        Assert.Equal(NetError.None, socket.SendTo(peer.Now, There4, "x"u8));

        for (var i = 0; i < 200; i++)
            peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, sent));
        for (var i = 0; i < 64; i++)
            Assert.True(socket.TryTakeError(out _));
        Assert.False(socket.TryTakeError(out _));
    }

    [Fact]
    public void An_error_about_a_datagram_that_was_never_sent_is_not_believed()
    {
        var peer = new RawPeer();
        peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket, new UdpOptions { ReceiveErrors = true });
        socket!.SendTo(peer.Now, There4, "x"u8);
        var forged = peer.Frames.Dequeue().Packet.ToArray();
        InetAddress.Parse("10.1.0.77").Write(forged.AsSpan(16));
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 4, 600, forged));
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, forged));
        Assert.False(socket.TryTakeError(out _));
        Assert.Equal(2_800, peer.Host.Ip.PathMtu(InetAddress.Parse("10.1.0.77")));
        Assert.Equal((2, 0), (peer.Host.Counters[HostCounter.IcmpErrorsUnmatched], peer.Host.Counters[HostCounter.PathMtuLowered]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_neighbor_that_does_not_answer_is_told_to_who_sent_the_datagrams(bool v6)
    {
        var peer = new RawPeer(resolve: false);
        var there = v6 ? There6 : There4;
        peer.Host.OpenUdp(default, null, out var connected);
        Assert.Equal(NetError.None, connected!.Connect(there));
        peer.Host.OpenUdp(default, null, out var other, new UdpOptions { ReceiveErrors = true });
        connected.Send(peer.Now, "x"u8);
        other!.SendTo(peer.Now, there, new byte[5_000]);
        peer.Advance(10_000_000);
        Assert.Equal(NetError.HostUnreachable, connected.TakeError());
        Assert.True(other.TryTakeError(out var error));
        Assert.Equal((there, NetError.HostUnreachable), (error.Remote, error.Error));
        Assert.False(other.TryTakeError(out _));
    }

    [Fact]
    public void Who_sends_again_when_told_that_a_neighbor_does_not_answer_goes_on_in_time()
    {
        var peer = new RawPeer(resolve: false);
        var again = new SendAgain(peer);
        peer.Host.OpenUdp(default, again, out var socket, new UdpOptions { ReceiveErrors = true });
        socket!.SendTo(peer.Now, There4, "x"u8);
        peer.Advance(20_000_000);
        Assert.InRange(again.Errors, 2, 10);
    }

    [Fact]
    public void Fragments_of_different_destinations_do_not_show_each_other_s_numbers()
    {
        var peer = new RawPeer();
        peer.Host.OpenUdp(default, null, out var socket);
        var offsets = new HashSet<int>();
        for (byte last = 2; last < 34; last++)
        {
            socket!.SendTo(peer.Now, new InetEndpoint(InetAddress.FromV4(0x0a01_0000u | last), 7), new byte[3_000]);
            socket.SendTo(peer.Now, new InetEndpoint(InetAddress.FromV4(0x0a01_0000u | last), 7), new byte[3_000]);
            var numbers = new[] { Number(peer), Number(peer), Number(peer), Number(peer) };
            Assert.Equal((numbers[0], numbers[2]), (numbers[1], numbers[3]));
            Assert.Equal((ushort)(numbers[0] + 1), numbers[2]);
            offsets.Add(numbers[0]);
        }

        Assert.InRange(offsets.Count, 31, 32);
        Assert.True(offsets.Max() - offsets.Min() > 10_000);

        static ushort Number(RawPeer peer)
        {
            Assert.True(Ipv4Packet.TryParse(peer.Frames.Dequeue().Packet, out var packet));
            return packet.Identification;
        }
    }

    [Fact]
    public void A_TCP_connection_sends_with_its_traffic_class_and_hop_limit_from_when_they_are_set()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { TrafficClass = 0xbb, HopLimit = 9 });
        raw.Write(1);
        Assert.Equal((0xb8, 9), (peer.Frames.Peek().Packet[1], peer.Frames.Dequeue().Packet[8]));
        raw.Connection.Configure(peer.Now, raw.Connection.Options with { TrafficClass = 0x20, HopLimit = 33 });
        raw.Write(1);
        Assert.Equal((0x20, 33), (peer.Frames.Peek().Packet[1], peer.Frames.Dequeue().Packet[8]));
    }

    [Fact]
    public void Quick_acknowledgements_wait_for_nothing()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { DelayedAck = TimeSpan.FromMilliseconds(400) });
        for (var i = 0; i < 20; i++)
            raw.Send(TcpFlags.Ack, i, 0, "x"u8);
        raw.All();
        raw.Send(TcpFlags.Ack, 20, 0, "x"u8);
        Assert.Null(raw.Next());
        raw.Connection.Configure(peer.Now, raw.Connection.Options with { QuickAck = true });
        raw.All();
        raw.Send(TcpFlags.Ack, 21, 0, "x"u8);
        Assert.Equal(22u, raw.Next()!.Acknowledgment);
    }

    [Fact]
    public void A_segment_size_set_later_holds_for_what_is_sent_from_then_on()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Connection.Configure(peer.Now, raw.Connection.Options with { MaxSegmentBytes = 500 });
        raw.Write(1_000);
        Assert.Equal([500, 500], raw.All().Select(sent => sent.Payload.Length));
        Assert.Equal(500, raw.Connection.GetInfo().SendSegmentBytes);
    }

    [Fact]
    public void A_congestion_control_set_while_connecting_is_used()
    {
        var peer = new RawPeer();
        var client = new StreamApp(() => peer.Now, 0);
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 80), client, out var connection));
        connection!.Configure(peer.Now, connection.Options with { Congestion = CongestionAlgorithm.Reno });
        var syn = peer.NextTcp()!;
        peer.ReceiveTcp(80, syn.SourcePort, TcpFlags.Syn | TcpFlags.Ack, 500, syn.Sequence + 1);
        Assert.IsType<RenoCongestionControl>(connection.Sender.Congestion);
    }

    [Fact]
    public void Another_congestion_control_goes_on_with_the_window()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        var before = raw.Connection.GetInfo();
        raw.Connection.Configure(peer.Now, raw.Connection.Options with { Congestion = CongestionAlgorithm.Reno });
        Assert.IsType<RenoCongestionControl>(raw.Connection.Sender.Congestion);
        var after = raw.Connection.GetInfo();
        Assert.Equal((before.CongestionWindow, before.SlowStartThreshold), (after.CongestionWindow, after.SlowStartThreshold));

        // BBR paces, and pacing ends with it.
        Assert.Equal(0, after.PacingRate);
        raw.Connection.Configure(peer.Now, raw.Connection.Options with { Congestion = CongestionAlgorithm.Bbr });
        Assert.True(raw.Connection.GetInfo().PacingRate > 0);
        raw.Connection.Configure(peer.Now, raw.Connection.Options with { Congestion = CongestionAlgorithm.Cubic });
        Assert.Equal(0, raw.Connection.GetInfo().PacingRate);
    }

    [Fact]
    public void Linger_resets_what_is_not_through_in_time_and_zero_resets_at_once()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { Linger = TimeSpan.FromSeconds(2) });
        raw.Write(10);
        raw.Connection.Close(peer.Now);
        peer.Advance(1_900_000);
        Assert.DoesNotContain(raw.All(), sent => (sent.Flags & TcpFlags.Rst) != 0);
        peer.Advance(200_000);
        Assert.Contains(raw.All(), sent => (sent.Flags & TcpFlags.Rst) != 0);
        raw = RawConnection.Open(new RawPeer(), options: new TcpOptions { Linger = TimeSpan.Zero });
        raw.Connection.Close(1_000_000_000);
        Assert.Contains(raw.All(), sent => (sent.Flags & TcpFlags.Rst) != 0);
    }

    [Fact]
    public void The_connection_tells_how_it_is_doing()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { MaxSegmentBytes = 1_000 }, rtt: 10_000);
        raw.Write(3_500);
        Assert.Equal(4, raw.All().Count);
        peer.Advance(20_000);
        raw.Send(TcpFlags.Ack, 0, 1_000, "abc"u8);
        peer.Advance(5_000);
        raw.Connection.Write(peer.Now, default);
        var info = raw.Connection.GetInfo();
        Assert.Equal((TcpRecoveryState.Open, 3, 2_500L, 1_000L), (info.Recovery, info.SegmentsInFlight, info.BytesInFlight, info.BytesAcknowledged));
        Assert.Equal((4, 1, 3), (info.DataSegmentsSent, info.DataSegmentsReceived, info.BytesUnread));
        Assert.Equal((1_000, 2_800, 0), (info.OfferedSegmentBytes, info.PathMtu, info.ConsecutiveTimeouts));
        Assert.Equal((25_000L, 5_000L, 5_000L), (info.SinceDataSent, info.SinceDataReceived, info.SinceAcknowledgment));
        raw.Send(TcpFlags.Ack, 3, 1_000, window: 0);
        peer.Advance(3_000_000);
        info = raw.Connection.GetInfo();
        Assert.True(info.SegmentsRetransmitted > 0 && info.ConsecutiveTimeouts > 0);
        Assert.Equal((TcpRecoveryState.Loss, true), (info.Recovery, info.BytesLost > 0));
    }

    [Fact]
    public void IsDrop_agrees_with_the_description_of_every_counter()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Lanyard.slnx")))
            folder = folder.Parent;
        var lines = File.ReadAllLines(Path.Combine(folder.FullName, "src", "Lanyard.NetStack", "HostCounters.cs"));
        foreach (var counter in HostCounters.Names)
        {
            var line = Array.FindIndex(lines, text => text.Trim() == $"{counter},");
            while (!lines[line].Contains("<summary>", StringComparison.Ordinal))
                line--;
            var text = lines[line].Trim()["/// <summary>".Length..];
            var saysSo = text.StartsWith("Dropped", StringComparison.Ordinal) || text.StartsWith("Not sent", StringComparison.Ordinal);
            Assert.True(saysSo == HostCounters.IsDrop(counter), $"HostCounters.IsDrop is wrong about {counter}: \"{text}\"");
        }
    }

    private sealed class SendAgain(RawPeer peer) : IUdpEvents
    {
        public int Errors { get; private set; }

        public void OnReadable(UdpSocket socket)
        {
        }

        public void OnError(UdpSocket socket, NetError error)
        {
            Errors++;
            socket.SendTo(peer.Now, There4, "again"u8);
        }
    }
}
