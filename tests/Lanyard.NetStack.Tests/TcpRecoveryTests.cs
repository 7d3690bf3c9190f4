using System.Buffers.Binary;

namespace Lanyard.NetStack.Tests;

/// <summary>How loss is found and repaired.</summary>
public class TcpRecoveryTests
{
    private const int Mss = 1_000;
    private static readonly TcpOptions ThousandByteSegments = new() { MaxSegmentBytes = Mss };
    private static readonly byte[] WithSack = [2, 4, 0x05, 0xb4, 1, 1, 4, 2];
    private static readonly byte[] WithoutSack = [2, 4, 0x05, 0xb4];

    [Fact]
    public void Three_segments_selectively_acknowledged_beyond_a_gap_bring_the_missing_one_back_at_once()
    {
        var peer = new RawPeer();
        var raw = Open(peer, WithSack, 10);
        Ack(raw, 0, (1_000, 2_000));
        Ack(raw, 0, (1_000, 3_000));
        Assert.Empty(raw.All());
        Ack(raw, 0, (1_000, 4_000));
        var again = Assert.Single(raw.All());
        Assert.Equal((0u, Mss), (again.Sequence, again.Payload.Length));
        Assert.Equal((1, 0), (raw.Connection.GetInfo().FastRecoveries, raw.Connection.GetInfo().Timeouts));
        raw.Send(TcpFlags.Ack, 0, 10_000);
        Assert.Equal(0, raw.Connection.UnacknowledgedBytes);
        Assert.InRange(raw.Connection.GetInfo().CongestionWindow, 5 * Mss, 8 * Mss);
    }

    [Fact]
    public void Only_what_is_missing_is_sent_again()
    {
        var peer = new RawPeer();
        var raw = Open(peer, WithSack, 10);
        Ack(raw, 1_000, (2_000, 3_000), (5_000, 6_000), (7_000, 10_000));
        var again = new HashSet<uint>();
        for (var i = 0; i < 20; i++)
        {
            foreach (var sent in raw.All())
                Assert.True(again.Add(sent.Sequence), "sent again twice");
            Ack(raw, 1_000, (2_000, 3_000), (5_000, 6_000), (7_000, 10_000));
        }

        Assert.Contains(1_000u, again);
        Assert.All(again, sequence => Assert.Contains(sequence, new[] { 1_000u, 3_000u, 4_000u, 6_000u }));
    }

    [Fact]
    public void Without_selective_acknowledgements_three_duplicates_bring_a_segment_back_and_partial_ones_the_next()
    {
        var peer = new RawPeer();
        var raw = Open(peer, WithoutSack, 10);
        raw.Send(TcpFlags.Ack, 0, 0);
        raw.Send(TcpFlags.Ack, 0, 0);
        Assert.Empty(raw.All());
        raw.Send(TcpFlags.Ack, 0, 0);
        Assert.Equal(0u, Assert.Single(raw.All()).Sequence);
        raw.Send(TcpFlags.Ack, 0, 4_000);
        Assert.Equal(4_000u, Assert.Single(raw.All()).Sequence);
        raw.Send(TcpFlags.Ack, 0, 10_000);
        Assert.Equal(1, raw.Connection.GetInfo().FastRecoveries);
        Assert.Equal(2_000, raw.Connection.GetInfo().BytesRetransmitted);
    }

    [Fact]
    public void A_changed_window_is_no_duplicate()
    {
        var peer = new RawPeer();
        var raw = Open(peer, WithoutSack, 10);
        for (ushort i = 0; i < 10; i++)
            raw.Send(TcpFlags.Ack, 0, 0, window: (ushort)(60_000 + i));
        Assert.Empty(raw.All());
    }

    [Fact]
    public void After_a_timeout_the_window_is_one_segment_and_opens_again()
    {
        var peer = new RawPeer();
        var raw = Open(peer, WithSack, 10, new TcpOptions { MaxSegmentBytes = Mss, DelayedAck = TimeSpan.Zero });
        // The tail loss probe comes first; nobody answers it.
        peer.Advance(2_000_000);
        raw.All();
        Assert.Equal(Mss, raw.Connection.GetInfo().CongestionWindow);
        raw.Send(TcpFlags.Ack, 0, 1_000);
        var two = raw.All();
        Assert.Equal([1_000u, 2_000u], two.Select(sent => sent.Sequence));
        raw.Send(TcpFlags.Ack, 0, 3_000);
        Assert.Equal(4, raw.All().Count);
        raw.Send(TcpFlags.Ack, 0, 10_000);
        Assert.Equal(0, raw.Connection.UnacknowledgedBytes);
    }

