using System.Net;
using System.Text;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Tests;

/// <summary>Nodes over an application's transport, with the system's clock.</summary>
public sealed class CustomTransportTests
{
    [Fact]
    public async Task Two_nodes_exchange_bytes_over_a_transport_of_the_application()
    {
        var cable = new Cable();
        await using var root = await StartRootAsync(cable, "10.9.0.1");
        await using var a = await root.StartMemberAsync(cable, "10.9.0.2");
        await using var b = await root.StartMemberAsync(cable, "10.9.0.3");
        var networkA = await a.JoinAsync(root.Network);
        var networkB = await b.JoinAsync(root.Network);
        using var listener = networkA.Listen(80);
        var accept = listener.AcceptAsync();
        await using var stream = await networkB.ConnectAsync(new IPEndPoint(networkA.IPv6Address!, 80)).AsTask().WaitAsync(TestLan.Guard);
        await using var accepted = await accept.AsTask().WaitAsync(TestLan.Guard);
        await stream.WriteAsync("over the cable"u8.ToArray());
        var buffer = new byte[64];
        Assert.Equal("over the cable", Encoding.ASCII.GetString(buffer, 0, await accepted.ReadAsync(buffer)));
        Assert.Equal([new IPEndPoint(IPAddress.Parse("10.9.0.2"), 9993)], a.BoundEndPoints);
        Assert.Equal(9993, a.Port);
    }

    [Fact]
    public async Task The_transport_is_disposed_of_with_the_node()
    {
        var cable = new Cable();
        var end = cable.AddEnd("10.9.0.1");
        await using (await LanyardNode.StartAsync(new LanyardOptions { Transport = end, Identity = TestIdentities.Get(0) }))
            Assert.False(end.IsDisposed);
        Assert.True(end.IsDisposed);
    }

    [Fact]
    public async Task The_transport_is_disposed_of_when_the_node_does_not_start()
    {
        var end = new Cable().AddEnd("10.9.0.1");
        var store = new LanyardMemoryStore();
        store.Save("identity.secret", "junk"u8);
        await Assert.ThrowsAsync<LanyardStateException>(() => LanyardNode.StartAsync(new LanyardOptions { Transport = end, Store = store }));
        Assert.True(end.IsDisposed);
    }

    [Fact]
    public async Task The_transport_is_disposed_of_once_when_it_does_not_start()
    {
        var end = new Cable().AddEnd("10.9.0.1");
        end.FailsToStart = true;
        await Assert.ThrowsAsync<InvalidOperationException>(() => LanyardNode.StartAsync(new LanyardOptions { Transport = end, Identity = TestIdentities.Get(0) }));
        Assert.Equal(1, end.Disposals);
    }

