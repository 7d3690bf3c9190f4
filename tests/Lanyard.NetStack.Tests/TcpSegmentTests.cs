using System.Buffers.Binary;

namespace Lanyard.NetStack.Tests;

/// <summary>What single segments do to an established connection.</summary>
public class TcpSegmentTests
{
    [Fact]
    public void Only_a_reset_exactly_in_sequence_ends_the_connection_and_one_in_the_window_is_challenged()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.Rst, 100, 0);
        Assert.Equal(TcpFlags.Ack, raw.Next()!.Flags);
        raw.Send(TcpFlags.Rst, 10_000_000, 0);
        Assert.Null(raw.Next());
        Assert.Null(raw.Events.Closed);
        raw.Send(TcpFlags.Rst, 0, 0);
        Assert.Equal(NetError.ConnectionReset, raw.Events.Closed);
        Assert.Equal(0, peer.Host.Tcp.Count);
        Assert.Equal(long.MaxValue, peer.Host.NextDeadline);
    }

    [Fact]
    public void A_SYN_in_the_window_is_challenged_and_changes_nothing()
    {
        var raw = RawConnection.Open(new RawPeer());
        raw.Send(TcpFlags.Syn, 10, 0);
        Assert.Equal(TcpFlags.Ack, raw.Next()!.Flags);
        Assert.Equal(TcpState.Established, raw.Connection.State);
    }

    [Fact]
    public void Challenges_are_limited()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        for (var i = 0; i < 100; i++)
            raw.Send(TcpFlags.Syn, 10, 0);
        Assert.Equal(10, raw.All().Count);
        Assert.Equal(90, peer.Host.Counters[HostCounter.TcpChallengeAcksLimited]);
    }

    [Fact]
    public void An_acknowledgement_far_outside_what_was_sent_is_challenged()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.Ack, 0, 1, "data"u8);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpBadAck]);
        Assert.Equal(0, raw.Connection.ReadableBytes);
        raw.Send(TcpFlags.Ack, 0, -70_000, "data"u8);
        Assert.Equal(2, peer.Host.Counters[HostCounter.TcpBadAck]);
        raw.Send(TcpFlags.Ack, 0, 0, "data"u8);
        Assert.Equal(4, raw.Connection.ReadableBytes);
    }

    [Fact]
    public void A_segment_without_ACK_is_dropped()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.None, 0, 0, "data"u8);
        Assert.Equal(0, raw.Connection.ReadableBytes);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpNoAck]);
    }

    [Fact]
    public void A_segment_with_an_older_timestamp_is_rejected_and_acknowledged()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: Timestamps(1_000));
        raw.Send(TcpFlags.Ack, 0, 0, "new"u8, options: Timestamps(1_010));
        Assert.Equal(1_010u, raw.Next()!.TimestampEcho);
        raw.Send(TcpFlags.Ack, 3, 0, "old"u8, options: Timestamps(1_005));
        Assert.Equal(3, raw.Connection.ReadableBytes);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpPawsRejected]);
        Assert.Equal(3u, raw.Next()!.Acknowledgment);
        raw.Send(TcpFlags.Ack, 3, 0, "new"u8, options: Timestamps(1_010));
        Assert.Equal(6, raw.Connection.ReadableBytes);
    }

    [Fact]
    public void Timestamps_wrap()
    {
        var raw = RawConnection.Open(new RawPeer(), synOptions: Timestamps(uint.MaxValue - 1));
        raw.Send(TcpFlags.Ack, 0, 0, "a"u8, options: Timestamps(uint.MaxValue));
        raw.Send(TcpFlags.Ack, 1, 0, "b"u8, options: Timestamps(3));
        Assert.Equal(2, raw.Connection.ReadableBytes);
    }

    [Fact]
    public void Data_out_of_order_is_kept_told_of_at_once_newest_first_and_delivered_when_the_gap_is_filled()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x05, 0xb4, 1, 1, 4, 2]);
        raw.Send(TcpFlags.Ack, 10, 0, "bbbbb"u8);
        var ack = raw.Next()!;
        Assert.Equal(0u, ack.Acknowledgment);
        Assert.Equal([(10u, 15u)], ack.Sack);
        raw.Send(TcpFlags.Ack, 20, 0, "ccccc"u8);
        Assert.Equal([(20u, 25u), (10u, 15u)], raw.Next()!.Sack);
        raw.Send(TcpFlags.Ack, 15, 0, "xxxxx"u8);
        Assert.Equal([(10u, 25u)], raw.Next()!.Sack);
        Assert.Equal(0, raw.Connection.ReadableBytes);
        raw.Send(TcpFlags.Ack, 0, 0, "aaaaaaaaaa"u8);
        ack = raw.Next()!;
        Assert.Equal(25u, ack.Acknowledgment);
        Assert.Empty(ack.Sack);
        var data = new byte[100];
        Assert.Equal(25, raw.Connection.Read(peer.Now, data));
        Assert.Equal("aaaaaaaaaabbbbbxxxxxccccc"u8.ToArray(), data[..25]);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    public void An_end_that_counts_duplicates_gets_one_for_each_segment_of_a_batch(bool sack, int acknowledgements)
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: sack ? [2, 4, 0x05, 0xb4, 1, 1, 4, 2] : null);
        peer.Host.BeginBatch(peer.Now);
        for (var i = 1; i <= 3; i++)
            raw.Send(TcpFlags.Ack, i * 1_000, 0, new byte[1_000]);
        peer.Host.EndBatch(peer.Now);
        var sent = raw.All();
        Assert.Equal(acknowledgements, sent.Count);
        Assert.All(sent, segment => Assert.Equal(0u, segment.Acknowledgment));
    }

    [Fact]
    public void Data_that_arrives_twice_is_told_of_as_a_duplicate()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x05, 0xb4, 1, 1, 4, 2]);
        raw.Send(TcpFlags.Ack, 0, 0, "aaaaa"u8);
        raw.All();
        raw.Send(TcpFlags.Ack, 0, 0, "aaaaa"u8);
        var ack = raw.Next()!;
        Assert.Equal(5u, ack.Acknowledgment);
        Assert.Equal([(0u, 5u)], ack.Sack);
        Assert.Equal(5, raw.Connection.ReadableBytes);
    }

    [Fact]
    public void Overlapping_data_is_delivered_once()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Send(TcpFlags.Ack, 0, 0, "0123"u8);
        raw.Send(TcpFlags.Ack, 6, 0, "678"u8);
        raw.Send(TcpFlags.Ack, 2, 0, "23456789"u8);
        var data = new byte[20];
        Assert.Equal(10, raw.Connection.Read(peer.Now, data));
        Assert.Equal("0123456789"u8.ToArray(), data[..10]);
    }

    [Fact]
    public void Segments_of_a_batch_are_acknowledged_together_and_a_lone_one_may_wait()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        var data = new byte[1_000];
        // The first segments of a connection are acknowledged at once.
        for (var i = 0; i < 20; i++)
        {
            raw.Send(TcpFlags.Ack, i * 1_000, 0, data);
            raw.Connection.Consume(peer.Now, 1_000);
        }

        raw.All();
        raw.Send(TcpFlags.Ack, 20_000, 0, data);
        Assert.Null(raw.Next());
        peer.Advance(39_999);
        Assert.Null(raw.Next());
        peer.Advance(1);
        Assert.Equal(21_000u, raw.Next()!.Acknowledgment);
        peer.Host.BeginBatch(peer.Now);
        for (var i = 21; i < 31; i++)
            raw.Send(TcpFlags.Ack, i * 1_000, 0, data);
        Assert.Null(raw.Next());
        peer.Host.EndBatch(peer.Now);
        Assert.Equal(31_000u, Assert.Single(raw.All()).Acknowledgment);
    }

    [Fact]
    public void An_answer_carries_the_acknowledgement()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        peer.Host.BeginBatch(peer.Now);
        raw.Send(TcpFlags.Ack, 0, 0, "ping"u8);
        raw.Write(4);
        peer.Host.EndBatch(peer.Now);
        var sent = Assert.Single(raw.All());
        Assert.Equal((4u, 4), (sent.Acknowledgment, sent.Payload.Length));
        peer.Advance(100_000);
        Assert.Null(raw.Next());
    }

    [Fact]
    public void One_write_is_one_burst()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        var before = peer.Flushes;
        raw.Write(10_000);
        Assert.Equal(7, raw.All().Count);
        Assert.Equal(before + 1, peer.Flushes);
    }

    [Fact]
    public void Small_writes_wait_for_an_acknowledgement_only_with_Nagle()
    {
        var peer = new RawPeer();
        var plain = RawConnection.Open(peer);
        plain.Write(10);
        plain.Write(10);
        Assert.Equal(2, plain.All().Count);
        var nagle = RawConnection.Open(peer, options: new TcpOptions { NoDelay = false });
        nagle.Write(10);
        nagle.Write(10);
        nagle.Write(10);
        Assert.Single(nagle.All());
        nagle.Send(TcpFlags.Ack, 0, 10);
        Assert.Equal(20, Assert.Single(nagle.All()).Payload.Length);
        nagle.Write(10);
        Assert.Empty(nagle.All());
        nagle.Connection.Configure(peer.Now, new TcpOptions());
        Assert.Single(nagle.All());
    }

    [Fact]
    public void An_app_that_writes_byte_by_byte_does_not_hold_a_segment_for_each_byte_of_the_window()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        for (var i = 0; i < 5_000; i++)
            raw.Write(1);
        Assert.True(raw.All().Count < 200);
        Assert.True(raw.Connection.Sender.Segments.Count < 200);
    }

    [Fact]
    public void A_closed_window_is_probed_with_growing_patience_as_long_as_probes_are_answered()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, window: 1_000);
        raw.Write(5_000);
        Assert.Equal(1_000, raw.Next()!.Payload.Length);
        raw.Send(TcpFlags.Ack, 0, 1_000, window: 0);
        Assert.Null(raw.Next());
        var probes = 0;
        for (var seconds = 0; seconds < 3_600; seconds++)
        {
            peer.Advance(1_000_000);
            while (raw.Next() is { } probe)
            {
                probes++;
                Assert.Equal((999u, 0), (probe.Sequence, probe.Payload.Length));
                raw.Send(TcpFlags.Ack, 0, 1_000, window: 0);
            }
        }

        Assert.InRange(probes, 50, 100);
        Assert.Null(raw.Events.Closed);
        raw.Send(TcpFlags.Ack, 0, 1_000, window: 8_000);
        Assert.Equal(4_000, raw.All().Sum(sent => sent.Payload.Length));
    }

    [Fact]
    public void A_closed_window_whose_probes_nobody_answers_ends_the_connection()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, window: 1_000);
        raw.Write(5_000);
        raw.Send(TcpFlags.Ack, 0, 1_000, window: 0);
        peer.Advance(3_600_000_000);
        Assert.Equal(NetError.TimedOut, raw.Events.Closed);
    }

    [Fact]
    public void An_end_that_takes_its_window_back_is_waited_for_as_long_as_it_answers()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Write(1_000);
        raw.All();
        raw.Send(TcpFlags.Ack, 0, 0, window: 0);
        for (var i = 0; i < 60; i++)
        {
            peer.Advance(60_000_000);
            if (raw.All().Count > 0)
                raw.Send(TcpFlags.Ack, 0, 0, window: 0);
        }

        Assert.Null(raw.Events.Closed);
        raw.Send(TcpFlags.Ack, 0, 1_000);
        Assert.Equal(0, raw.Connection.UnacknowledgedBytes);
    }

    [Fact]
    public void A_window_that_admits_only_a_sliver_is_left_alone_for_a_while()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, window: 10_000);
        raw.Write(20_000);
        Assert.Equal(8_760, raw.All().Sum(sent => sent.Payload.Length));
        raw.Send(TcpFlags.Ack, 0, 8_760, window: 300);
        Assert.Null(raw.Next());
        peer.Advance(2_000_000);
        Assert.Equal(300, raw.Next()!.Payload.Length);
    }

    [Fact]
    public void An_unread_buffer_closes_the_window_which_opens_only_by_a_worthwhile_step()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { InitialReceiveBufferBytes = 20_000, MaxReceiveBufferBytes = 20_000,
            WindowScaling = false });
        for (var i = 0; i < 20; i++)
            raw.Send(TcpFlags.Ack, i * 1_000, 0, new byte[1_000]);
        peer.Advance(40_000);
        Assert.Equal(0, raw.All()[^1].Window);
        raw.Send(TcpFlags.Ack, 20_000, 0, new byte[1]);
        var refusal = raw.Next()!;
        Assert.Equal((20_000u, 0), (refusal.Acknowledgment, refusal.Window));
        raw.Connection.Consume(peer.Now, 500);
        Assert.Null(raw.Next());
        raw.Connection.Consume(peer.Now, 600);
        Assert.Equal(1_100, raw.Next()!.Window);
    }

    [Fact]
    public void The_right_edge_of_the_window_never_moves_back()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x05, 0xb4, 1, 3, 3, 2, .. Timestamps(1)]);
        var random = new Random(3);
        long sequence = 0;
        long edge = 65_535;
        for (var i = 0; i < 300; i++)
        {
            var count = 1 + random.Next(1_400);
            raw.Send(TcpFlags.Ack, sequence, 0, new byte[count], options: Timestamps(1));
            sequence += count;
            if (random.Next(3) == 0)
                raw.Connection.Consume(peer.Now, random.Next(raw.Connection.ReadableBytes + 1));
            foreach (var sent in raw.All())
            {
                var now = sent.Acknowledgment + ((long)sent.Window << 7);
                Assert.True(now >= edge);
                edge = now;
            }
        }
    }

    [Fact]
    public void Unread_data_at_close_or_data_after_close_resets_the_connection()
    {
        var peer = new RawPeer();
        var unread = RawConnection.Open(peer);
        unread.Send(TcpFlags.Ack, 0, 0, "unread"u8);
        unread.All();
        unread.Connection.Close(peer.Now);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, Assert.Single(unread.All()).Flags);
        var late = RawConnection.Open(peer);
        late.Connection.Close(peer.Now);
        Assert.Equal(TcpFlags.Fin | TcpFlags.Ack, Assert.Single(late.All()).Flags);
        late.Send(TcpFlags.Ack, 0, 1, "late"u8);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, Assert.Single(late.All()).Flags);
        Assert.Equal(0, peer.Host.Tcp.Count);
    }

    [Fact]
    public void Keepalive_probes_a_silent_end_and_gives_up_when_none_is_answered()
    {
        var options = new TcpOptions { KeepAliveIdle = TimeSpan.FromSeconds(60), KeepAliveInterval = TimeSpan.FromSeconds(10),
            KeepAliveProbes = 3 };
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: options);
        peer.Advance(60_000_000);
        Assert.Equal(uint.MaxValue, raw.Next()!.Sequence);
        raw.Send(TcpFlags.Ack, 0, 0);
        peer.Advance(59_999_999);
        Assert.Null(raw.Next());
        peer.Advance(1 + 29_999_999);
        Assert.Equal(3, raw.All().Count);
        Assert.Null(raw.Events.Closed);
        peer.Advance(1);
        Assert.Equal(NetError.TimedOut, raw.Events.Closed);
    }

    [Fact]
    public void Unacknowledged_data_is_sent_again_with_doubling_timeouts_until_given_up()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { Retries = 4 });
        raw.Write(100);
        raw.Next();
        var times = new List<long>();
        var start = peer.Now;
        while (raw.Events.Closed is null)
        {
            peer.Advance(10_000);
            while (raw.Next() is { } sent)
            {
                if (sent.Payload.Length == 100)
                    times.Add((peer.Now - start) / 10_000);
            }
        }

        Assert.Equal(NetError.TimedOut, raw.Events.Closed);
        Assert.Equal(4, times.Count);
        Assert.InRange(times[1] - times[0], 1.8 * times[0], 2.2 * times[0]);
        Assert.InRange(times[3] - times[2], 7.5 * times[0], 8.5 * times[0]);
    }

    [Fact]
    public void The_user_timeout_ends_a_connection_whose_data_is_not_acknowledged()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: new TcpOptions { UserTimeout = TimeSpan.FromSeconds(5) });
        raw.Write(100);
        peer.Advance(4_999_999);
        Assert.Null(raw.Events.Closed);
        peer.Advance(2);
        Assert.Equal(NetError.TimedOut, raw.Events.Closed);
    }

    [Fact]
    public void A_segment_for_a_group_address_is_dropped()
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(new Primitives.InetEndpoint(default, 80), null, out _);
        peer.ReceiveV4(IpProtocol.Tcp, RawPeer.Tcp(1, 80, TcpFlags.Syn, 1, 0, default, 100, default),
            destination: Primitives.InetAddress.Parse("10.1.0.255"),
            mac: Primitives.MacAddress.Broadcast);
        Assert.Empty(peer.Frames);
        Assert.Equal(1, peer.Host.Counters[HostCounter.TcpMalformed]);
    }

    internal static byte[] Timestamps(uint value)
    {
        var options = new byte[12];
        options[0] = options[1] = 1;
        options[2] = 8;
        options[3] = 10;
        BinaryPrimitives.WriteUInt32BigEndian(options.AsSpan(4), value);
        return options;
    }
}
