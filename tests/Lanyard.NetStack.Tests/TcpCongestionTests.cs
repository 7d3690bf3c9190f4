namespace Lanyard.NetStack.Tests;

/// <summary>How fast data is sent: the algorithms' own behavior, rates, pacing.</summary>
public class TcpCongestionTests(ITestOutputHelper output)
{
    [Fact]
    public void Slow_start_ends_when_the_queue_grows_and_before_it_overflows()
    {
        // What the link holds fits the queue three times over; a slow start that goes on until loss overflows it.
        var pair = new Pair(new LinkOptions { Delay = 20_000, BitsPerSecond = 100_000_000, QueueBytes = 1_500_000 },
            back: new LinkOptions { Delay = 20_000 });
        var (client, server) = Transfer.Start(pair, 100_000_000, 0);
        pair.Run(1_500_000);
        var info = client.Connection.GetInfo();
        Assert.Equal((0L, 0L), (pair.AtoB.Lost, info.BytesRetransmitted));
        Assert.InRange(info.SlowStartThreshold, 400_000, long.MaxValue - 1);
        Assert.True(server.Apps[0].Received > 8_000_000);
    }

    [Fact]
    public void A_passing_delay_only_slows_the_slow_start()
    {
        var start = HyStart.Create();
        long next = 0;
        bool Round(long rtt)
        {
            next += 100;
            for (var i = 0; i < 10; i++)
            {
                if (start.OnAcknowledged(new AckSample { Unacknowledged = i == 0 ? next - 100 : next - 50, Next = next, Rtt = rtt }))
                    return true;
            }

            return false;
        }

        Assert.False(Round(20_000));
        Assert.False(Round(23_000));
        Assert.Equal(1, start.Divisor);
        Assert.False(Round(30_000));
        Assert.Equal(4, start.Divisor);
        Assert.False(Round(21_000));
        Assert.Equal(1, start.Divisor);
        for (var i = 0; i < 5; i++)
            Assert.False(Round(40_000));
        Assert.True(Round(40_000));
    }