    [Fact]
    public void The_loss_of_a_flight_s_tail_is_repaired_by_a_probe_without_a_timeout()
    {
        var drop = 0;
        var link = new LinkOptions { Delay = 5_000, Drop = frame => frame.Length > 1_000 && ++drop is 4 or 5 };
        var pair = new Pair(link, back: new LinkOptions { Delay = 5_000 });
        var (client, server) = Transfer.Start(pair, 13_000, 0, setup: app => app.Finish = false);
        var start = pair.Now;
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 13_000 }], 5_000_000));
        Assert.Equal(0, client.Connection.GetInfo().Timeouts);
        Assert.True(pair.A.Counters[HostCounter.TcpTailProbes] >= 1);
        Assert.InRange(pair.Now - start, 40_000, 120_000);
    }

    [Fact]
    public void Reordering_costs_hardly_any_repetition()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, Reorder = 0.05, ReorderDelay = 2_000 });
        var (client, server) = Transfer.Start(pair, 10_000_000, 0);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }]));
        Assert.InRange(client.Connection.GetInfo().BytesRetransmitted, 0, 400_000);
    }

    [Theory]
    [InlineData(0.001, 40)]
    [InlineData(0.01, 10)]
    [InlineData(0.05, 3)]
    public void Goodput_over_a_lossy_link_is_what_the_loss_allows(double loss, double megabits)
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, Loss = loss });
        var (client, _) = Transfer.Start(pair, 10_000_000, 0);
        var start = pair.Now;
        Assert.True(pair.RunUntil(() => client.Closed, 600_000_000));
        Assert.True(10_000_000 * 8.0 / (pair.Now - start) > megabits, $"{10_000_000 * 8.0 / (pair.Now - start):F1} Mbit/s");
    }

    [Fact]
    public void A_link_s_bandwidth_is_used()
    {
        var pair = new Pair(new LinkOptions { Delay = 5_000, BitsPerSecond = 100_000_000, QueueBytes = 200_000 });
        var (client, _) = Transfer.Start(pair, 50_000_000, 0);
        var start = pair.Now;
        Assert.True(pair.RunUntil(() => client.Closed, 600_000_000));
        Assert.True(50_000_000 * 8.0 / (pair.Now - start) > 85, $"{50_000_000 * 8.0 / (pair.Now - start):F1} Mbit/s");
    }

    [Fact]
    public void Buffers_grow_to_fill_a_long_fat_link()
    {
        var pair = new Pair(new LinkOptions { Delay = 20_000 });
        var (client, server) = Transfer.Start(pair, 60_000_000, 0);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }]));
        Assert.Equal(4 << 20, server.Apps[0].Connection.GetInfo().ReceiveBufferBytes);
        Assert.Equal(4 << 20, client.Connection.GetInfo().SendBufferBytes);
    }

    [Fact]
    public void A_receiver_that_lets_go_of_what_it_told_of_gets_it_again()
    {
        var peer = new RawPeer();
        var raw = Open(peer, WithSack, 10);
        Ack(raw, 0, (1_000, 10_000));
        raw.All();
        raw.Send(TcpFlags.Ack, 0, 1_000);
        var again = new HashSet<uint>();
        for (var i = 0; i < 60 && again.Count < 9; i++)
        {
            peer.Advance(1_000_000);
            foreach (var sent in raw.All())
                again.Add(sent.Sequence);
            if (again.Count > 0)
                raw.Send(TcpFlags.Ack, 0, 1_000 * (again.Count + 1));
        }

        Assert.Equal(9, again.Count);
        Assert.Equal(0, raw.Connection.UnacknowledgedBytes);
    }

    private static RawConnection Open(RawPeer peer, byte[] synOptions, int segments, TcpOptions? options = null)
    {
        var raw = RawConnection.Open(peer, options: options ?? ThousandByteSegments, synOptions: synOptions, rtt: 1_000);
        raw.Write(segments * Mss);
        Assert.Equal(segments, raw.All().Count);
        peer.Advance(1_000);
        return raw;
    }

    private static void Ack(RawConnection raw, long ack, params (long Start, long End)[] blocks)
    {
        var options = new byte[4 + (8 * blocks.Length)];
        (options[0], options[1], options[2], options[3]) = (1, 1, 5, (byte)(2 + (8 * blocks.Length)));
        var first = raw.Syn.Sequence + 1;
        for (var i = 0; i < blocks.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(options.AsSpan(4 + (8 * i)), first + (uint)blocks[i].Start);
            BinaryPrimitives.WriteUInt32BigEndian(options.AsSpan(8 + (8 * i)), first + (uint)blocks[i].End);
        }

        raw.Send(TcpFlags.Ack, 0, ack, options: options);
    }
}
