using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>SYNs beyond what may be half open.</summary>
public class TcpCookieTests
{
    private const int HalfOpenLimit = 256;
    private static readonly byte[] AllOptions = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 77, 0, 0, 0, 0, 3, 3, 9, 0];

    [Fact]
    public void A_flood_of_SYNs_holds_no_more_than_the_half_open_limit_and_all_are_answered()
    {
        var peer = Flooded(out _, 5_000);
        Assert.Equal(HalfOpenLimit, peer.Host.Tcp.Count);
        Assert.Equal(5_000 - HalfOpenLimit, peer.Host.Counters[HostCounter.TcpCookiesSent]);
        Assert.Equal(5_000, peer.Frames.Count);
        peer.Advance(120_000_000);
        Assert.Equal(0, peer.Host.Tcp.Count);
    }

    [Fact]
    public void A_flood_from_made_up_addresses_asks_for_no_neighbors()
    {
        var peer = new RawPeer(resolve: false);
        peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out _, backlog: 16);
        for (var i = 0; i < 2_000; i++)
        {
            var source = InetAddress.FromV4(0x0a01_0010u + (uint)(i % 200));
            peer.ReceiveV4(IpProtocol.Tcp, Syn(source, (ushort)(1_000 + i)), source);
        }

        var asked = peer.Host.Counters[HostCounter.ArpRequestsSent];
        Assert.InRange(asked, 1, HalfOpenLimit);
        Assert.Equal(2_000 - HalfOpenLimit, peer.Host.Counters[HostCounter.TcpCookiesSent]);
    }

    [Fact]
    public void A_neighbor_that_floods_gets_so_many_cookies_a_second_and_others_theirs()
    {
        const int perSecond = 500;
        var peer = new RawPeer(options => options with { Limits = options.Limits with { CookiesPerNeighborAndSecond = perSecond } });
        Assert.Equal(NetError.None, peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out _, backlog: 16));
        Flood(peer, 3_000);
        Assert.Equal(perSecond, peer.Host.Counters[HostCounter.TcpCookiesSent]);
        Assert.Equal(3_000 - HalfOpenLimit - perSecond, peer.Host.Counters[HostCounter.TcpCookiesLimited]);

        peer.Neighbor = new MacAddress(0x0200_0000_0077);
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 1, 0);
        Assert.Equal(perSecond + 1, peer.Host.Counters[HostCounter.TcpCookiesSent]);
        peer.Neighbor = Pair.MacB;
        peer.Now += 1_000_000;
        Flood(peer, 3_000);
        Assert.Equal((2 * perSecond) + 1, peer.Host.Counters[HostCounter.TcpCookiesSent]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whoever_brings_the_cookie_back_is_connected_with_what_its_SYN_offered(bool options)
    {
        var peer = Flooded(out var listener, 300);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr, 100, 0, options: options ? AllOptions : []);
        var answer = peer.NextTcp()!;
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack | (options ? TcpFlags.Ece : 0), answer.Flags);
        Assert.Equal(101u, answer.Acknowledgment);
        Assert.Equal((options, options, options ? 7 : -1), (answer.SackPermitted, answer.Timestamp is not null, answer.WindowShift));
        if (options)
            Assert.Equal(77u, answer.TimestampEcho);
        peer.Advance(60_000_000);
        var count = peer.Host.Tcp.Count;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack | TcpFlags.Psh, 101, answer.Sequence + 1, new byte[] { 1, 2, 3 }, window: 100,
            options: options ? Timestamps(78, answer.Timestamp!.Value) : []);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpCookiesAccepted]);
        Assert.Equal(count + 1, peer.Host.Tcp.Count);
        Assert.True(listener.TryAccept(null, out var connection));
        Assert.Equal((TcpState.Established, 3), (connection.State, connection.ReadableBytes));
        var info = connection.GetInfo();
        Assert.Equal((options, options, options), (info.SelectiveAcknowledgments, info.Timestamps, info.Ecn));
        Assert.Equal(options ? 100 << 9 : 100, info.SendWindow);
        Assert.Equal(options ? 1_448 : 536, info.SendSegmentBytes);
        connection.Write(peer.Now, new byte[2_000]);
        var sent = Drain(peer).Last(segment => segment.Payload.Length > 0);
        Assert.Equal((answer.Sequence + 1 + (uint)(options ? 1_448 : 0), 104u), (sent.Sequence, sent.Acknowledgment));
    }

    [Fact]
    public void A_cookie_is_good_for_its_own_connection_only_and_not_for_long()
    {
        var peer = Flooded(out _, 300);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        var cookie = peer.NextTcp()!.Sequence + 1;
        // Another port, another sequence number, other bits of the cookie.
        peer.ReceiveTcp(10, 80, TcpFlags.Ack, 101, cookie);
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 102, cookie);
        for (var bit = 0; bit < 32; bit++)
            peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, cookie ^ (1u << bit));
        Assert.Equal(34, peer.Host.Counters[HostCounter.TcpCookiesRejected]);
        Assert.All(Drain(peer), sent => Assert.Equal(TcpFlags.Rst, sent.Flags));
        peer.Advance(SynCookies.Lifetime - 1_000_000);
        // Somebody else's SYN keeps cookies going.
        Flood(peer, 300);
        peer.Advance(2_000_000);
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, cookie);
        Assert.Equal(35, peer.Host.Counters[HostCounter.TcpCookiesRejected]);
        Assert.Equal(0, peer.Host.Counters[HostCounter.TcpCookiesAccepted]);
    }

    [Fact]
    public void Tampering_with_the_options_in_the_timestamp_spoils_the_cookie()
    {
        var peer = Flooded(out _, 300);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0, options: AllOptions);
        var answer = peer.NextTcp()!;
        for (var bit = 0; bit < 6; bit++)
            peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, answer.Sequence + 1, options: Timestamps(78, answer.Timestamp!.Value ^ (1u << bit)));
        Assert.Equal(6, peer.Host.Counters[HostCounter.TcpCookiesRejected]);
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, answer.Sequence + 1, options: Timestamps(78, answer.Timestamp!.Value));
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpCookiesAccepted]);
    }

    [Fact]
    public void Data_whose_cookie_was_lost_is_not_answered_with_a_reset_while_cookies_are_out()
    {
        var peer = Flooded(out _, 300);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        var cookie = peer.NextTcp()!.Sequence + 1;
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 201, cookie, new byte[100]);
        Assert.Empty(peer.Frames);
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, cookie, new byte[100]);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpCookiesAccepted]);
    }

    [Fact]
    public void Without_cookies_out_an_acknowledgement_for_no_connection_is_reset_even_if_it_would_be_one()
    {
        var peer = Flooded(out _, 300);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Syn, 100, 0);
        var cookie = peer.NextTcp()!.Sequence + 1;
        peer.Advance(SynCookies.Lifetime);
        peer.Frames.Clear();
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 101, cookie);
        Assert.Equal(TcpFlags.Rst, peer.NextTcp()!.Flags);
        Assert.Equal(0, peer.Host.Counters[HostCounter.TcpCookiesRejected]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void Real_clients_connect_and_exchange_data_through_a_flood(double loss)
    {
        var pair = new Pair(new LinkOptions { Delay = 5_000, Loss = loss }, seed: 3);
        var server = new AcceptAll(() => new StreamApp(() => pair.Now, 30_000, 2, 1));
        pair.B.ListenTcp(new InetEndpoint(default, 80), server, out _, backlog: 16);
        var clients = new List<StreamApp>();
        for (var i = 0; i < 6_000; i++)
        {
            var source = InetAddress.FromV4(0x0a01_0010u + (uint)(i % 200));
            var packet = new byte[Ipv4Packet.HeaderBytes + TcpSegment.HeaderBytes];
            var syn = Syn(source, (ushort)(1_000 + i), Pair.B4);
            Ipv4Packet.WriteHeader(packet, source, Pair.B4, IpProtocol.Tcp, 64, 0, 0, true, false, 0, syn.Length);
            syn.CopyTo(packet, Ipv4Packet.HeaderBytes);
            pair.B.Receive(pair.Now, Pair.MacA, Pair.MacB, NetworkHost.EtherTypeIPv4, packet);
            if (i % 300 == 299)
            {
                var client = new StreamApp(() => pair.Now, 50_000);
                pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 80), client, out var connection);
                client.Attach(connection!);
                clients.Add(client);
            }

            pair.Run(1_000);
        }

        Assert.True(pair.RunUntil(() => clients.TrueForAll(client => client.Closed), 200_000_000));
        Assert.All(clients, client => Transfer.CheckClean(client, 50_000, 30_000));
        Assert.True(pair.B.Counters[HostCounter.TcpCookiesAccepted] >= 15);
    }

    private static RawPeer Flooded(out TcpListenSocket listener, int count)
    {
        var peer = new RawPeer();
        Assert.Equal(NetError.None, peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out var made, backlog: 16));
        listener = made!;
        Flood(peer, count);
        return peer;
    }

    private static void Flood(RawPeer peer, int count)
    {
        for (var i = 0; i < count; i++)
            peer.ReceiveTcp((ushort)(1_000 + i), 80, TcpFlags.Syn, 1, 0);
    }

    private static byte[] Syn(InetAddress source, ushort port, InetAddress? destination = null)
    {
        var segment = new byte[TcpSegment.HeaderBytes];
        TcpSegment.WriteHeader(segment, port, 80, 1, 0, TcpFlags.Syn, 1_000, 0);
        TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(source, destination ?? Pair.A4, IpProtocol.Tcp, segment.Length));
        return segment;
    }

    private static byte[] Timestamps(uint value, uint echo)
    {
        var options = new byte[TcpSegmentOptions.TimestampBytes];
        TcpSegmentOptions.WriteTimestamp(options, value, echo);
        return options;
    }

    private static List<SentTcp> Drain(RawPeer peer)
    {
        var all = new List<SentTcp>();
        while (peer.NextTcp() is { } sent)
            all.Add(sent);
        return all;
    }
}
