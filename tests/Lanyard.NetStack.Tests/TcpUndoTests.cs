using System.Buffers.Binary;

namespace Lanyard.NetStack.Tests;

/// <summary>Loss that was none, and what little can be done without selective acknowledgements.</summary>
public class TcpUndoTests
{
    private const int Mss = 1_000;
    private const long Rtt = 10_000;
    private static readonly byte[] WithSack = [2, 4, 0x05, 0xb4, 1, 1, 4, 2];
    private static readonly byte[] WithStamps = [2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];

    [Fact]
    public void A_timeout_whose_answer_echoes_the_original_is_undone()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: WithStamps, options: new TcpOptions { MaxSegmentBytes = Mss + 12 }, rtt: Rtt);
        raw.Write(20 * Mss);
        var first = raw.All();
        Assert.Equal(10, first.Count);
        peer.Advance(2_000_000);
        var info = raw.Connection.GetInfo();
        Assert.Equal(Mss, info.CongestionWindow);
        Assert.True(info.Timeouts >= 2);
        raw.All();
        Ack(raw, Mss, first[0].Timestamp);
        info = raw.Connection.GetInfo();
        Assert.Equal(1, info.SpuriousRecoveries);
        Assert.True(info.CongestionWindow >= 10 * Mss);
        Assert.Equal(long.MaxValue, info.SlowStartThreshold);
        var retransmitted = info.BytesRetransmitted;
        Ack(raw, 10 * Mss, first[9].Timestamp);
        Assert.Equal(retransmitted, raw.Connection.GetInfo().BytesRetransmitted);
    }

    [Fact]
    public void A_timeout_whose_answer_echoes_the_repetition_stands()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: WithStamps, options: new TcpOptions { MaxSegmentBytes = Mss + 12 }, rtt: Rtt);
        raw.Write(10 * Mss);
        raw.All();
        peer.Advance(1_000_000);
        Ack(raw, Mss, raw.All()[^1].Timestamp);
        Assert.Equal(0, raw.Connection.GetInfo().SpuriousRecoveries);
        Assert.InRange(raw.Connection.GetInfo().CongestionWindow, Mss, 2 * Mss);
    }

    [Fact]
    public void Without_timestamps_the_arrival_of_what_was_never_sent_again_undoes_the_timeout()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: WithSack, options: new TcpOptions { MaxSegmentBytes = Mss }, rtt: Rtt);
        raw.Write(10 * Mss);
        raw.All();
        peer.Advance(1_000_000);
        Assert.Equal(Mss, raw.Connection.GetInfo().CongestionWindow);
        raw.All();
        Ack(raw, 2 * Mss, null);
        Assert.Equal(1, raw.Connection.GetInfo().SpuriousRecoveries);
        Assert.True(raw.Connection.GetInfo().CongestionWindow >= 10 * Mss);
        Assert.Empty(raw.All());
    }

    [Fact]
    public void A_recovery_whose_repetitions_are_all_reported_as_duplicates_is_undone()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: WithSack, options: new TcpOptions { MaxSegmentBytes = Mss }, rtt: Rtt);
        raw.Write(10 * Mss);
        raw.All();
        peer.Advance(Rtt);
        Ack(raw, 0, null, (2 * Mss, 3 * Mss));
        Ack(raw, 0, null, (2 * Mss, 5 * Mss));
        Ack(raw, 0, null, (2 * Mss, 6 * Mss));
        Assert.Equal([0u, 1_000u], raw.All().Select(sent => sent.Sequence));
        Ack(raw, 6 * Mss, null);
        Ack(raw, 10 * Mss, null);
        Assert.Equal(7 * Mss, raw.Connection.GetInfo().CongestionWindow);
        Ack(raw, 10 * Mss, null, (0, Mss));
        Assert.Equal(0, raw.Connection.GetInfo().SpuriousRecoveries);
        Ack(raw, 10 * Mss, null, (Mss, 2 * Mss));
        Assert.Equal(1, raw.Connection.GetInfo().SpuriousRecoveries);
        Assert.True(raw.Connection.GetInfo().CongestionWindow >= 10 * Mss);
    }

    [Fact]
    public void A_duplicate_of_something_else_undoes_nothing()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: WithSack, options: new TcpOptions { MaxSegmentBytes = Mss }, rtt: Rtt);
        raw.Write(10 * Mss);
        Ack(raw, 2 * Mss, null);
        raw.All();
        peer.Advance(Rtt);
        Ack(raw, 2 * Mss, null, (4 * Mss, 7 * Mss));
        Ack(raw, 2 * Mss, null, (4 * Mss, 8 * Mss));
        Assert.Equal(2, raw.All().Count);
        Ack(raw, 10 * Mss, null, (0, Mss));
        Ack(raw, 10 * Mss, null, (Mss, 2 * Mss));
        Assert.Equal(0, raw.Connection.GetInfo().SpuriousRecoveries);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_path_that_pauses_costs_the_window_nothing(bool timestamps)
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000 });
        var (client, server) = Transfer.Start(pair, 30_000_000, 0, options: new TcpOptions { Timestamps = timestamps });
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: > 3_000_000 }]));
        var before = client.Connection.GetInfo();
        var pause = pair.AtoB.Options;
        pair.AtoB.Options = pause with { Delay = 600_000 };
        pair.Run(550_000);
        Assert.True(client.Connection.GetInfo().Timeouts > 0);
        pair.Run(200_000);
        var after = client.Connection.GetInfo();
        Assert.True(after.SpuriousRecoveries > 0);
        Assert.True(after.CongestionWindow >= before.CongestionWindow, $"{before.CongestionWindow} {after.CongestionWindow}");
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }]));
        Assert.False(server.Apps[0].Corrupted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Plain_loss_is_never_taken_for_none(bool timestamps)
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, Loss = 0.05, BitsPerSecond = 20_000_000 },
            back: new LinkOptions { Delay = 10_000 });
        var (client, _) = Transfer.Start(pair, 5_000_000, 0, options: new TcpOptions { Timestamps = timestamps });
        Assert.True(pair.RunUntil(() => client.Closed));
        var info = client.Connection.GetInfo();
        Assert.True(info.FastRecoveries > 50);
        Assert.InRange(info.SpuriousRecoveries, 0, 2);
    }

    [Fact]
    public void Lost_acknowledgements_do_not_make_timeouts_ever_longer()
    {
        // Windows of one segment: each acknowledgement lost is a timeout, and its answer echoes the original.
        var count = 0;
        var pair = new Pair(new LinkOptions { Delay = 1_000 },
            back: new LinkOptions { Delay = 1_000, Drop = frame => frame.Length < 100 && ++count % 3 == 0 });
        var options = new TcpOptions { MaxSegmentBytes = Mss, InitialReceiveBufferBytes = Mss, MaxReceiveBufferBytes = Mss };
        var (client, server) = Transfer.Start(pair, 60 * Mss, 0, options: options);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }], 120_000_000));
        Assert.True(client.Connection.GetInfo().Timeouts > 5);
        Assert.InRange(client.Connection.GetInfo().SmoothedRtt, 2_000, 400_000);
    }

    [Fact]
    public void Without_selective_acknowledgements_the_first_two_duplicates_each_let_a_new_segment_out()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { MaxSegmentBytes = Mss }, rtt: Rtt);
        raw.Write(20 * Mss);
        Assert.Equal(10, raw.All().Count);
        raw.Send(TcpFlags.Ack, 0, 0);
        Assert.Equal([10_000u], raw.All().Select(sent => sent.Sequence));
        raw.Send(TcpFlags.Ack, 0, 0);
        Assert.Equal([11_000u], raw.All().Select(sent => sent.Sequence));
        raw.Send(TcpFlags.Ack, 0, 0);
        Assert.Equal(0u, raw.All()[0].Sequence);
        Assert.Equal(1, raw.Connection.GetInfo().FastRecoveries);
    }

    [Fact]
    public void Without_selective_acknowledgements_a_window_of_four_needs_no_timeout_for_one_loss()
    {
        var count = 0;
        var options = new TcpOptions { SelectiveAcknowledgments = false, MaxSegmentBytes = Mss, InitialReceiveBufferBytes = 8 * Mss,
            MaxReceiveBufferBytes = 8 * Mss };
        var pair = new Pair(new LinkOptions { Delay = 5_000, Drop = frame => frame.Length > 900 && ++count == 20 },
            back: new LinkOptions { Delay = 5_000 });
        var (client, server) = Transfer.Start(pair, 60_000, 0, options: options);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }]));
        Assert.Equal((1L, 0L), (client.Connection.GetInfo().FastRecoveries, client.Connection.GetInfo().Timeouts));
    }

    private static void Ack(RawConnection raw, long ack, uint? echo, params (long Start, long End)[] blocks)
    {
        var options = new byte[40];
        var length = 0;
        if (echo is { } value)
            length += TcpSegmentOptions.WriteTimestamp(options, 2, value);
        if (blocks.Length > 0)
        {
            var at = options.AsSpan(length);
            (at[0], at[1], at[2], at[3]) = (1, 1, 5, (byte)(2 + (8 * blocks.Length)));
            for (var i = 0; i < blocks.Length; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(at[(4 + (8 * i))..], raw.Syn.Sequence + 1 + (uint)blocks[i].Start);
                BinaryPrimitives.WriteUInt32BigEndian(at[(8 + (8 * i))..], raw.Syn.Sequence + 1 + (uint)blocks[i].End);
            }

            length += 4 + (8 * blocks.Length);
        }

        raw.Send(TcpFlags.Ack, 0, ack, options: options.AsSpan(0, length));
    }
}
