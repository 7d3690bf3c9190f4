using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Lanyard;
using Lanyard.Primitives;
using Lanyard.Simulation;
using Lanyard.Wire;

namespace EndToEnd;

/// <summary>
/// Many connections through whole nodes, on the loopback interface. Short here; with LANYARD_FULL_LENGTH=1 in the environment as long as it takes to
/// see a leak.
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

    /// <summary>A root with a controller, and two members.</summary>
    private sealed class Loopback(LanyardNode root, LanyardNetwork a, LanyardNetwork b) : IAsyncDisposable
    {
        public LanyardNetwork A { get; } = a;

        public LanyardNetwork B { get; } = b;

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
            return new Loopback(root, await JoinAsync(planet, controller), await JoinAsync(planet, controller));
        }

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

/// <summary>Tests that look at the memory of the whole process: nothing runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
