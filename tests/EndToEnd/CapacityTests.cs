using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Lanyard;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Testing;
using Lanyard.Tests.Shared;
using Lanyard.Wire;

namespace EndToEnd;

/// <summary>
/// Many connections through complete nodes, on the loopback interface. Short by default; with LANYARD_FULL_LENGTH=1 in the environment, long enough to
/// show a leak.
/// </summary>
[Collection(nameof(Alone))]
public sealed class CapacityTests(ITestOutputHelper output)
{
    private const int Port = 7000;
    private static readonly bool s_isFullLength = Environment.GetEnvironmentVariable("LANYARD_FULL_LENGTH") == "1";

    [Fact]
    public async Task Ten_thousand_idle_connections_take_at_most_4_KB_each_at_each_end()
    {
        const int connections = 10_000;
        const int maxBytes = 4096;
        await using var lan = await Loopback.StartAsync();
        using var listener = lan.B.Listen(Port);
        var accepted = new List<LanyardStream>(connections + 100);
        var accepting = AcceptAsync(listener, accepted, connections + 100);
        var opened = new List<LanyardStream>(connections + 100);
        await OpenAsync(lan, opened, 100);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await OpenAsync(lan, opened, connections);
        await accepting;
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (2.0 * connections);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{each:F0} bytes an end"));

        // All are still there: the first and the last answer.
        foreach (var index in new[] { 0, opened.Count - 1 })
            await EchoAsync(opened[index], accepted);
        foreach (var stream in opened.Concat(accepted))
            stream.Abort();
        Assert.True(each <= maxBytes, $"{each:F0} bytes an end");
    }

