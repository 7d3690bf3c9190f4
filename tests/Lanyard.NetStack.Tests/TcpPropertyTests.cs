using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Whatever the link, the sizes and the order of things, both ends see the same bytes and come to an end.</summary>
public class TcpPropertyTests
{
    [Fact]
    public void Random_transfers_over_random_links_deliver_every_byte_and_end() => TransferAtRandom(1, 120);

    [Fact(Explicit = true)]
    public void Many_more_random_transfers_deliver_every_byte_and_end() => TransferAtRandom(1_000, 4_000);

    [Fact]
    public void Connections_aborted_or_closed_at_any_moment_leave_nothing_behind()
    {
        for (var seed = 1; seed <= 150; seed++)
        {
            var random = new Random(seed);
            var pair = new Pair(RandomLink(random), seed);
            var (client, server) = Transfer.Start(pair, 200_000, 200_000, options: new TcpOptions { Retries = 5,
                FinWait = TimeSpan.FromSeconds(5) });
            pair.Run(random.NextInt64(200_000));
            var near = random.Next(2) == 0;
            var connection = near || server.Apps.Count == 0 ? client.Connection : server.Apps[0].Connection;
            switch (random.Next(3))
            {
                case 0:
                    connection.Abort(pair.Now);
                    break;
                case 1:
                    connection.Close(pair.Now);
                    break;
                default:
                    connection.Close(pair.Now, linger: random.Next(1_000_000));
                    break;
            }

            pair.Run(1_000_000_000);
            foreach (var app in server.Apps.Append(client))
            {
                Assert.False(app.Corrupted, $"seed {seed}");
                app.Connection.Close(pair.Now);
            }

            pair.Run(100_000_000);
            CheckNothingHeld(pair, seed);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sequence_numbers_wrap_in_the_middle_of_a_transfer(bool client)
    {
        var link = new LinkOptions { Delay = 2_000, Loss = 0.01, Reorder = 0.02 };
        var first = FirstSequence(new Pair(link), client);
        // The clock moves the initial sequence number by one every four microseconds; the rest of it is fixed by secret and ports.
        var distance = unchecked((uint)-(int)first) - 400_000;
        var start = 1_000_000_000 + (4L * distance);
        Assert.InRange(unchecked((uint)-(int)FirstSequence(new Pair(link, start: start), client)), 300_000u, 500_000u);
        var pair = new Pair(link, start: start);
        var (near, server) = Transfer.Start(pair, 1_500_000, 1_500_000);
        Assert.True(pair.RunUntil(() => near.Closed && server.Apps is [{ Closed: true }], 200_000_000));
        Transfer.CheckClean(near, 1_500_000, 1_500_000);
        Transfer.CheckClean(server.Apps[0], 1_500_000, 1_500_000);
    }

    [Fact]
    public void The_same_seed_gives_the_same_frames()
    {
        Assert.Equal(Trace(5), Trace(5));
        Assert.NotEqual(Trace(5), Trace(6));

        static int Trace(int seed)
        {
            var pair = new Pair(new LinkOptions { Delay = 1_000, Jitter = 500, Loss = 0.02 }, seed);
            var hash = new HashCode();
            pair.AtoB.Tap = frame => hash.AddBytes(frame.Packet);
            pair.BtoA.Tap = frame => hash.AddBytes(frame.Packet);
            var (client, _) = Transfer.Start(pair, 200_000, 200_000);
            Assert.True(pair.RunUntil(() => client.Closed));
            return hash.ToHashCode();
        }
    }

    [Fact]
    public void Many_connections_share_the_link_and_all_finish()
    {
        var pair = new Pair(new LinkOptions { Delay = 500, Loss = 0.005, BitsPerSecond = 200_000_000 });
        var server = new AcceptAll(() => new StreamApp(() => pair.Now, 20_000, 2, 1));
        pair.B.ListenTcp(new InetEndpoint(default, 1), server, out _);
        var clients = new List<StreamApp>();
        for (var i = 0; i < 100; i++)
        {
            var client = new StreamApp(() => pair.Now, 50_000);
            clients.Add(client);
            Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(i % 2 == 0 ? Pair.B4 : Pair.B6, 1), client,
                out var connection));
            client.Attach(connection!);
        }

        Assert.True(pair.RunUntil(() => clients.TrueForAll(client => client.Closed) && server.Apps.TrueForAll(app => app.Closed),
            100_000_000));
        Assert.All(clients, client => Transfer.CheckClean(client, 50_000, 20_000));
        Assert.All(server.Apps, app => Transfer.CheckClean(app, 20_000, 50_000));
    }

