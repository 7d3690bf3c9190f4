using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

public class TcpHandshakeTests
{
    [Fact]
    public void A_SYN_offers_the_segment_size_of_the_MTU_window_scaling_SACK_and_timestamps()
    {
        var raw = RawConnection.Start(new RawPeer());
        Assert.Equal(TcpFlags.Syn, raw.Syn.Flags);
        Assert.Equal(2_760, raw.Syn.Mss);
        Assert.Equal(7, raw.Syn.WindowShift);
        Assert.True(raw.Syn.SackPermitted);
        Assert.NotNull(raw.Syn.Timestamp);
        Assert.Equal(65_535, raw.Syn.Window);
    }

    [Fact]
    public void Options_that_the_other_end_does_not_offer_are_not_used()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        Assert.Equal(1, raw.Events.Connected);
        raw.Write(2_000);
        var first = raw.Next()!;
        Assert.Null(first.Timestamp);
        Assert.Equal(1_460, first.Payload.Length);
        Assert.Equal(65_535, first.Window);
        Assert.False(raw.Connection.GetInfo().SelectiveAcknowledgments);
    }

    [Fact]
    public void A_lost_SYN_is_sent_again_and_at_last_given_up()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Start(peer, new TcpOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        peer.Advance(9_000_000);
        Assert.Equal(3, peer.Frames.Count);
        Assert.Null(raw.Events.Closed);
        peer.Advance(1_000_000);
        Assert.Equal(NetError.TimedOut, raw.Events.Closed);
        Assert.Equal(long.MaxValue, peer.Host.NextDeadline);
    }

    [Fact]
    public void A_reset_refuses_the_connection_only_if_it_acknowledges_the_SYN()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Start(peer);
        raw.Send(TcpFlags.Rst, 0, 0);
        raw.Send(TcpFlags.Rst | TcpFlags.Ack, 0, 7);
        Assert.Null(raw.Events.Closed);
        raw.Send(TcpFlags.Rst | TcpFlags.Ack, 0, 0);
        Assert.Equal(NetError.ConnectionRefused, raw.Events.Closed);
        Assert.Equal(0, raw.Events.Connected);
    }

    [Fact]
    public void An_acknowledgement_of_what_was_never_sent_is_answered_with_a_reset()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Start(peer);
        raw.Send(TcpFlags.Syn | TcpFlags.Ack, -1, 99);
        var reset = raw.Next()!;
        Assert.Equal(TcpFlags.Rst, reset.Flags);
        Assert.Equal(99u, reset.Sequence);
        Assert.Equal(TcpState.SynSent, raw.Connection.State);
    }

    [Fact]
    public void Both_ends_may_open_at_once()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Start(peer);
        raw.Send(TcpFlags.Syn, -1, 0);
        var answer = raw.Next()!;
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Flags);
        Assert.Equal((uint.MaxValue, 0u), (answer.Sequence, answer.Acknowledgment));
        Assert.Equal(TcpState.SynReceived, raw.Connection.State);
        raw.Send(TcpFlags.Syn | TcpFlags.Ack, -1, 0);
        Assert.Equal(TcpState.Established, raw.Connection.State);
        Assert.Equal(1, raw.Events.Connected);
    }

    [Fact]
    public void Two_hosts_that_connect_to_each_other_at_once_get_one_connection()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000 }, configure: options =>
            options with { NeighborResolver = new FixedNeighbors() });
        var near = new StreamApp(() => pair.Now, 100_000, sendSeed: 1, expectSeed: 2);
        var far = new StreamApp(() => pair.Now, 50_000, sendSeed: 2, expectSeed: 1);
        Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 2_000), near, out var a,
            new InetEndpoint(Pair.A4, 1_000)));
        Assert.Equal(NetError.None, pair.B.ConnectTcp(pair.Now, new InetEndpoint(Pair.A4, 1_000), far, out var b,
            new InetEndpoint(Pair.B4, 2_000)));
        near.Attach(a!);
        far.Attach(b!);
        Assert.True(pair.RunUntil(() => near.Closed && far.Closed));
        Transfer.CheckClean(near, 100_000, 50_000);
        Transfer.CheckClean(far, 50_000, 100_000);
    }

    [Fact]
    public void A_port_nobody_listens_on_refuses_with_a_reset()
    {
        var pair = new Pair();
        var client = new StreamApp(() => pair.Now, 0);
        pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B6, 1), client, out _);
        Assert.True(pair.RunUntil(() => client.Closed));
        Assert.Equal(NetError.ConnectionRefused, client.Reason);
        Assert.Equal(1, pair.B.Counters[HostCounter.TcpNoPort]);
    }

    [Fact]
    public void A_full_backlog_leaves_SYNs_unanswered_until_somebody_accepts()
    {
        var pair = new Pair(new LinkOptions { Delay = 100 });
        pair.B.ListenTcp(new InetEndpoint(Pair.B4, 80), null, out var listener, backlog: 2);
        var clients = new List<StreamApp>();
        for (var i = 0; i < 3; i++)
        {
            var client = new StreamApp(() => pair.Now, 0) { Finish = false };
            clients.Add(client);
            pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 80), client, out _);
            pair.Run(50_000);
        }

        Assert.Equal([true, true, false], clients.Select(client => client.Connected));
        Assert.Equal(2, listener!.Pending);
        Assert.True(listener.TryAccept(null, out _));
        Assert.True(pair.RunUntil(() => clients[2].Connected));
    }

    [Fact]
    public void Closing_a_listener_resets_what_nobody_accepted()
    {
        var pair = new Pair();
        pair.B.ListenTcp(new InetEndpoint(default, 80), null, out var listener);
        var client = new StreamApp(() => pair.Now, 0) { Finish = false };
        pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 80), client, out _);
        Assert.True(pair.RunUntil(() => client.Connected));
        listener!.Close(pair.Now);
        Assert.True(pair.RunUntil(() => client.Closed));
        Assert.Equal(NetError.ConnectionReset, client.Reason);
        Assert.Equal(0, pair.B.Tcp.Count);
    }

    [Fact]
    public void Initial_sequence_numbers_and_ports_differ_between_connections_and_secrets()
    {
        var peer = new RawPeer();
        var first = RawConnection.Start(peer).Syn;
        var second = RawConnection.Start(peer).Syn;
        var other = RawConnection.Start(new RawPeer(seed: 2)).Syn;
        Assert.NotEqual(first.SourcePort, second.SourcePort);
        Assert.NotEqual(first.Sequence, second.Sequence);
        Assert.NotEqual((first.Sequence, first.SourcePort), (other.Sequence, other.SourcePort));
        Assert.Equal(first.Sequence, RawConnection.Start(new RawPeer()).Syn.Sequence);
    }

    [Fact]
    public void A_connection_limit_is_kept()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { TcpConnections = 2 } });
        RawConnection.Start(peer);
        RawConnection.Start(peer);
        Assert.Equal(NetError.LimitReached, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 1), new RecordedEvents(), out _));
    }

    [Fact]
    public void Connecting_fails_at_once_without_a_route_or_with_a_foreign_address()
    {
        var peer = new RawPeer();
        var events = new RecordedEvents();
        Assert.Equal(NetError.NoRoute, peer.Host.ConnectTcp(peer.Now, InetEndpoint.Parse("192.0.2.1:80"), events, out _));
        Assert.Equal(NetError.NoRoute, peer.Host.ConnectTcp(peer.Now, InetEndpoint.Parse("10.1.0.255:80"), events, out _));
        Assert.Equal(NetError.AddressNotAvailable, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 80), events, out _,
            InetEndpoint.Parse("10.1.0.9:0")));
        Assert.Equal(NetError.AddressNotAvailable, peer.Host.ListenTcp(InetEndpoint.Parse("10.1.0.9:80"), null, out _));
    }

    private sealed class FixedNeighbors : INeighborResolver
    {
        public bool TryResolve(InetAddress address, out MacAddress mac)
        {
            mac = address == Pair.A4 ? Pair.MacA : Pair.MacB;
            return true;
        }
    }
}