    [Fact]
    public async Task The_transport_is_disposed_of_when_the_start_is_canceled()
    {
        var end = new Cable().AddEnd("10.9.0.1");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => LanyardNode.StartAsync(new LanyardOptions { Transport = end, Identity = TestIdentities.Get(0) }, new CancellationToken(canceled: true)));
        Assert.True(end.IsDisposed);
    }

    [Fact]
    public async Task A_report_that_the_network_changed_makes_the_node_try_its_paths_anew()
    {
        var cable = new Cable();
        await using var root = await StartRootAsync(cable, "10.9.0.1");
        var end = cable.AddEnd("10.9.0.2");
        using var log = new ListLogger();
        await using var node = await LanyardNode.StartAsync(
            new LanyardOptions { Transport = end, Identity = TestIdentities.Get(1), Planet = root.Planet, LoggerFactory = log });
        await node.WaitUntilOnlineAsync().WaitAsync(TestLan.Guard);

        // The first change is the start of the node.
        end.ReportChange();
        while (log.Lines.Count(line => line.Contains("The network under the node changed", StringComparison.Ordinal)) < 2)
            await Task.Delay(10, TestLan.Guard);
    }

    [Fact]
    public async Task A_transport_that_throws_costs_datagrams_only()
    {
        var cable = new Cable();
        await using var root = await StartRootAsync(cable, "10.9.0.1");
        var end = cable.AddEnd("10.9.0.2");
        end.IsBroken = true;
        using var log = new ListLogger();
        await using var node = await LanyardNode.StartAsync(
            new LanyardOptions { Transport = end, Identity = TestIdentities.Get(1), Planet = root.Planet, LoggerFactory = log });
        while (node.Status.SendFailures < 2 || !log.Lines.Any(IsFailure))
            await Task.Delay(10, TestLan.Guard);
        Assert.Single(log.Lines, IsFailure);
        end.IsBroken = false;
        await node.WaitUntilOnlineAsync().WaitAsync(TestLan.Guard);

        static bool IsFailure(string line) => line.Contains("Sending over the application's transport failed", StringComparison.Ordinal);
    }

    [Fact]
    public void A_transport_without_local_endpoints_is_refused() =>
        Assert.Throws<ArgumentException>(() => new CustomTransport(new Cable.End(new Cable(), []), new EventQueue(NullLogger.Instance), NullLogger.Instance));

    private static async Task<RootAndController> StartRootAsync(Cable cable, string address)
    {
        var identity = TestIdentities.Get(0);
        using var key = WorldKey.Generate(System.Security.Cryptography.RandomNumberGenerator.Fill);
        var planet = World.Create(
            WorldType.Planet, 1, 1, key.PublicKey, [new WorldRoot(identity.WithoutSecret(), [new InetEndpoint(InetAddress.Parse(address), 9993)])], key);
        var controller = new TestController(identity) { IsPrivate = false };
        var node = await LanyardNode.StartAsync(new LanyardOptions { Transport = cable.AddEnd(address), Identity = identity, Planet = planet, Controller = controller });
        controller.Send = message => Task.Run(() => node.Send(message));
        return new RootAndController(node, planet, controller.Network);
    }

    private sealed record RootAndController(LanyardNode Node, World Planet, NetworkId Network) : IAsyncDisposable
    {
        private int _members;

        public Task<LanyardNode> StartMemberAsync(Cable cable, string address) =>
            LanyardNode.StartAsync(new LanyardOptions { Transport = cable.AddEnd(address), Identity = TestIdentities.Get(++_members), Planet = Planet });

        public ValueTask DisposeAsync() => Node.DisposeAsync();
    }

    /// <summary>A medium that delivers each datagram at once, on the thread pool.</summary>
    private sealed class Cable
    {
        private readonly Dictionary<IPEndPoint, End> _ends = [];

        public End AddEnd(string address)
        {
            var end = new End(this, [new IPEndPoint(IPAddress.Parse(address), 9993)]);
            lock (_ends)
                _ends[end.LocalEndPoints[0]] = end;
            return end;
        }

        public sealed class End(Cable cable, IReadOnlyList<IPEndPoint> local) : ILanyardTransport
        {
            private volatile ILanyardDatagramReceiver? _receiver;

            public IReadOnlyList<IPEndPoint> LocalEndPoints { get; } = local;

            public bool IsBroken { get; set; }

            public bool FailsToStart { get; set; }

            public int Disposals { get; private set; }

            public bool IsDisposed => Disposals > 0;

            public void Start(ILanyardDatagramReceiver receiver)
            {
                if (FailsToStart)
                    throw new InvalidOperationException("The cable is not plugged in.");
                _receiver = receiver;
            }

            public void ReportChange() => _receiver!.OnNetworkChanged();

            public bool Send(int index, IPEndPoint remote, ReadOnlySpan<byte> datagram, int timeToLive)
            {
                if (IsBroken)
                    throw new InvalidOperationException("The cable is broken.");
                End? other;
                lock (cable._ends)
                    cable._ends.TryGetValue(remote, out other);
                var copy = datagram.ToArray();
                ThreadPool.UnsafeQueueUserWorkItem(_ => other?._receiver?.OnReceived(0, LocalEndPoints[0], copy), null);
                return other is not null;
            }

            public void Dispose()
            {
                Disposals++;
                _receiver = null;
            }
        }
    }
}