    private static void TransferAtRandom(int firstSeed, int count)
    {
        for (var seed = firstSeed; seed < firstSeed + count; seed++)
        {
            var random = new Random(seed);
            var link = RandomLink(random);
            var options = RandomOptions(random);
            var mtu = random.Next(3) == 0 ? 1_280 : 2_800;
            var pair = new Pair(link, seed, host => host with { Mtu = mtu }) { BatchFrames = 1 + random.Next(64) };
            var up = random.Next(300_000);
            var down = random.Next(300_000);
            var (client, server) = Transfer.Start(pair, up, down, v6: random.Next(2) == 0, options, app => app.RandomSizes = true);
            client.RandomSizes = true;
            Assert.True(pair.RunUntil(() => client.Closed && server.Apps is [{ Closed: true }], 2_000_000_000),
                $"seed {seed} stalled: {link} {options}");
            // What the other end needs for its last acknowledgement may still be on its way.
            pair.Run(200_000_000);
            Assert.True(client is { Corrupted: false, Reason: NetError.None } && client.Received == down,
                $"seed {seed}, client: {client.Reason} {client.Received}/{down}");
            var app = server.Apps[0];
            Assert.True(app is { Corrupted: false, Reason: NetError.None } && app.Received == up,
                $"seed {seed}, server: {app.Reason} {app.Received}/{up}");
            CheckNothingHeld(pair, seed);
        }
    }

    private static uint FirstSequence(Pair pair, bool ofClient)
    {
        var sequence = 0u;
        (ofClient ? pair.AtoB : pair.BtoA).Tap = frame =>
        {
            if (frame.EtherType == NetworkHost.EtherTypeIPv4 && Ipv4Packet.TryParse(frame.Packet, out var packet)
                && TcpSegment.TryParse(packet.Payload, out var segment) && segment.Has(TcpFlags.Syn))
                sequence = segment.Sequence;
        };
        var (client, _) = Transfer.Start(pair, 0, 0);
        Assert.True(pair.RunUntil(() => client.Closed));
        return sequence;
    }

    private static void CheckNothingHeld(Pair pair, int seed)
    {
        Assert.True(pair.A.Tcp.Count == 0 && pair.B.Tcp.Count == 0, $"seed {seed}: connections are left");
        Assert.True(pair.A.Pool.Outstanding == 0 && pair.B.Pool.Outstanding == 0, $"seed {seed}: buffers are left");
    }

    private static LinkOptions RandomLink(Random random) => new()
    {
        Delay = random.Next(2) == 0 ? random.Next(1_000) : random.Next(60_000),
        Jitter = random.Next(3) == 0 ? random.Next(5_000) : 0,
        Loss = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
        Duplicate = random.Next(3) == 0 ? random.NextDouble() * 0.1 : 0,
        Corrupt = random.Next(4) == 0 ? random.NextDouble() * 0.05 : 0,
        Reorder = random.Next(3) == 0 ? random.NextDouble() * 0.2 : 0,
        BitsPerSecond = random.Next(3) == 0 ? 5_000_000 + random.Next(100_000_000) : 0,
        QueueBytes = 20_000 + random.Next(300_000),
        MarkAboveBytes = random.Next(2) * 10_000,
    };

    private static TcpOptions RandomOptions(Random random) => RandomTcpOptions.Next(random, minBufferBytes: 2_000, minSegmentBytes: 200) with
    {
        Retries = 30,
        ConnectTimeout = TimeSpan.FromMinutes(5),
    };
}
