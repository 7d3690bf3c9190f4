using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Settings of a host that change while connections are open and data flows.</summary>
public class ChangeTests
{
    [Theory]
    [InlineData(false, 2_800, 1_500, true)]
    [InlineData(false, 2_800, 1_500, false)]
    [InlineData(true, 2_800, 1_280, true)]
    [InlineData(true, 2_800, 1_280, false)]
    [InlineData(false, 1_500, 9_000, true)]
    [InlineData(true, 1_500, 9_000, false)]
    public void The_MTU_changes_at_one_end_and_later_at_the_other_and_no_connection_ends(bool v6, int first, int second, bool senderFirst)
    {
        const long Bytes = 30_000_000;
        var pair = new Pair(new LinkOptions { Delay = 5_000, Loss = 0.001 }, configure: options => options with { Mtu = first });
        var (client, server) = Transfer.Start(pair, Bytes, Bytes, v6);
        var headers = (v6 ? 40 : 20) + 32;
        foreach (var (mtu, at) in new[] { (second, 0.1), (first, 0.3), (second, 0.5), (first, 0.7) })
        {
            Assert.True(pair.RunUntil(() => server.Apps is [var app] && app.Received > Bytes * at && client.Received > 0, 600_000_000));
            (senderFirst ? pair.A : pair.B).SetMtu(pair.Now, mtu);
            pair.Run(300_000);
            (senderFirst ? pair.B : pair.A).SetMtu(pair.Now, mtu);
            Assert.Equal(Math.Min(first, mtu) - headers, client.Connection.GetInfo().SendSegmentBytes);
            Assert.Equal(NetError.None, client.Connection.Error);
        }

        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }] && client.Ended, 600_000_000));
        Assert.False(server.Apps[0].Corrupted || client.Corrupted);
        Assert.Equal((Bytes, Bytes), (server.Apps[0].Received, client.Received));
        // Segments in flight that are too long are retransmitted at once, not after a timeout.
        Assert.Equal(0, pair.A.Counters[HostCounter.TcpBlackHoles] + pair.B.Counters[HostCounter.TcpBlackHoles]);
    }

    [Fact]
    public void Datagrams_are_cut_to_the_MTU_of_the_moment()
    {
        var pair = new Pair();
        Assert.Equal(NetError.None, pair.B.OpenUdp(new InetEndpoint(Pair.B4, 53), null, out var receiver));
        Assert.Equal(NetError.None, pair.A.OpenUdp(default, null, out var sender));
        var buffer = new byte[5_000];
        foreach (var (mtu, fragments) in new[] { (2_800, 2), (1_500, 3), (9_000, 0) })
        {
            pair.A.SetMtu(pair.Now, mtu);
            pair.B.SetMtu(pair.Now, mtu);
            var before = pair.A.Counters[HostCounter.FragmentsSent];
            Assert.Equal(NetError.None, sender!.SendTo(pair.Now, new InetEndpoint(Pair.B4, 53), new byte[4_000]));
            Assert.True(pair.RunUntil(() => receiver!.TryReceive(buffer, out var info) && info.Length == 4_000));
            Assert.Equal(fragments, pair.A.Counters[HostCounter.FragmentsSent] - before);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => pair.A.SetMtu(pair.Now, 1_279));
    }

    [Theory]
    [InlineData("10.1.0.99")]
    [InlineData("fd00::99")]
    public void A_connection_to_a_neighbor_that_is_not_there_fails_as_soon_as_that_is_known(string absent)
    {
        var pair = new Pair();
        var client = new StreamApp(() => pair.Now, 1);
        Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(InetAddress.Parse(absent), 80), client, out _));
        Assert.True(pair.RunUntil(() => client.Closed, 4_000_000));
        Assert.Equal(NetError.HostUnreachable, client.Reason);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void A_neighbor_whose_Ethernet_address_is_known_is_asked_whether_it_is_there_where_it_does_not_answer(bool isV4, bool isThere)
    {
        var peer = new RawPeer { IsThere = isThere };
        var (events, start) = (new RecordedEvents(), peer.Now);
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(isV4 ? Pair.B4 : Pair.B6, 80), events, out _));
        peer.Advance(900_000);
        Assert.Single(peer.Frames);

        // What is there and says nothing times out, as a firewall has it.
        while (events.Closed is null)
            peer.Advance(100_000);
        Assert.All(peer.Frames, frame => Assert.Equal(Pair.MacB, frame.Destination));
        Assert.Equal(isThere ? NetError.TimedOut : NetError.HostUnreachable, events.Closed);
        Assert.InRange(peer.Now - start, isThere ? 30_000_000 : 0, isThere ? 31_000_000 : 5_000_000);
    }

    [Fact]
    public void A_neighbor_that_was_heard_from_lately_is_not_asked_whether_it_is_there()
    {
        var peer = new RawPeer { IsThere = false };
        RawConnection.Open(peer);
        var events = new RecordedEvents();
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 81), events, out _));
        peer.Advance(31_000_000);
        Assert.Equal(NetError.TimedOut, events.Closed);
        Assert.DoesNotContain(peer.Frames, frame => frame.EtherType == NetworkHost.EtherTypeArp);
    }

    [Fact]
    public void Addresses_routes_and_groups_change_and_connections_on_other_addresses_stay()
    {
        var pair = new Pair(new LinkOptions { Delay = 2_000 });
        var (client, server) = Transfer.Start(pair, 20_000_000, 20_000_000);
        var acceptor = new AcceptAll(() => new StreamApp(() => pair.Now, 0));
        for (var round = 1; round <= 8; round++)
        {
            Assert.True(pair.RunUntil(() => server.Apps is [var app] && app.Received > round * 2_000_000L));
            var extra = InetAddress.Parse($"10.1.0.{100 + round}");
            Assert.True(pair.B.AddAddress(pair.Now, new InetPrefix(extra, 24)));
            Assert.False(pair.B.AddAddress(pair.Now, new InetPrefix(Pair.B4, (byte)(24 - (round % 4)))));
            Assert.Equal(NetError.None, pair.B.ListenTcp(new InetEndpoint(extra, 80), acceptor, out _));
            pair.A.SetRoutes([new Route(InetPrefix.Parse($"10.{round}.0.0/16"), Pair.B4)]);
            Assert.Equal(NetError.None, pair.B.OpenUdp(new InetEndpoint(default, (ushort)(5_000 + round)), null, out var udp));
            Assert.True(udp!.JoinGroup(pair.Now, InetAddress.Parse("239.1.1.1")));
            pair.Run(50_000);
            Assert.True(pair.B.RemoveAddress(pair.Now, extra));
            Assert.Equal(NetError.AddressRemoved, acceptor.Reason);
            udp.Close(pair.Now);
        }

        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }] && client.Ended));
        Assert.False(server.Apps[0].Corrupted || client.Corrupted);
    }
}