    [Fact]
    public void The_highest_value_of_a_window_is_kept_as_long_as_the_window_is_and_not_longer()
    {
        var max = new WindowedMax(10);
        max.Add(0, 100);
        for (var time = 1; time <= 10; time++)
        {
            max.Add(time, 50 + time);
            Assert.Equal(100, max.Value);
        }

        max.Add(11, 1);
        Assert.InRange(max.Value, 50, 61);
        max.Add(12, 70);
        Assert.Equal(70, max.Value);
        max.Add(40, 5);
        Assert.Equal(5, max.Value);
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.Bbr)]
    public void The_delivery_rate_is_that_of_the_bottleneck(CongestionAlgorithm algorithm)
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, BitsPerSecond = 40_000_000, QueueBytes = 400_000 },
            back: new LinkOptions { Delay = 10_000 });
        var (client, _) = Transfer.Start(pair, 20_000_000, 0, options: new TcpOptions { Congestion = algorithm });
        pair.Run(2_000_000);
        var info = client.Connection.GetInfo();
        Assert.InRange(info.DeliveryRate * 8, 34_000_000, 42_000_000);
        Assert.False(info.DeliveryRateAppLimited);
    }

    [Theory]
    [InlineData(0, 0.9)]
    [InlineData(0.01, 0.85)]
    [InlineData(0.05, 0.8)]
    public void BBR_fills_the_link_whatever_is_lost_and_keeps_the_queue_short(double loss, double share)
    {
        const long bitsPerSecond = 50_000_000;
        var pair = new Pair(new LinkOptions { Delay = 20_000, BitsPerSecond = bitsPerSecond, QueueBytes = 2_000_000, Loss = loss },
            back: new LinkOptions { Delay = 20_000 });
        const long bytes = 40_000_000;
        var (client, server) = Transfer.Start(pair, bytes, 0, options: new TcpOptions { Congestion = CongestionAlgorithm.Bbr });
        var start = pair.Now;
        pair.Run(4_000_000);
        var info = client.Connection.GetInfo();
        output.WriteLine($"{info}");
        Assert.InRange(info.SmoothedRtt, 40_000, 75_000);
        Assert.True(pair.RunUntil(() => client.Closed));
        var rate = bytes * 8e6 / (pair.Now - start);
        output.WriteLine($"loss {loss}: {rate / 1e6:F1} of {bitsPerSecond / 1e6} Mbit/s, {client.Connection.GetInfo()}");
        Assert.True(rate > share * bitsPerSecond, $"{rate / 1e6:F1} Mbit/s");
        Assert.False(server.Apps[0].Corrupted);
    }

    [Fact]
    public void BBR_looks_for_the_lowest_round_trip_time_again_after_ten_seconds()
    {
        var pair = new Pair(new LinkOptions { Delay = 20_000, BitsPerSecond = 20_000_000, QueueBytes = 2_000_000 },
            back: new LinkOptions { Delay = 20_000 });
        var (client, _) = Transfer.Start(pair, 100_000_000, 0, options: new TcpOptions { Congestion = CongestionAlgorithm.Bbr });
        pair.Run(8_000_000);
        var least = long.MaxValue;
        for (var i = 0; i < 400; i++)
        {
            pair.Run(10_000);
            least = Math.Min(least, client.Connection.GetInfo().CongestionWindow);
        }

        Assert.InRange(least, 4 * 1_300, 4 * 2_748);
        pair.Run(500_000);
        Assert.True(client.Connection.GetInfo().CongestionWindow > 100_000);
    }

    [Fact]
    public void Two_BBR_flows_share_a_link()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, BitsPerSecond = 40_000_000, QueueBytes = 500_000 },
            back: new LinkOptions { Delay = 10_000 });
        var options = new TcpOptions { Congestion = CongestionAlgorithm.Bbr };
        var (first, server) = Transfer.Start(pair, 200_000_000, 0, options: options);
        pair.Run(2_000_000);
        var second = new StreamApp(() => pair.Now, 200_000_000);
        pair.A.ConnectTcp(pair.Now, new Primitives.InetEndpoint(Pair.B4, Transfer.Port), second, out var connection, options: options);
        second.Attach(connection!);
        pair.Run(20_000_000);
        var before = (server.Apps[0].Received, server.Apps[1].Received);
        pair.Run(10_000_000);
        var shares = (server.Apps[0].Received - before.Item1, server.Apps[1].Received - before.Item2);
        output.WriteLine($"{shares}");
        Assert.True(Math.Min(shares.Item1, shares.Item2) > 0.2 * (shares.Item1 + shares.Item2), $"{shares}");
        Assert.True(shares.Item1 + shares.Item2 > 0.8 * 50_000_000, $"{shares}");
        Assert.False(first.Corrupted);
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic)]
    [InlineData(CongestionAlgorithm.Reno)]
    [InlineData(CongestionAlgorithm.Bbr)]
    public void Paced_segments_leave_in_bursts_of_about_a_millisecond(CongestionAlgorithm algorithm)
    {
        var pair = new Pair(new LinkOptions { Delay = 20_000, BitsPerSecond = 100_000_000, QueueBytes = 1_000_000 },
            back: new LinkOptions { Delay = 20_000 });
        var sent = new Dictionary<long, int>();
        pair.AtoB.Tap = frame => sent[pair.Now / 1_000] = sent.GetValueOrDefault(pair.Now / 1_000) + frame.Length;
        var (client, server) = Transfer.Start(pair, 20_000_000, 0, options: new TcpOptions { Congestion = algorithm, Pacing = true });
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }]));
        var mostAllowed = 3 * 100_000_000 / 8 / 1_000 * 3;
        var most = sent.Values.Max();
        output.WriteLine($"{algorithm}: at most {most} bytes within a millisecond, {client.Connection.GetInfo()}");
        Assert.InRange(most, 2_800, mostAllowed);
        // The first flight too: ten segments over a round-trip time.
        Assert.True(sent.OrderBy(pairOf => pairOf.Key).Skip(1).First().Value <= 3 * 2_800);
    }

    [Fact]
    public void Pacing_spares_a_short_queue_the_bursts()
    {
        static long Lost(bool pacing)
        {
            var pair = new Pair(new LinkOptions { Delay = 20_000, BitsPerSecond = 50_000_000, QueueBytes = 25_000 },
                back: new LinkOptions { Delay = 20_000 });
            // The app writes in bursts with pauses, each of which a window lets out at once.
            var (client, server) = Transfer.Start(pair, 0, 0, options: new TcpOptions { Pacing = pacing },
                setup: app => app.Finish = false);
            pair.Run(100_000);
            for (var i = 0; i < 20; i++)
            {
                client.ToSend += 60_000;
                client.Pump();
                pair.Run(150_000);
            }

            Assert.Equal(1_200_000, server.Apps[0].Received);
            return pair.AtoB.Lost;
        }

        Assert.True(Lost(pacing: true) < Lost(pacing: false));
    }

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic, false)]
    [InlineData(CongestionAlgorithm.Reno, false)]
    [InlineData(CongestionAlgorithm.Bbr, false)]
    [InlineData(CongestionAlgorithm.Cubic, true)]
    public void Every_byte_arrives_over_links_that_lose_reorder_duplicate_and_corrupt(CongestionAlgorithm algorithm, bool pacing)
    {
        for (var seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            var link = new LinkOptions
            {
                Delay = 1_000 + random.Next(30_000),
                Jitter = random.Next(2) * random.Next(3_000),
                Loss = random.Next(3) * 0.02,
                Reorder = random.Next(3) * 0.05,
                ReorderDelay = 1 + random.Next(8_000),
                Duplicate = random.Next(2) * 0.03,
                Corrupt = random.Next(2) * 0.02,
                BitsPerSecond = random.Next(2) * (5_000_000 + random.Next(50_000_000)),
                QueueBytes = 20_000 + random.Next(200_000),
                MarkAboveBytes = random.Next(2) * 15_000,
            };
            var options = new TcpOptions
            {
                Congestion = algorithm,
                Pacing = pacing,
                Ecn = random.Next(2) == 0 ? EcnMode.Request : EcnMode.Accept,
                Timestamps = random.Next(3) != 0,
                SelectiveAcknowledgments = random.Next(4) != 0,
                Retries = 30,
                ConnectTimeout = TimeSpan.FromMinutes(5),
            };
            var pair = new Pair(link, seed);
            var (client, server) = Transfer.Start(pair, 600_000, 400_000, v6: random.Next(2) == 0, options);
            Assert.True(pair.RunUntil(() => client.Closed && server.Apps is [{ Closed: true }], 2_000_000_000),
                $"{seed}: {link} {options}");
            Transfer.CheckClean(client, 600_000, 400_000);
            Transfer.CheckClean(server.Apps[0], 400_000, 600_000);
        }
    }

    /// <summary>
    /// What an ideal CUBIC sender with SACK and RACK reaches: it repairs every loss in the round it is found, never times out, and its
    /// window is the average of the response function, the higher of CUBIC's (RFC 9438 section 5.1: 1.054 RTT^0.75 / p^0.75 segments) and
    /// that of the AIMD it does not fall behind (section 4.3: sqrt(alpha (1 + beta) / (2 (1 - beta) p)), which with CUBIC's alpha and beta is
    /// sqrt(1.5 / p)). One window leaves each round trip, of which the share 1 - p arrives, and no more than the link carries.
    /// </summary>
    private static double IdealBitsPerSecond(double loss, double rttSeconds, int segmentBytes, double linkBitsPerSecond)
    {
        var cubic = 1.054 * Math.Pow(rttSeconds / loss, 0.75);
        var friendly = Math.Sqrt(1.5 / loss);
        return Math.Min(Math.Max(cubic, friendly) * segmentBytes * 8 / rttSeconds, linkBitsPerSecond) * (1 - loss);
    }

    [Theory]
    [InlineData(0.01, 20_000, 0)]
    [InlineData(0.01, 20_000, 10_000_000)]
    [InlineData(0.01, 100_000, 0)]
    public void Goodput_over_loss_is_at_least_nine_tenths_of_an_ideal_sender_s(double loss, long rtt, long bitsPerSecond)
    {
        var sum = 0.0;
        const int runs = 4;
        // Slow start and what follows it is not what the model is about.
        const long bytes = 30_000_000;
        const long skipped = 10_000_000;
        var ideal = 0.0;
        for (var seed = 1; seed <= runs; seed++)
        {
            var pair = new Pair(new LinkOptions { Delay = rtt / 2, Loss = loss, BitsPerSecond = bitsPerSecond }, seed,
                back: new LinkOptions { Delay = rtt / 2 });
            var (client, server) = Transfer.Start(pair, bytes, 0);
            Assert.True(pair.RunUntil(() => server.Apps is [{ Received: >= skipped }], 1_000_000_000));
            var start = pair.Now;
            Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }], 1_000_000_000));
            var info = client.Connection.GetInfo();
            sum += (bytes - skipped) * 8e6 / (pair.Now - start);
            var carried = bitsPerSecond == 0 ? double.PositiveInfinity
                : bitsPerSecond * (double)info.SendSegmentBytes / (info.SendSegmentBytes + 52);
            ideal = IdealBitsPerSecond(loss, rtt / 1e6, info.SendSegmentBytes, carried);
            Assert.False(server.Apps[0].Corrupted);
        }

        var mean = sum / runs;
        output.WriteLine($"loss {loss:P1}, {rtt / 1000} ms, {(bitsPerSecond == 0 ? "unlimited" : $"{bitsPerSecond / 1e6} Mbit/s")}: "
            + $"{mean / 1e6:F2} Mbit/s, ideal {ideal / 1e6:F2} Mbit/s, {mean / ideal:P0}");
        Assert.True(mean >= 0.9 * ideal, $"{mean / 1e6:F2} of {ideal / 1e6:F2} Mbit/s");
    }
}
