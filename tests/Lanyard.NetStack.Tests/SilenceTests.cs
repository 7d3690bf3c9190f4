using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Two hosts exchange a limited number of frames, whatever the link does, and send nothing after all connections have ended.</summary>
public class SilenceTests
{
    [Fact]
    public void Two_hosts_fall_silent_after_a_closed_exchange() => RunExchanges(1, 150);

    [Fact(Explicit = true)]
    public void Two_hosts_fall_silent_after_many_more_closed_exchanges() => RunExchanges(1_000, 20_000);

    [Fact]
    public void Keepalive_probes_are_answered_as_often_as_they_come()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000 });
        var options = new TcpOptions { KeepAliveIdle = TimeSpan.FromMilliseconds(500), KeepAliveInterval = TimeSpan.FromMilliseconds(50) };
        var (client, _) = Transfer.Start(pair, 1_000, 1_000, options: options, setup: app => app.Finish = false);
        pair.Run(600_000_000);
        Assert.Equal(TcpState.Established, client.Connection.State);
        Assert.InRange(pair.A.Counters[HostCounter.TcpChallengeAcks] + pair.B.Counters[HostCounter.TcpChallengeAcks], 1_000, 1_300);
        Assert.Equal(0, pair.A.Counters[HostCounter.TcpChallengeAcksLimited] + pair.B.Counters[HostCounter.TcpChallengeAcksLimited]);
    }

    [Fact]
    public void The_shortest_timeouts_let_time_pass()
    {
        var pair = new Pair();
        var options = new TcpOptions
        {
            MinRto = TimeSpan.Zero,
            MaxRto = TimeSpan.Zero,
            UserTimeout = TimeSpan.FromSeconds(1),
            KeepAliveIdle = TimeSpan.FromTicks(1),
            KeepAliveInterval = TimeSpan.Zero,
            InitialReceiveBufferBytes = 10_000,
            MaxReceiveBufferBytes = 10_000,
        };
        var (client, server) = Transfer.Start(pair, 50_000, 0, options: options, setup: app => (app.PauseReading, app.Finish) = (true, false));

        // The receive window is closed.
        pair.Run(1_000_000);
        Assert.Equal(TcpState.Established, client.Connection.State);
        Assert.InRange(pair.A.Counters[HostCounter.TcpWindowProbes], 900, 1_100);
        server.Apps[0].PauseReading = false;
        server.Apps[0].Drain();
        pair.Run(10_000);
        Assert.Equal(50_000, server.Apps[0].Received);

        // The link is broken.
        pair.AtoB.Options = new LinkOptions { Drop = _ => true };
        server.Apps[0].ToSend += 100;
        server.Apps[0].Pump();
        Assert.True(pair.RunUntil(() => server.Apps[0].Closed, 1_100_000));
        Assert.Equal(NetError.TimedOut, server.Apps[0].Reason);
        Assert.InRange(pair.B.Counters[HostCounter.TcpTimeouts], 500, 1_100);
    }

    [Fact]
    public void A_connection_that_stops_pacing_has_no_deadline_in_the_past()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, BitsPerSecond = 10_000_000 });
        var options = new TcpOptions { Congestion = CongestionAlgorithm.Bbr };
        var (client, server) = Transfer.Start(pair, 1_000_000, 0, options: options);
        pair.Run(300_000);
        Assert.InRange(pair.A.NextDeadline, pair.Now + 1, pair.Now + 5_000);
        client.Connection.Configure(pair.Now, options with { Congestion = CongestionAlgorithm.Cubic });
        pair.Run(5_000);
        pair.A.Poll(pair.Now);
        Assert.InRange(pair.A.NextDeadline, pair.Now + 1, long.MaxValue);
        Assert.True(pair.RunUntil(() => client.Closed && server.Apps is [{ Closed: true }]));
    }

    [Fact]
    public void A_segment_that_the_peer_refuses_is_not_retransmitted_without_end_at_one_time()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x05, 0xb4, 1, 1, 4, 2]);
        raw.Write(5_840);
        Assert.Equal(4, raw.All().Count);
        var isn = raw.Syn.Sequence + 1;
        var sack = new byte[12];
        (sack[0], sack[1], sack[2], sack[3]) = (1, 1, 5, 10);
        BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(4), isn + 1_460);
        BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(8), isn + 5_840);
        raw.Send(TcpFlags.Ack, 0, 0, options: sack);
        Assert.Equal(0u, Assert.Single(raw.All()).Sequence);
        for (var i = 0; i < 100; i++)
            raw.Send(TcpFlags.Ack, 0, 0, options: sack);
        Assert.Empty(raw.All());

        // The retransmission may be lost, so there is one more.
        peer.Advance(1);
        Assert.Equal(0u, Assert.Single(raw.All()).Sequence);
        raw.Send(TcpFlags.Ack, 0, 0, options: sack);
        peer.Advance(100_000);
        Assert.Empty(raw.All());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    [InlineData(150_000)]
    [InlineData(400_000)]
    public void Two_ends_that_disagree_about_the_stream_do_not_acknowledge_each_other_without_end(long delay)
    {
        var pair = new Pair(new LinkOptions { Delay = delay });
        Frame? last = null;
        pair.AtoB.Tap = frame => last = new Frame { Bytes = frame.Packet.ToArray(), Length = frame.Length };
        var (client, server) = Transfer.Start(pair, 1_000, 1_000, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => client.Received == 1_000 && server.Apps is [{ Received: 1_000 }]));
        pair.Run(20_000_000);

        // A stranger makes B believe that A has sent more.
        var forged = Forge(last!.Packet, "forged"u8);
        var frames = 0;
        pair.AtoB.Tap = pair.BtoA.Tap = _ => frames++;
        pair.B.Receive(pair.Now, Pair.MacA, Pair.MacB, NetworkHost.EtherTypeIPv4, forged);
        pair.Run(300_000_000);
        var inFiveMinutes = frames;
        pair.Run(3_000_000_000);
        Assert.True(frames == inFiveMinutes && frames is > 0 and < 100, $"{inFiveMinutes} frames in five minutes, {frames} in an hour");
    }

    // The last acknowledgment from A to B again, with data.
    private static byte[] Forge(ReadOnlySpan<byte> original, ReadOnlySpan<byte> data)
    {
        var forged = new byte[original.Length + data.Length];
        original.CopyTo(forged);
        data.CopyTo(forged.AsSpan(original.Length));
        Ipv4Packet.WriteHeader(forged, Pair.A4, Pair.B4, IpProtocol.Tcp, 64, 0, 0, false, false, 0, forged.Length - Ipv4Packet.HeaderBytes);
        var bytes = forged.AsSpan(Ipv4Packet.HeaderBytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[16..], 0);
        TcpSegment.WriteChecksum(bytes, InternetChecksum.PseudoHeader(Pair.A4, Pair.B4, IpProtocol.Tcp, bytes.Length));
        return forged;
    }

    private static void RunExchanges(int firstSeed, int count)
    {
        var failures = new List<string>();
        for (var seed = firstSeed; seed < firstSeed + count && failures.Count < 10; seed++)
        {
            if (new RandomExchange(seed).Run() is { } failure)
                failures.Add(failure);
        }

        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }
}
