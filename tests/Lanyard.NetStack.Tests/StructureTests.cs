namespace Lanyard.NetStack.Tests;

/// <summary>Checksums, buffers, timers: the parts on their own.</summary>
public class StructureTests
{
    [Fact]
    public void The_checksum_is_that_of_RFC_1071()
    {
        byte[] example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        Assert.Equal(0xddf2u, InternetChecksum.Sum(example));
        Assert.Equal(0x220d, InternetChecksum.Finish(0xddf2));
        Assert.Equal(0xab00u, InternetChecksum.Sum([0xab]));
        Assert.Equal(0u, InternetChecksum.Sum([]));
    }

    [Fact]
    public void Wide_and_portable_checksums_agree_with_the_plain_one_at_every_length_and_offset()
    {
        var bytes = new byte[3_100];
        new Random(1).NextBytes(bytes);
        bytes.AsSpan(500, 600).Fill(0xff);
        for (var length = 0; length < 3_000; length += length < 300 ? 1 : 37)
        {
            var data = bytes.AsSpan(length % 13, length);
            var plain = 0u;
            for (var i = 0; i < length; i++)
                plain += (uint)(i % 2 == 0 ? data[i] << 8 : data[i]);
            while (plain > 0xffff)
                plain = (plain & 0xffff) + (plain >> 16);
            Assert.Equal(plain, InternetChecksum.Sum(data));
            Assert.Equal(plain, InternetChecksum.SumPortable(data));
        }
    }

    [Fact]
    public void A_receive_buffer_puts_any_pieces_in_any_order_together()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var pool = new BufferPool(16 << 20);
            var buffer = new ReceiveBuffer(pool, 1 << 20);
            var stream = new byte[random.Next(1, 120_000)];
            random.NextBytes(stream);
            var read = new MemoryStream();
            var scratch = new byte[10_000];
            var room = scratch.AsMemory(0, random.Next(1, scratch.Length));
            while (read.Length < stream.Length)
            {
                var from = (int)Math.Min(stream.Length - 1, Math.Max(0, buffer.Next + random.Next(-3_000, 20_000)));
                var length = Math.Min(stream.Length - from, random.Next(1, 6_000));
                var start = Math.Max(from, (int)buffer.ReadOffset);
                if (start < from + length)
                    buffer.Insert(from, stream.AsSpan(from, length));
                var count = buffer.Read(room.Span);
                read.Write(scratch, 0, count);
                if (count > 0)
                    room = scratch.AsMemory(0, random.Next(1, scratch.Length));
                else if (seed % 2 == 0)
                    buffer.DeliverTo(room);
            }