    [Fact]
    public async Task Two_thousand_new_connections_a_second_leave_nothing_behind()
    {
        const int perSecond = 2_000;
        const int atOnce = 64;
        const int settleSeconds = 5;
        var seconds = s_isFullLength ? 60 : 7;
        await using var lan = await Loopback.StartAsync();
        using var listener = lan.B.Listen(Port);
        using var stopping = new CancellationTokenSource();
        var serving = ServeAsync(listener, stopping.Token);
        var (watch, next, baseline) = (Stopwatch.StartNew(), 0, 0L);
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            var message = new byte[64];
            while (Interlocked.Increment(ref next) is var number && number <= perSecond * seconds)
            {
                // In step with the clock, or as fast as it goes.
                var due = TimeSpan.FromSeconds((double)number / perSecond);
                if (due - watch.Elapsed is var wait && wait > TimeSpan.FromMilliseconds(1))
                    await Task.Delay(wait);
                await using var stream = await lan.A.ConnectAsync(lan.Server(Port));
                await stream.WriteAsync(message);
                await stream.ReadExactlyAsync(message);
                stream.ShutdownSend();
                Assert.Equal(0, await stream.ReadAsync(message));

                // What is kept for a while, as addresses of closed connections, is there after a few seconds.
                if (number == perSecond * settleSeconds)
                    baseline = GC.GetTotalMemory(forceFullCollection: true);
            }
        })));
        var elapsed = watch.Elapsed;
        await stopping.CancelAsync();
        await serving;
        var grown = GC.GetTotalMemory(forceFullCollection: true) - baseline;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{perSecond * seconds} connections in {elapsed.TotalSeconds:F1} s; {grown} bytes more than after {settleSeconds} s"));
        Assert.True(grown < 4_000_000, $"{grown} bytes grown");
    }

    /// <summary>
    /// A member sends 50,000 SYNs a second to where a transfer of two others goes. How fast the transfer is meanwhile is printed, beside how fast it is
    /// alone and while that member sends as many frames that nobody takes: what sending, carrying and decrypting them takes of this machine.
    /// </summary>
    [Fact]
    public async Task A_flood_of_SYNs_by_a_member_leaves_a_transfer_of_others_whole_and_memory_flat()
    {
        const ushort nobodys = 0x88b5;
        const int rounds = 4;
        var span = TimeSpan.FromSeconds(s_isFullLength ? 20.0 / rounds : 0.5);
        await using var lan = await Loopback.StartAsync();
        var stranger = await lan.JoinAsync();
        await using var ownsStranger = stranger.Node;
        using var listener = lan.B.Listen(Port);
        await using var near = await lan.A.ConnectAsync(lan.Server(Port));
        await using var far = await listener.AcceptAsync();
        var transfer = new Transfer(near, far);

        // A connection finds the way; what comes of the flood is a connection that nobody accepts, at most.
        await using (await stranger.ConnectAsync(lan.Server(Port)))
            (await listener.AcceptAsync()).Abort();
        using var frames = stranger.OpenFrames(nobodys);
        var syns = new SynFlood(stranger, lan.B, frames);
        var (alone, beside, flooded, sent, memory) = (0.0, 0.0, 0.0, 0L, 0L);
        for (var round = 0; round < rounds; round++)
        {
            alone += await transfer.RateAsync(() => Task.Delay(span)) / rounds;
            beside += await transfer.RateAsync(() => syns.SendAsync(nobodys, span)) / rounds;
            flooded += await transfer.RateAsync(async () => sent += await syns.SendAsync(NetworkHost.EtherTypeIPv4, span)) / rounds;
            if (round == 0)
                memory = GC.GetTotalMemory(forceFullCollection: true);
        }

        var grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        var (answered, limited) = (lan.B.Counters[HostCounter.TcpCookiesSent], lan.B.Counters[HostCounter.TcpCookiesLimited]);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{alone:F0} Mbit/s alone, {beside:F0} beside frames that nobody takes, {flooded:F0} beside as many SYNs ({flooded / beside:P0} of that, "
            + $"{flooded / alone:P0} of alone); {sent} SYNs in {rounds * span.TotalSeconds} s, {answered} answered with a cookie and {limited} dropped "
            + $"because the member had its share; {grown} bytes grown"));
        await transfer.EndAsync();
        Assert.True(answered > 0 && answered + limited > sent / 2, $"{answered} of {sent} SYNs were answered with a cookie, {limited} dropped");
        Assert.True(grown < 4_000_000, $"{grown} bytes grown");

        // Whoever really wants to connect still can.
        await using var late = await lan.A.ConnectAsync(lan.Server(Port));
    }

    private static async Task OpenAsync(Loopback lan, List<LanyardStream> opened, int count)
    {
        for (var i = 0; i < count; i++)
            opened.Add(await lan.A.ConnectAsync(lan.Server(Port)));
    }

    private static async Task AcceptAsync(LanyardListener listener, List<LanyardStream> accepted, int count)
    {
        while (accepted.Count < count)
            accepted.Add(await listener.AcceptAsync());
    }

    private static async Task EchoAsync(LanyardStream near, List<LanyardStream> accepted)
    {
        var far = accepted.Single(stream => stream.RemoteEndPoint.Equals(near.LocalEndPoint));
        var message = new byte[5];
        await near.WriteAsync("hello"u8.ToArray());
        await far.ReadExactlyAsync(message);
        await far.WriteAsync(message);
        await near.ReadExactlyAsync(message);
        Assert.Equal("hello"u8.ToArray(), message);
    }

    private static async Task ServeAsync(LanyardListener listener, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var stream = await listener.AcceptAsync(cancellation);
                _ = Task.Run(
                    async () =>
                    {
                        await using var owned = stream;
                        var buffer = new byte[64];
                        while (await stream.ReadAsync(buffer, CancellationToken.None) is var count and > 0)
                            await stream.WriteAsync(buffer.AsMemory(0, count), CancellationToken.None);
                        stream.ShutdownSend();
                    },
                    CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // Asked to end.
        }
    }

    /// <summary>Bytes that never end, until they are to; each is compared.</summary>
    private sealed class Transfer
    {
        private const int Period = 251;
        private readonly LanyardStream _near;
        private readonly Task _sending;
        private readonly Task _receiving;
        private long _received;
        private volatile bool _isEnding;

        public Transfer(LanyardStream near, LanyardStream far)
        {
            _near = near;
            _sending = Task.Run(SendAsync);
            _receiving = Task.Run(() => ReceiveAsync(far));
        }

        /// <summary>How much comes while something is done, in Mbit/s.</summary>
        public async Task<double> RateAsync(Func<Task> meanwhile)
        {
            var (began, before) = (Stopwatch.GetTimestamp(), Interlocked.Read(ref _received));
            await meanwhile();
            return (Interlocked.Read(ref _received) - before) * 8 / 1e6 / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        public async Task EndAsync()
        {
            _isEnding = true;
            await _sending;
            _near.ShutdownSend();
            await _receiving;
        }

        private async Task SendAsync()
        {
            var buffer = new byte[Period * 1024];
            for (var i = 0; i < buffer.Length; i++)
                buffer[i] = (byte)(i % Period);
            while (!_isEnding)
                await _near.WriteAsync(buffer);
        }

        private async Task ReceiveAsync(LanyardStream far)
        {
            var expected = new byte[Period * 1024];
            for (var i = 0; i < expected.Length; i++)
                expected[i] = (byte)(i % Period);
            var buffer = new byte[Period * 512];
            while (await far.ReadAsync(buffer) is var count and > 0)
            {
                Assert.True(buffer.AsSpan(0, count).SequenceEqual(expected.AsSpan((int)(_received % Period), count)), $"after {_received} bytes");
                Interlocked.Add(ref _received, count);
            }
        }
    }

    /// <summary>50,000 frames a second, each a SYN to the server's port from a random port of the member's.</summary>
    private sealed class SynFlood(LanyardNetwork from, LanyardNetwork to, LanyardFrameSocket frames)
    {
        private const int PerMillisecond = 50;
        private readonly Random _random = new(1);
        private readonly InetAddress _from = InetAddress.FromIPAddress(from.IPv4Address!);
        private readonly InetAddress _to = InetAddress.FromIPAddress(to.IPv4Address!);

        /// <returns>How many were sent.</returns>
        public async Task<long> SendAsync(ushort etherType, TimeSpan span)
        {
            var (began, sent) = (Stopwatch.GetTimestamp(), 0L);
            while (Stopwatch.GetElapsedTime(began) is var elapsed && elapsed < span)
            {
                for (var due = (long)(elapsed.TotalMilliseconds * PerMillisecond); sent < due; sent++)
                {
                    frames.Send(to.Mac, etherType, IpForge.Segment(
                        _from, _to, (ushort)_random.Next(1024, 65536), Port, IpForge.Syn, (uint)_random.NextInt64(uint.MaxValue)));
                }

                await Task.Delay(1);
            }

            return sent;
        }
    }

    /// <summary>A root with a controller, and two members.</summary>
    private sealed class Loopback(LanyardNode root, World planet, OpenController controller) : IAsyncDisposable
    {
        public required LanyardNetwork A { get; init; }

        public required LanyardNetwork B { get; init; }

        public static async Task<Loopback> StartAsync()
        {
            var identity = Identity.Generate(RandomNumberGenerator.Fill);
            var root = await LanyardNode.StartAsync(new LanyardOptions { Identity = identity, BindAddresses = [IPAddress.Loopback] });
            using var key = WorldKey.Generate(RandomNumberGenerator.Fill);
            var endpoint = InetEndpoint.FromIPEndPoint(root.BoundEndPoints[0]);
            var planet = World.Create(WorldType.Planet, 0x1234, 1, key.PublicKey, [new WorldRoot(identity.WithoutSecret(), [endpoint])], key);
            Assert.True(root.AddWorld(planet));
            var controller = new OpenController(identity);
            root.Controller = controller;
            controller.Send = message => Task.Run(() => root.Send(message));
            return new Loopback(root, planet, controller) { A = await JoinAsync(planet, controller), B = await JoinAsync(planet, controller) };
        }

        /// <summary>Another member, whose node is the caller's.</summary>
        public Task<LanyardNetwork> JoinAsync() => JoinAsync(planet, controller);

        public IPEndPoint Server(int port) => new(B.IPv4Address!, port);

        public async ValueTask DisposeAsync()
        {
            await A.Node.DisposeAsync();
            await B.Node.DisposeAsync();
            await root.DisposeAsync();
        }

        private static async Task<LanyardNetwork> JoinAsync(World planet, OpenController controller)
        {
            var node = await LanyardNode.StartAsync(new LanyardOptions { Planet = planet, BindAddresses = [IPAddress.Loopback] });
            return await node.JoinAsync(controller.Network(1));
        }
    }
}

/// <summary>Tests that measure the memory of the whole process. They run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
