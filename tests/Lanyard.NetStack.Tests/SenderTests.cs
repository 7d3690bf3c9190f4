using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Whose a connection or datagram is: the sender of the frame, whatever IP address it uses.</summary>
public class SenderTests
{
    private static readonly MacAddress MacC = new(0x0200_0000_000c);
    private static readonly InetEndpoint Local = new(default, 80);

    [Theory]
    [InlineData((int)(TcpFlags.Ack | TcpFlags.Psh))]
    [InlineData((int)TcpFlags.Rst)]
    [InlineData((int)(TcpFlags.Rst | TcpFlags.Ack))]
    [InlineData((int)(TcpFlags.Fin | TcpFlags.Ack))]
    [InlineData((int)TcpFlags.Syn)]
    public void A_segment_from_another_sender_is_dropped_though_it_fits_the_connection(int flags)
    {
        var peer = new RawPeer();
        var connection = Accept(peer, out var acknowledgment);
        peer.Neighbor = MacC;
        peer.ReceiveTcp(9, 80, (TcpFlags)flags, 101, acknowledgment, ((TcpFlags)flags).HasFlag(TcpFlags.Psh) ? [1, 2, 3] : []);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpForeignSender]);
        Assert.Equal((TcpState.Established, 0, Pair.MacB), (connection.State, connection.ReadableBytes, connection.RemoteMac));
        peer.Neighbor = Pair.MacB;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack | TcpFlags.Psh, 101, acknowledgment, new byte[] { 1, 2, 3 });
        Assert.Equal(3, connection.ReadableBytes);
    }

    [Fact]
    public void A_connection_belongs_to_whoever_answers_its_SYN()
    {
        var peer = new RawPeer();
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 80), new NoEvents(), out var connection));
        var syn = peer.NextTcp()!;
        Assert.Equal(default, connection!.RemoteMac);
        peer.ReceiveTcp(80, syn.SourcePort, TcpFlags.Syn | TcpFlags.Ack, 500, syn.Sequence + 1);
        Assert.Equal((TcpState.Established, Pair.MacB), (connection.State, connection.RemoteMac));
        peer.Neighbor = MacC;
        peer.ReceiveTcp(80, syn.SourcePort, TcpFlags.Rst, 501, syn.Sequence + 1);
        Assert.Equal((TcpState.Established, 1), (connection.State, peer.Host.Counters[HostCounter.TcpForeignSender]));
    }

    [Fact]
    public void A_forged_SYN_does_not_take_the_place_of_the_answer_to_a_SYN()
    {
        var peer = new RawPeer();
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 80), new NoEvents(), out var connection));
        var syn = peer.NextTcp()!;
        peer.Neighbor = MacC;
        peer.ReceiveTcp(80, syn.SourcePort, TcpFlags.Syn, 700, 0);
        Assert.Equal((TcpState.SynSent, 1), (connection!.State, peer.Host.Counters[HostCounter.TcpForeignSender]));
        peer.Neighbor = Pair.MacB;
        peer.ReceiveTcp(80, syn.SourcePort, TcpFlags.Syn | TcpFlags.Ack, 500, syn.Sequence + 1);
        Assert.Equal((TcpState.Established, Pair.MacB), (connection.State, connection.RemoteMac));
    }

    [Fact]
    public void A_forged_SYN_for_a_neighbors_address_is_given_up_when_that_neighbor_resets_it()
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(Local, null, out var listener);
        peer.Neighbor = MacC;
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 1_000, 0);
        var answer = peer.NextTcp()!;
        peer.Neighbor = Pair.MacB;

        // Another connection of B from the same port: not taken for C's.
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpForeignSender]);
        peer.ReceiveTcp(9, 80, TcpFlags.Rst, answer.Acknowledgment, 0);
        Assert.Equal(0, peer.Host.Tcp.Count);
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        answer = peer.NextTcp()!;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, answer.Sequence + 1);
        Assert.True(listener!.TryAccept(null, out var connection));
        Assert.Equal(Pair.MacB, connection.RemoteMac);
    }

    [Fact]
    public void A_cookie_is_of_use_to_the_sender_of_its_SYN_only()
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(Local, null, out var listener, backlog: 16);
        for (var i = 0; i < 300; i++)
            peer.ReceiveTcp((ushort)(1_000 + i), 80, TcpFlags.Syn, 1, 0);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        var cookie = peer.NextTcp()!.Sequence + 1;
        peer.Neighbor = MacC;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, cookie);
        Assert.Equal((1, 0), (peer.Host.Counters[HostCounter.TcpCookiesRejected], peer.Host.Counters[HostCounter.TcpCookiesAccepted]));
        peer.Neighbor = Pair.MacB;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, cookie);
        Assert.True(listener!.TryAccept(null, out var connection));
        Assert.Equal(Pair.MacB, connection.RemoteMac);
    }

    [Fact]
    public void A_SYN_behind_an_extension_header_is_its_senders_as_well()
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(Local, null, out var listener);
        var syn = Tcp(TcpFlags.Syn, 100, 0);
        // Destination options: next header TCP, eight bytes, PadN.
        peer.ReceiveV6(60, [IpProtocol.Tcp, 0, 1, 4, 0, 0, 0, 0, .. syn]);
        Assert.True(TcpSegment.TryParse(peer.Frames.Dequeue().Packet[Ipv6Packet.HeaderBytes..], out var answer));
        peer.ReceiveV6(IpProtocol.Tcp, Tcp(TcpFlags.Ack, 101, answer.Sequence + 1));
        Assert.True(listener!.TryAccept(null, out var connection));
        Assert.Equal(Pair.MacB, connection.RemoteMac);
    }

    [Fact]
    public void A_SYN_from_an_address_that_belongs_to_another_neighbor_is_dropped()
    {
        var peer = new RawPeer(options => options with { NeighborAuthority = new OwnedByB() });
        peer.Host.ListenTcp(Local, null, out _);
        peer.Neighbor = MacC;
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 1, 0);
        Assert.Equal((1, 0), (peer.Host.Counters[HostCounter.TcpForgedSource], peer.Host.Tcp.Count));
        peer.Neighbor = Pair.MacB;
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 1, 0);
        Assert.Equal(1, peer.Host.Tcp.Count);
    }

    [Fact]
    public void A_datagram_names_the_sender_of_its_frame()
    {
        var peer = new RawPeer();
        peer.Host.OpenUdp(new InetEndpoint(default, 53), null, out var socket);
        foreach (var sender in (MacAddress[])[Pair.MacB, MacC])
        {
            peer.Neighbor = sender;
            peer.ReceiveV4(IpProtocol.Udp, Udp(8));
            Assert.True(socket!.TryReceive(new byte[100], out var info));
            Assert.Equal((sender, Pair.B4), (info.RemoteMac, info.Remote.Address));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fragments_of_two_senders_are_not_joined(bool isOneSender)
    {
        var peer = new RawPeer();
        peer.Host.OpenUdp(new InetEndpoint(default, 53), null, out var socket);
        var datagram = Udp(16);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(0, 16), identification: 7, more: true);
        peer.Neighbor = isOneSender ? Pair.MacB : MacC;
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(16), identification: 7, offset: 16);
        Assert.Equal(isOneSender ? 1 : 0, socket!.Pending);
    }

    private static TcpConnection Accept(RawPeer peer, out uint acknowledgment)
    {
        peer.Host.ListenTcp(Local, null, out var listener);
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        acknowledgment = peer.NextTcp()!.Sequence + 1;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, acknowledgment);
        Assert.True(listener!.TryAccept(null, out var connection));
        return connection;
    }

    private static byte[] Tcp(TcpFlags flags, uint sequence, uint acknowledgment)
    {
        var segment = new byte[TcpSegment.HeaderBytes];
        TcpSegment.WriteHeader(segment, 9, 80, sequence, acknowledgment, flags, 1_000, 0);
        TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(Pair.B6, Pair.A6, IpProtocol.Tcp, segment.Length));
        return segment;
    }

    // To port 53, without a checksum.
    private static byte[] Udp(int payloadBytes)
    {
        var datagram = new byte[8 + payloadBytes];
        (datagram[1], datagram[3], datagram[5]) = (9, 53, (byte)datagram.Length);
        return datagram;
    }

    private sealed class OwnedByB : INeighborAuthority
    {
        public int Version => 1;

        public AddressClaim Judge(InetAddress address, MacAddress claimant) =>
            address != Pair.B4 ? AddressClaim.Unknown : claimant == Pair.MacB ? AddressClaim.Valid : AddressClaim.Forged;
    }

    private sealed class NoEvents : ITcpEvents
    {
        public void OnConnected(TcpConnection connection)
        {
        }

        public void OnReadable(TcpConnection connection)
        {
        }

        public void OnWritable(TcpConnection connection)
        {
        }

        public void OnClosed(TcpConnection connection, NetError reason)
        {
        }
    }
}