            Assert.Equal(stream, read.ToArray());
            Assert.Equal((0, 0), (buffer.RangeCount, pool.Outstanding));
        }
    }

    [Fact]
    public void What_comes_in_order_is_put_where_the_app_waits_and_the_rest_behind_it()
    {
        var buffer = new ReceiveBuffer(new BufferPool(1 << 20), 1 << 20);
        var stream = new byte[1_000];
        new Random(1).NextBytes(stream);
        var room = new byte[300];
        buffer.DeliverTo(room);
        buffer.Insert(150, stream.AsSpan(150, 50));
        Assert.Equal(0, room[0] + room[150]);
        buffer.Insert(0, stream.AsSpan(0, 150));
        Assert.Equal(200, buffer.Readable);
        Assert.Equal(200, buffer.Read(room));
        buffer.DeliverTo(room);
        buffer.Insert(200, stream.AsSpan(200, 200));
        Assert.Equal((400, 400, 0), (buffer.Next, buffer.ReadOffset, buffer.Readable));
        Assert.True(room.AsSpan(0, 200).SequenceEqual(stream.AsSpan(200, 200)));
        buffer.Insert(400, stream.AsSpan(400, 400));
        Assert.Equal((800, 500), (buffer.Next, buffer.ReadOffset));
        Assert.Equal(300, buffer.Read(room));
        Assert.True(room.AsSpan().SequenceEqual(stream.AsSpan(200, 300)));
        buffer.Insert(800, stream.AsSpan(800, 200));
        Assert.True(room.AsSpan().SequenceEqual(stream.AsSpan(200, 300)));
        Assert.Equal(300, buffer.Read(room));
        Assert.True(room.AsSpan().SequenceEqual(stream.AsSpan(500, 300)));
    }

    [Fact]
    public void A_receive_buffer_keeps_no_more_gaps_than_its_limit_and_always_takes_what_is_in_order()
    {
        var pool = new BufferPool(64 << 20);
        var buffer = new ReceiveBuffer(pool, 1 << 20);
        for (var i = 0; i < 1_000; i++)
            buffer.Insert(10 + (2 * i), new byte[1]);
        Assert.Equal(ReceiveBuffer.MaxRanges, buffer.RangeCount);
        Assert.Equal(ReceiveBuffer.Outcome.InOrder, buffer.Insert(0, new byte[10]));
        Assert.Equal(11, buffer.Next);
    }

    [Fact]
    public void A_pool_that_is_scarce_keeps_no_data_out_of_order()
    {
        var pool = new BufferPool(4 * BlockBuffer.BlockBytes);
        for (var i = 0; i < 3; i++)
            pool.Rent(BlockBuffer.BlockBytes);
        var buffer = new ReceiveBuffer(pool, 1 << 20);
        Assert.Equal(ReceiveBuffer.Outcome.Refused, buffer.Insert(100, new byte[10]));
        Assert.Equal(ReceiveBuffer.Outcome.InOrder, buffer.Insert(0, new byte[10]));
        Assert.Equal(ReceiveBuffer.Outcome.Refused, buffer.Insert(10, new byte[20_000]));
        Assert.Equal(10, buffer.Next);
    }

    [Fact]
    public void A_pool_refuses_beyond_its_limit_and_gives_back_what_was_returned()
    {
        var pool = new BufferPool(10_000);
        var first = pool.Rent(3_000)!;
        Assert.Equal(4_096, first.Length);
        Assert.NotNull(pool.Rent(4_096));
        Assert.Null(pool.Rent(3_000));
        Assert.Null(pool.Rent(70_000));
        pool.Return(first);
        Assert.Same(first, pool.Rent(4_000));
    }

    [Fact]
    public void Timers_fire_in_order_whatever_is_set_moved_and_removed()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var queue = new TimerQueue();
            var timers = Enumerable.Range(0, 40).Select(_ => new Recorded()).ToArray();
            long now = 0;
            for (var step = 0; step < 2_000; step++)
            {
                var timer = timers[random.Next(timers.Length)];
                switch (random.Next(5))
                {
                    case 0:
                        queue.Remove(timer);
                        break;
                    case 1:
                        queue.Set(timer, long.MaxValue);
                        break;
                    default:
                        queue.Set(timer, now + random.Next(100));
                        break;
                }

                now += random.Next(3);
                var due = timers.Where(each => each.Deadline <= now).ToHashSet();
                while (queue.TakeDue(now) is { } fired)
                    Assert.True(due.Remove((Recorded)fired));
                Assert.Empty(due);
                Assert.True(queue.Next <= timers.Min(each => each.Deadline));
            }
        }
    }

    [Fact]
    public void A_rate_limiter_allows_a_second_s_worth_at_once_and_then_the_rate()
    {
        var limiter = new RateLimiter(10);
        var taken = 0;
        for (long now = 5_000_000; now < 8_000_000; now += 10_000)
        {
            if (limiter.TryTake(now))
                taken++;
        }

        Assert.InRange(taken, 38, 40);
    }

    [Fact]
    public void Sequence_numbers_unwrap_to_the_nearest()
    {
        var near = (3L << 32) + 5;
        Assert.Equal(near + 10, SequenceNumber.Unwrap(15, near));
        Assert.Equal(near - 10, SequenceNumber.Unwrap(uint.MaxValue - 4, near));
    }

    [Fact]
    public void The_secret_must_be_16_bytes_and_the_MTU_at_least_that_of_IPv6()
    {
        var options = Pair.Options(Pair.MacA, 1, 1);
        var sink = new VirtualLink(new LinkOptions(), 1, () => 0, Pair.MacA);
        Assert.Throws<ArgumentException>(() => new NetworkHost(options with { Secret = new byte[15] }, sink));
        Assert.Throws<ArgumentOutOfRangeException>(() => new NetworkHost(options with { Mtu = 1_279 }, sink));
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.Reno)]
    public void The_congestion_window_doubles_in_slow_start_falls_on_loss_and_grows_again(CongestionAlgorithm algorithm)
    {
        var congestion = CongestionControl.Create(algorithm, 1_000);
        Assert.Equal(10_000, congestion.Window);
        void Acknowledge(long now, long bytes, bool limited) => congestion.OnAcknowledged(
            new AckSample { Now = now, Acknowledged = bytes, Limited = limited, SmoothedRtt = 20_000, Rtt = 20_000 });
        Acknowledge(0, 10_000, limited: true);
        Assert.Equal(20_000, congestion.Window);
        Acknowledge(0, 20_000, limited: false);
        Assert.Equal(20_000, congestion.Window);
        congestion.OnLoss(20_000);
        Assert.Equal(algorithm == CongestionAlgorithm.Cubic ? 14_000 : 10_000, congestion.Threshold);
        congestion.Window = congestion.Threshold;
        var fallen = congestion.Window;
        for (var i = 1; i <= 200; i++)
            Acknowledge(i * 20_000, congestion.Window, limited: true);
        Assert.InRange(congestion.Window, fallen + 90_000, fallen + 400_000);
        congestion.OnTimeout(50_000, first: true);
        Assert.Equal(1_000, congestion.Window);
    }

    private sealed class Recorded : HostTimer
    {
        public override void OnTimer(long now)
        {
        }
    }
}
