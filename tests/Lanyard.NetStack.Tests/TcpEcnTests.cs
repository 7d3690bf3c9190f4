using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Explicit congestion notification, RFC 3168.</summary>
public class TcpEcnTests
{
    private const int Mss = 1_000;
    private const byte Marked = 3;
    private static readonly TcpOptions Asking = new() { MaxSegmentBytes = Mss, Ecn = EcnMode.Request };

    [Theory]
    [InlineData(EcnMode.Accept, true, true)]
    [InlineData(EcnMode.Request, true, true)]
    [InlineData(EcnMode.Off, true, false)]
    [InlineData(EcnMode.Accept, false, false)]
    public void A_SYN_that_asks_is_agreed_to_unless_switched_off(EcnMode mode, bool asks, bool agreed)
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out var listener, options: new TcpOptions { Ecn = mode });
        peer.ReceiveTcp(9, 80, TcpFlags.Syn | (asks ? TcpFlags.Ece | TcpFlags.Cwr : 0), 1, 0);
        var answer = peer.NextTcp()!;
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack | (agreed ? TcpFlags.Ece : 0), answer.Flags);
        Assert.Equal(0, answer.TrafficClass);
        peer.ReceiveTcp(9, 80, TcpFlags.Ack, 2, answer.Sequence + 1);
        Assert.True(listener!.TryAccept(null, out var connection));
        Assert.Equal(agreed, connection.GetInfo().Ecn);
    }

    [Fact]
    public void Opening_asks_only_if_told_to_and_no_longer_when_SYNs_go_unanswered()
    {
        Assert.Equal(TcpFlags.Syn, RawConnection.Start(new RawPeer()).Syn.Flags);
        var peer = new RawPeer();
        var raw = RawConnection.Start(peer, Asking);
        peer.Advance(3_500_000);
        Assert.Equal([TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr, TcpFlags.Syn], raw.All().Select(sent => sent.Flags));
        // An answer that came late does not agree to what was withdrawn.
        raw.Send(TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Ece, -1, 0);
        Assert.False(raw.Connection.GetInfo().Ecn);
    }

    [Fact]
    public void An_answer_that_only_reflects_the_flags_is_no_agreement()
    {
        var raw = RawConnection.Start(new RawPeer(), Asking);
        raw.Send(TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Ece | TcpFlags.Cwr, -1, 0);
        Assert.Equal((TcpState.Established, false), (raw.Connection.State, raw.Connection.GetInfo().Ecn));
    }

    [Fact]
    public void New_data_may_be_marked_and_repetitions_and_acknowledgements_may_not()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: Asking, ecn: true, rtt: 1_000);
        Assert.True(raw.Connection.GetInfo().Ecn);
        raw.Write(5 * Mss);
        Assert.All(raw.All(), sent => Assert.Equal(IpOutput.EcnCapable, sent.TrafficClass));
        peer.Advance(1_500_000);
        var again = raw.All();
        Assert.NotEmpty(again);
        Assert.All(again, sent => Assert.Equal(0, sent.TrafficClass));
        raw.Send(TcpFlags.Ack, 0, 5 * Mss, new byte[10]);
        raw.Send(TcpFlags.Ack, 10, 5 * Mss, new byte[10]);
        Assert.All(raw.All(), sent => Assert.Equal(0, sent.TrafficClass));
    }

    [Fact]
    public void A_mark_is_echoed_until_the_other_end_says_that_it_has_slowed_down()
    {
        var raw = RawConnection.Open(new RawPeer(), options: Asking, ecn: true);
        raw.Send(TcpFlags.Ack, 0, 0, new byte[100], trafficClass: IpOutput.EcnCapable);
        Assert.All(raw.All(), sent => Assert.Equal(TcpFlags.Ack, sent.Flags));
        raw.Send(TcpFlags.Ack, 100, 0, new byte[100], trafficClass: Marked);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Ece, raw.Next()!.Flags);
        raw.Send(TcpFlags.Ack, 200, 0, new byte[100], trafficClass: IpOutput.EcnCapable);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Ece, raw.Next()!.Flags);
        raw.Send(TcpFlags.Ack | TcpFlags.Cwr, 300, 0, new byte[100], trafficClass: Marked);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Ece, raw.Next()!.Flags);
        raw.Send(TcpFlags.Ack | TcpFlags.Cwr, 400, 0, new byte[100], trafficClass: IpOutput.EcnCapable);
        Assert.Equal(TcpFlags.Ack, raw.Next()!.Flags);
    }

    [Fact]
    public void An_echo_lowers_the_window_once_for_a_window_of_data_and_new_data_says_so()
    {
        var raw = RawConnection.Open(new RawPeer(), options: Asking, ecn: true, rtt: 1_000);
        raw.Write(30 * Mss);
        Assert.Equal(10, raw.All().Count);
        raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, 2 * Mss);
        Assert.Equal(7 * Mss, raw.Connection.GetInfo().CongestionWindow);
        raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, 4 * Mss);
        raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, 6 * Mss);
        Assert.InRange(raw.Connection.GetInfo().CongestionWindow, 7 * Mss, 8 * Mss);
        var sent = raw.All();
        Assert.NotEmpty(sent);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Cwr, sent[0].Flags);
        Assert.All(sent.Skip(1), segment => Assert.Equal(TcpFlags.Ack, segment.Flags));
        raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, 10 * Mss);
        Assert.InRange(raw.Connection.GetInfo().CongestionWindow, 7 * Mss, 9 * Mss);
        raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, 11 * Mss);
        Assert.InRange(raw.Connection.GetInfo().CongestionWindow, 4 * Mss, 6 * Mss);
        Assert.Equal(0, raw.Connection.GetInfo().BytesRetransmitted);
    }

    [Fact]
    public void After_a_timeout_the_window_grows_in_spite_of_echoes()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: Asking, ecn: true, rtt: 1_000);
        raw.Write(10 * Mss);
        Assert.Equal(10, raw.All().Count);
        peer.Advance(1_000_000);
        var (acknowledged, trips) = (0, 0);
        for (; acknowledged < 10 * Mss; trips++)
        {
            // The window's fall is told with new data only, so this end goes on echoing.
            var repeated = raw.All();
            Assert.NotEmpty(repeated);
            Assert.All(repeated, segment => Assert.Equal(0, (int)(segment.Flags & TcpFlags.Cwr)));
            acknowledged = repeated.Max(segment => (int)segment.Sequence + segment.Payload.Length);
            raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, acknowledged);
        }

        Assert.InRange(trips, 1, 5);
    }

    [Fact]
    public void Without_agreement_marks_and_echoes_mean_nothing()
    {
        var raw = RawConnection.Open(new RawPeer(), options: Asking with { Ecn = EcnMode.Accept }, ecn: true, rtt: 1_000);
        raw.Write(10 * Mss);
        Assert.All(raw.All(), sent => Assert.Equal(0, sent.TrafficClass));
        raw.Send(TcpFlags.Ack | TcpFlags.Ece, 0, Mss, new byte[10], trafficClass: Marked);
        Assert.True(raw.Connection.GetInfo().CongestionWindow >= 10 * Mss);
        raw.Send(TcpFlags.Ack, 10, Mss, new byte[10], trafficClass: Marked);
        Assert.All(raw.All(), sent => Assert.Equal(TcpFlags.Ack, sent.Flags & (TcpFlags.Ack | TcpFlags.Ece)));
    }

    [Fact]
    public void An_algorithm_that_does_not_heed_marks_sends_nothing_that_may_be_marked()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: Asking with { Congestion = CongestionAlgorithm.Bbr }, ecn: true, rtt: 1_000);
        raw.Write(10 * Mss);
        peer.Advance(50_000);
        Assert.All(raw.All(), sent => Assert.Equal(0, sent.TrafficClass));
        raw.Send(TcpFlags.Ack, 0, 0, new byte[10], trafficClass: Marked);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Ece, raw.Next()!.Flags);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_queue_that_marks_is_shared_without_a_loss(bool v6)
    {
        var pair = new Pair(new LinkOptions { Delay = 5_000, BitsPerSecond = 50_000_000, QueueBytes = 400_000, MarkAboveBytes = 60_000 },
            back: new LinkOptions { Delay = 5_000 });
        const long bytes = 20_000_000;
        var (client, server) = Transfer.Start(pair, bytes, 0, v6, new TcpOptions { Ecn = EcnMode.Request });
        var start = pair.Now;
        Assert.True(pair.RunUntil(() => client.Closed));
        var info = client.Connection.GetInfo();
        Assert.Equal((0L, 0L), (pair.AtoB.Lost, info.BytesRetransmitted));
        Assert.True(pair.AtoB.Marked > 0);
        Assert.True(pair.A.Counters[HostCounter.TcpCongestionEchoes] > 1);
        Assert.True(bytes * 8.0 / (pair.Now - start) > 42, $"{bytes * 8.0 / (pair.Now - start):F1} Mbit/s");
        Assert.False(server.Apps[0].Corrupted);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Many_that_start_at_once_over_a_queue_that_marks_and_overflows_all_end_soon(int seed)
    {
        const long bytes = 400_000;
        var pair = new Pair(new LinkOptions { Delay = 200, BitsPerSecond = 1_000_000_000, QueueBytes = 400_000, MarkAboveBytes = 200_000 }, seed,
            back: new LinkOptions { Delay = 200 });
        var options = new TcpOptions { Ecn = EcnMode.Request };
        var (first, server) = Transfer.Start(pair, bytes, 0, options: options);
        var clients = Enumerable.Range(1, 63).Select(_ =>
        {
            var client = new StreamApp(() => pair.Now, bytes);
            Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, Transfer.Port), client, out var connection, options: options));
            client.Attach(connection!);
            return client;
        }).Append(first).ToArray();

        // A fifth of a second's work. A timeout or two may come to it, not an acknowledgement's delay for each segment that was lost.
        Assert.True(pair.RunUntil(() => clients.All(client => client.Closed), 3_000_000), $"{clients.Count(client => !client.Closed)} are left.");
        Assert.True(pair.AtoB.Lost > 0);
        Assert.True(pair.AtoB.Marked > 0);
        Assert.All(server.Apps, app => Assert.False(app.Corrupted));
    }

    [Theory]
    [InlineData(IpOutput.EcnCapable, true, true)]
    [InlineData(IpOutput.EcnCapable, false, false)]
    [InlineData(0, true, false)]
    public void A_host_that_does_not_keep_up_tells_senders_that_heed_marks(byte trafficClass, bool isBacklogged, bool isTold)
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: Asking, ecn: true);
        peer.Host.IsBacklogged = isBacklogged;
        raw.Send(TcpFlags.Ack, 0, 0, new byte[Mss], trafficClass: trafficClass);
        raw.Send(TcpFlags.Ack, Mss, 0, new byte[Mss], trafficClass: trafficClass);
        Assert.Equal(isTold, raw.All()[^1].Flags.HasFlag(TcpFlags.Ece));
    }
}
