using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

public class TcpCloseTests
{
    [Fact]
    public void What_was_not_read_before_an_abort_is_gone()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.Ack, 0, 0, "unread"u8);
        raw.Connection.Abort(peer.Now);
        Assert.Equal((0, 0), (raw.Connection.ReadableBytes, raw.Connection.Read(peer.Now, new byte[10])));
        Assert.True(raw.Connection.PeekReadable().IsEmpty);
    }

    [Fact]
    public void The_end_that_finishes_first_still_receives()
    {
        var pair = new Pair(new LinkOptions { Delay = 1_000 });
        var (client, server) = Transfer.Start(pair, 1_000, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 1_000 }]));
        client.Connection.ShutdownSend(pair.Now);
        Assert.True(pair.RunUntil(() => server.Apps[0].Ended));
        Assert.True(pair.RunUntil(() => client.Connection.State == TcpState.FinWait2));
        Assert.Equal(TcpState.CloseWait, server.Apps[0].Connection.State);
        server.Apps[0].ToSend = 300_000;
        server.Apps[0].Finish = true;
        server.Apps[0].Pump();
        Assert.True(pair.RunUntil(() => client.Closed && server.Apps[0].Closed));
        Transfer.CheckClean(client, 1_000, 300_000);
        Assert.Equal(TcpState.TimeWait, client.Connection.State);
        Assert.Equal(TcpState.Closed, server.Apps[0].Connection.State);
        pair.Run(60_000_000);
        Assert.Equal(0, pair.A.Tcp.Count);
        Assert.Equal(0, pair.A.Pool.Outstanding);
        Assert.Equal(0, pair.B.Pool.Outstanding);
    }

    [Fact]
    public void Both_ends_may_finish_at_once()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000 });
        var (client, server) = Transfer.Start(pair, 0, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1));
        client.Connection.ShutdownSend(pair.Now);
        server.Apps[0].Connection.ShutdownSend(pair.Now);
        pair.Run(15_000);
        Assert.Equal(TcpState.Closing, client.Connection.State);
        Assert.True(pair.RunUntil(() => client.Closed && server.Apps[0].Closed));
        Assert.Equal((TcpState.TimeWait, TcpState.TimeWait), (client.Connection.State, server.Apps[0].Connection.State));
    }

    [Fact]
    public void A_lost_FIN_is_sent_again_and_a_repeated_one_restarts_TIME_WAIT()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Connection.ShutdownSend(peer.Now);
        Assert.Equal(TcpFlags.Fin | TcpFlags.Ack, raw.Next()!.Flags);
        peer.Advance(1_100_000);
        Assert.All(raw.All(), sent => Assert.Equal((TcpFlags.Fin | TcpFlags.Ack, 0u), (sent.Flags, sent.Sequence)));
        raw.Send(TcpFlags.Fin | TcpFlags.Ack, 0, 1);
        Assert.Equal(TcpState.TimeWait, raw.Connection.State);
        Assert.Equal(1u, raw.Next()!.Acknowledgment);
        peer.Advance(50_000_000);
        raw.Send(TcpFlags.Fin | TcpFlags.Ack, 0, 1);
        Assert.Equal(1u, raw.Next()!.Acknowledgment);
        peer.Advance(50_000_000);
        Assert.Equal(TcpState.TimeWait, raw.Connection.State);
        peer.Advance(10_000_000);
        Assert.Equal(TcpState.Closed, raw.Connection.State);
        Assert.Equal(NetError.None, raw.Events.Closed);
    }

    [Fact]
    public void A_FIN_beyond_a_gap_counts_once_the_gap_is_filled()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.Fin | TcpFlags.Ack, 5, 0, "world"u8);
        Assert.Equal(TcpState.Established, raw.Connection.State);
        raw.Send(TcpFlags.Ack, 0, 0, "hello"u8);
        Assert.Equal(TcpState.CloseWait, raw.Connection.State);
        Assert.Equal(11u, raw.All()[^1].Acknowledgment);
        Assert.False(raw.Connection.ReceiveEnded);
        raw.Connection.Consume(peer.Now, 10);
        Assert.True(raw.Connection.ReceiveEnded);
    }

    [Fact]
    public void Resets_do_not_cut_TIME_WAIT_short()
    {
        var peer = new RawPeer();
        var raw = Closed(peer);
        raw.Send(TcpFlags.Rst, 1, 1);
        Assert.Equal(TcpState.TimeWait, raw.Connection.State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData((int)(TcpFlags.Ece | TcpFlags.Cwr))]
    public void A_later_SYN_replaces_a_connection_in_TIME_WAIT_and_an_older_one_does_not(int asks)
    {
        var flags = TcpFlags.Syn | (TcpFlags)asks;
        var peer = new RawPeer();
        var raw = Closed(peer);
        peer.Host.ListenTcp(new InetEndpoint(default, raw.Connection.LocalEndpoint.Port), null, out _);
        raw.Send(flags, -100, 0);
        Assert.Equal(TcpFlags.Ack, raw.Next()!.Flags);
        Assert.Equal(TcpState.TimeWait, raw.Connection.State);
        raw.Send(flags, 100_000, 0);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack | (TcpFlags)(asks & (int)TcpFlags.Ece), raw.Next()!.Flags);
        Assert.Equal(TcpState.Closed, raw.Connection.State);
    }

    [Fact]
    public void More_connections_in_TIME_WAIT_than_the_limit_end_the_oldest()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { TcpTimeWait = 10 } });
        for (var i = 0; i < 15; i++)
            Closed(peer);
        Assert.Equal(10, peer.Host.Tcp.TimeWaitCount);
        Assert.Equal(10, peer.Host.Tcp.Count);
        Assert.Equal(5, peer.Host.Counters[HostCounter.TcpTimeWaitEvicted]);
    }

    [Fact]
    public void A_closed_app_does_not_wait_for_ever_for_the_other_end_to_close()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Connection.Close(peer.Now);
        raw.Send(TcpFlags.Ack, 0, 1);
        Assert.Equal(TcpState.FinWait2, raw.Connection.State);
        peer.Advance(60_000_000);
        Assert.Equal(TcpState.Closed, raw.Connection.State);
        Assert.Equal(0, peer.Host.Tcp.Count);
    }

    [Fact]
    public void Close_sends_what_was_written_and_lingering_ends_it_with_a_reset()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, window: 1_000);
        raw.Write(3_000);
        raw.Connection.Close(peer.Now, linger: 2_000_000);
        Assert.Equal(1_000, raw.All().Sum(sent => sent.Payload.Length));
        raw.Send(TcpFlags.Ack, 0, 1_000, window: 1_000);
        Assert.Equal(1_000, raw.All().Sum(sent => sent.Payload.Length));
        peer.Advance(2_000_000);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, raw.All()[^1].Flags);
        Assert.Equal(NetError.ConnectionAborted, raw.Events.Closed);
    }

    [Fact]
    public void Aborting_resets_the_other_end_at_once()
    {
        var pair = new Pair(new LinkOptions { Delay = 100 });
        var (client, server) = Transfer.Start(pair, 500_000, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: > 100_000 }]));
        client.Connection.Abort(pair.Now);
        Assert.True(pair.RunUntil(() => server.Apps[0].Closed));
        Assert.Equal((NetError.ConnectionAborted, NetError.ConnectionReset), (client.Reason, server.Apps[0].Reason));
        Assert.Equal((0, 0), (pair.A.Tcp.Count, pair.B.Tcp.Count));
        Assert.Equal(0, pair.A.Pool.Outstanding);
    }

    [Fact]
    public void What_was_received_before_a_reset_can_still_be_read()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.Ack, 0, 0, "last words"u8);
        raw.Send(TcpFlags.Rst, 10, 0);
        Assert.Equal(NetError.ConnectionReset, raw.Connection.Error);
        Assert.Equal(10, raw.Connection.Read(peer.Now, new byte[20]));
        Assert.False(raw.Connection.ReceiveEnded);
        Assert.Equal(0, peer.Host.Pool.Outstanding);
    }

    [Fact]
    public void Removing_an_address_ends_its_connections_and_listeners()
    {
        var pair = new Pair();
        var (client, server) = Transfer.Start(pair, 0, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1));
        pair.A.ListenTcp(new InetEndpoint(Pair.A4, 90), null, out _);
        pair.A.RemoveAddress(pair.Now, Pair.A4);
        Assert.Equal(NetError.AddressRemoved, client.Reason);
        Assert.Equal(0, pair.A.Tcp.Count);
        Assert.Equal(NetError.NoRoute, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, Transfer.Port), client, out _));
        Assert.True(pair.A.AddAddress(pair.Now, new InetPrefix(Pair.A4, 24)));
        Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, Transfer.Port), new StreamApp(() => pair.Now,
            0), out _));
    }

    [Fact]
    public void A_host_that_is_shut_down_resets_everything_and_holds_nothing()
    {
        var pair = new Pair();
        var (_, server) = Transfer.Start(pair, 100_000, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 100_000 }]));
        pair.A.Shutdown(pair.Now);
        Assert.True(pair.RunUntil(() => server.Apps[0].Closed));
        Assert.Equal(NetError.ConnectionReset, server.Apps[0].Reason);
        Assert.Equal((0, 0L, long.MaxValue), (pair.A.Tcp.Count, pair.A.Pool.Outstanding, pair.A.NextDeadline));
        Assert.Empty(pair.A.Groups);
    }

    /// <summary>A connection that the host closed first, now in TIME_WAIT.</summary>
    private static RawConnection Closed(RawPeer peer)
    {
        var raw = RawConnection.Open(peer);
        raw.Connection.Close(peer.Now);
        raw.Send(TcpFlags.Fin | TcpFlags.Ack, 0, 1);
        raw.All();
        Assert.Equal(TcpState.TimeWait, raw.Connection.State);
        return raw;
    }
}
