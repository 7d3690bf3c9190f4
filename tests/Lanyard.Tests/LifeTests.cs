using System.Net;
using System.Net.Sockets;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Tests;

public sealed class LifeTests
{
    [Fact]
    public async Task Pending_operations_end_with_the_node()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        using var listener = pair.B.Listen(80);
        using var udp = pair.B.OpenUdp(53);
        var reading = b.ReadAsync(new byte[1], TestLan.Guard).AsTask();
        var writing = b.WriteAsync(new byte[64 << 20], TestLan.Guard).AsTask();
        var accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
        var receiving = udp.ReceiveFromAsync(new byte[1], TestLan.Guard).AsTask();
        var pinging = pair.B.PingAsync(IPAddress.Parse("10.77.0.200"), TimeSpan.FromMinutes(5), cancellationToken: TestLan.Guard).AsTask();
        var connecting = pair.B.ConnectAsync("10.77.0.200", 80, TestLan.Guard).AsTask();
        await pair.B.Node.DisposeAsync();
        await Assert.ThrowsAsync<LanyardSocketException>(() => reading);
        await Assert.ThrowsAsync<LanyardSocketException>(() => writing);
        Assert.Equal(LanyardNetworkFailure.Left, (await Assert.ThrowsAsync<LanyardNetworkException>(() => accepting)).Failure);
        await Assert.ThrowsAsync<LanyardNetworkException>(() => receiving);
        Assert.Equal(SocketError.NetworkDown, (await pinging).Error);
        await Assert.ThrowsAsync<LanyardSocketException>(() => connecting);
        await Assert.ThrowsAsync<LanyardSocketException>(async () =>
        {
            while (await a.ReadAsync(new byte[65_536], TestLan.Guard) > 0)
            {
            }
        });
        Assert.Throws<LanyardNetworkException>(() => pair.B.Listen(81));
        Assert.Throws<ObjectDisposedException>(() => pair.B.Node.Join(pair.B.Id));
        await pair.B.Node.DisposeAsync();
    }

    [Fact]
    public async Task A_node_can_end_while_everything_is_busy()
    {
        await using var pair = await Pair.StartAsync();
        using var listener = pair.B.Listen(7);
        var serving = Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    var stream = await listener.AcceptAsync(TestLan.Guard);
                    _ = Task.Run(() => stream.CopyToAsync(stream, TestLan.Guard), TestLan.Guard);
                }
            }
            catch (LanyardException)
            {
            }
        }, TestLan.Guard);
        var moved = 0L;
        var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            await using var stream = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 7, TestLan.Guard);
            var buffer = new byte[10_000];
            while (true)
            {
                await stream.WriteAsync(buffer, TestLan.Guard);
                Interlocked.Add(ref moved, await stream.ReadAsync(buffer, TestLan.Guard));
            }
        })).ToArray();
        while (Interlocked.Read(ref moved) < 1_000_000)
            await Task.Delay(5, TestLan.Guard);
        await Task.WhenAll(pair.A.Node.DisposeAsync().AsTask(), pair.B.Node.DisposeAsync().AsTask());
        foreach (var client in clients)
            await Assert.ThrowsAnyAsync<LanyardException>(() => client);
        await serving;
    }

    [Fact]
    public async Task A_disposed_stream_delivers_all_even_if_the_node_ends_right_after()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        var sent = new byte[200_000];
        new Random(3).NextBytes(sent);
        await a.WriteAsync(sent, TestLan.Guard);
        await a.DisposeAsync();
        var ending = pair.A.Node.DisposeAsync();
        using var received = new MemoryStream();
        await b.CopyToAsync(received, TestLan.Guard);
        Assert.Equal(sent, received.ToArray());
        await ending;
    }

    [Fact]
    public async Task Leaving_ends_what_is_open_and_joining_again_works()
    {
        await using var pair = await Pair.StartAsync();
        var (a, _) = await pair.ConnectAsync();
        var node = pair.A.Node;
        await node.LeaveAsync(pair.A.Id, TestLan.Guard);
        Assert.Empty(node.Networks);
        Assert.False(pair.A.IsReady);
        await Assert.ThrowsAsync<LanyardSocketException>(async () => Assert.Equal(0, await a.ReadAsync(new byte[1], TestLan.Guard)));
        Assert.Equal(LanyardNetworkFailure.Left, (await Assert.ThrowsAsync<LanyardNetworkException>(
            () => pair.A.WaitUntilReadyAsync(cancellationToken: TestLan.Guard))).Failure);
        await node.LeaveAsync(pair.A.Id, TestLan.Guard);
        var again = await node.JoinAsync(pair.A.Id.ToString(), TestLan.Guard);
        Assert.NotSame(pair.A, again);
        Assert.True((await again.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), cancellationToken: TestLan.Guard)).IsSuccess);
    }

    [Fact]
    public async Task A_change_of_the_configuration_ends_nothing_that_is_open()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        using var listener = pair.B.Listen(80);
        using var udp = pair.B.OpenUdp(53);
        using var group = pair.B.OpenUdp(5353);
        Assert.True(group.JoinGroup(InetAddress.Parse("239.1.2.3")));
        var accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
        var receiving = udp.ReceiveFromAsync(new byte[16], TestLan.Guard).AsTask();
        const int Total = 20_000_000;
        var sending = Task.Run(async () =>
        {
            var chunk = new byte[50_000];
            for (var sent = 0; sent < Total; sent += chunk.Length)
            {
                chunk.AsSpan().Fill((byte)(sent / chunk.Length));
                await a.WriteAsync(chunk, TestLan.Guard);
            }
        });
        var buffer = new byte[50_000];
        var received = 0;
        async Task ReadAsync(int until)
        {
            for (; received < until; received += buffer.Length)
            {
                await b.ReadExactlyAsync(buffer, TestLan.Guard);
                Assert.Equal(-1, buffer.AsSpan().IndexOfAnyExcept((byte)(received / buffer.Length)));
            }
        }

        // While data flows, changes the MTU (smaller and larger), the routes, the DNS, the prefix length, and adds an address.
        var step = 0;
        foreach (var mtu in new[] { 1_400, 2_800, 1_280, 9_000 })
        {
            await ReadAsync(++step * (Total / 6));
            pair.Lan.Controller.Mtu = mtu;
            var at = step;
            pair.Lan.Controller.Dns = at % 2 == 0 ? null : new NetworkDns("corp.lan", new[] { InetAddress.Parse("10.77.0.1") }.ToEquatableArray());
            pair.Lan.Controller.Customize = config => config with
            {
                Routes = [.. (IEnumerable<NetworkRoute>)config.Routes, new NetworkRoute(InetPrefix.Parse($"10.{80 + at}.0.0/16"), InetAddress.Parse("10.77.0.9"))],
                StaticAddresses = [.. ((IEnumerable<InetPrefix>)config.StaticAddresses).Select(own => own.Address.IsV4 ? own with { Bits = (byte)(24 - at) } : own),
                    InetPrefix.Parse($"10.77.0.{100 + (10 * at) + (config.IssuedTo == pair.A.Node.Address ? 1 : 2)}/24")],
            };
            foreach (var node in (LanyardNode[])[pair.A.Node, pair.B.Node])
                pair.Lan.Root.Send(ControllerMessage.Push(node.Address, pair.Lan.Controller.ConfigFor(pair.Lan.Root.Status.ClockMs, node.Identity)));
            while (pair.A.Mtu != mtu || pair.B.Mtu != mtu)
                await Task.Delay(5, TestLan.Guard);
        }

        await ReadAsync(Total);
        await sending;
        await b.WriteAsync("back"u8.ToArray(), TestLan.Guard);
        await a.ReadExactlyAsync(new byte[4], TestLan.Guard);
        Assert.False(accepting.IsCompleted);
        Assert.False(receiving.IsCompleted);
        using var client = pair.A.OpenUdp();
        client.SendTo("all"u8, new InetEndpoint(InetAddress.Parse("239.1.2.3"), 5353));
        Assert.Equal(3, (await group.ReceiveFromAsync(new byte[16], TestLan.Guard)).Length);
        client.SendTo("still"u8, new InetEndpoint(Pair.Address(pair.B), 53));
        Assert.Equal(5, (await receiving).Length);
        await using var next = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 80, TestLan.Guard);
        await using var other = await accepting;
    }

    [Fact]
    public async Task Sockets_of_an_address_that_is_gone_end_with_its_reason_and_the_others_stay()
    {
        await using var pair = await Pair.StartAsync();
        var second = InetAddress.Parse("10.77.0.200");
        await ConfigureAsync(config => config with { StaticAddresses = [.. (IEnumerable<InetPrefix>)config.StaticAddresses, new InetPrefix(second, 24)] }, 4);
        var (a, b) = await pair.ConnectAsync();
        using var listener = pair.B.Listen(new InetEndpoint(second, 80));
        using var udp = pair.B.OpenUdp(new InetEndpoint(second, 53));
        using var both = pair.B.Listen(81);
        var accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
        var receiving = udp.ReceiveFromAsync(new byte[16], TestLan.Guard).AsTask();
        await using var bound = await pair.A.ConnectAsync(new InetEndpoint(second, 80), cancellationToken: TestLan.Guard);
        await using var accepted = await accepting;
        var reading = accepted.ReadAsync(new byte[1], TestLan.Guard).AsTask();
        accepting = listener.AcceptAsync(TestLan.Guard).AsTask();

        await ConfigureAsync(config => config, 3);
        Func<Task>[] waits = [() => accepting, () => receiving, () => reading];
        // Those that begin afterwards are told at once.
        Func<Task>[] later = [() => listener.AcceptAsync(TestLan.Guard).AsTask(), () => udp.ReceiveFromAsync(new byte[16], TestLan.Guard).AsTask()];
        foreach (var wait in (Func<Task>[])[.. waits, .. later])
        {
            var error = await Assert.ThrowsAsync<LanyardSocketException>(() => wait().WaitAsync(TestLan.Guard));
            Assert.Equal(NetError.AddressRemoved, error.Error);
            Assert.Contains("took the address away", error.Message, StringComparison.Ordinal);
        }

        Assert.Throws<LanyardSocketException>(() => udp.SendTo("x"u8, new InetEndpoint(Pair.Address(pair.A), 53)));
        await a.WriteAsync("x"u8.ToArray(), TestLan.Guard);
        Assert.Equal(1, await b.ReadAsync(new byte[1], TestLan.Guard));
        await using var next = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 81, TestLan.Guard);
        await using var other = await both.AcceptAsync(TestLan.Guard);

        async Task ConfigureAsync(Func<NetworkConfig, NetworkConfig> customize, int addresses)
        {
            pair.Lan.Controller.Customize = config => config.IssuedTo == pair.B.Node.Address ? customize(config) : config;
            pair.Lan.Root.Send(ControllerMessage.Push(pair.B.Node.Address, pair.Lan.Controller.ConfigFor(pair.Lan.Root.Status.ClockMs, pair.B.Node.Identity)));
            while (pair.B.Addresses.Count != addresses)
                await Task.Delay(5, TestLan.Guard);
        }
    }

    [Fact]
    public async Task A_route_whose_gateway_is_this_node_is_left_out_and_the_others_take_it()
    {
        await using var pair = await Pair.StartAsync();
        var gateway = Pair.Address(pair.A);
        pair.Lan.Controller.Customize = config => config with
        {
            Routes = [.. (IEnumerable<NetworkRoute>)config.Routes, new NetworkRoute(InetPrefix.Parse("172.20.0.0/16"), gateway), new NetworkRoute(InetPrefix.Parse("0.0.0.0/0"), gateway)],
        };
        foreach (var network in (LanyardNetwork[])[pair.A, pair.B])
        {
            network.Settings = new LanyardNetworkSettings { AllowDefault = true };
            pair.Lan.Root.Send(ControllerMessage.Push(network.Node.Address, pair.Lan.Controller.ConfigFor(pair.Lan.Root.Status.ClockMs, network.Node.Identity)));
        }

        while (pair.A.Config!.Routes.Count != 3 || pair.B.Routes.Count != 3)
            await Task.Delay(5, TestLan.Guard);
        Assert.Equal(InetPrefix.Parse("10.77.0.0/24"), Assert.Single(pair.A.Routes).Target);
        var behind = InetAddress.Parse("172.20.1.1");
        Assert.Equal((-1, -1), (pair.A.Port.PrefixBitsTo(behind, prefersOwnLan: true), pair.A.Port.PrefixBitsTo(behind, prefersOwnLan: false)));
        Assert.Equal((16, 16), (pair.B.Port.PrefixBitsTo(behind, prefersOwnLan: true), pair.B.Port.PrefixBitsTo(behind, prefersOwnLan: false)));
        var elsewhere = InetAddress.Parse("203.0.113.1");
        Assert.Equal((-1, 0), (pair.A.Port.PrefixBitsTo(elsewhere, prefersOwnLan: true), pair.B.Port.PrefixBitsTo(elsewhere, prefersOwnLan: true)));
    }

    [Fact]
    public async Task Listeners_serve_connections_of_the_size_that_the_network_has()
    {
        await using var pair = await Pair.StartAsync();
        using var listener = pair.B.Listen(80);
        using var udp = pair.B.OpenUdp(53);
        pair.Lan.Controller.Mtu = 1_400;
        foreach (var node in (LanyardNode[])[pair.A.Node, pair.B.Node])
            pair.Lan.Root.Send(ControllerMessage.Push(node.Address, pair.Lan.Controller.ConfigFor(pair.Lan.Root.Status.ClockMs, node.Identity)));
        while (pair.A.Mtu != 1_400 || pair.B.Mtu != 1_400)
            await Task.Delay(5, TestLan.Guard);
        await using var next = await pair.A.ConnectAsync($"{pair.B.IPv4Address}", 80, TestLan.Guard);
        await using var other = await listener.AcceptAsync(TestLan.Guard);
        Assert.True(next.Info.SendSegmentBytes < 1_400);
        using var client = pair.A.OpenUdp();
        client.SendTo("still"u8, new InetEndpoint(Pair.Address(pair.B), 53));
        Assert.Equal(5, (await udp.ReceiveFromAsync(new byte[16], TestLan.Guard)).Length);
    }

    [Fact]
    public async Task Events_tell_of_networks_peers_and_being_online()
    {
        await using var lan = await TestLan.StartAsync();
        var node = await lan.StartNodeAsync(1);
        var online = new TaskCompletionSource();
        var direct = new TaskCompletionSource<LanyardPeerEventArgs>();
        var ok = new TaskCompletionSource<LanyardNetworkEventArgs>();
        node.OnlineChanged += (_, _) => online.TrySetResult();
        node.PeerChanged += (_, e) => throw new InvalidOperationException("A handler of the test's that fails.");
        node.PeerChanged += (_, e) => direct.TrySetResult(e);
        node.NetworkChanged += (_, e) =>
        {
            if (e.Status == LanyardNetworkStatus.Ok)
                ok.TrySetResult(e);
        };
        var network = await node.JoinAsync(lan.Network, TestLan.Guard);
        Assert.Same(network, (await ok.Task.WaitAsync(TestLan.Guard)).Network);
        if (!node.IsOnline)
            await online.Task.WaitAsync(TestLan.Guard);
        await node.WaitUntilOnlineAsync(TestLan.Guard);
        Assert.Contains(node.GetPeers(), peer => peer.Address == lan.Root.Address && peer.Role == LanyardPeerRole.Planet);
        Assert.NotNull(node.FindPeer(lan.Root.Address));
        Assert.True(lan.Root.Status.IsRoot);
        Assert.False(node.Status.IsRoot);
        Assert.Equal(lan.Planet.Id, node.Status.Planet.Id);
    }

    [Fact]
    public async Task Messages_of_the_applications_own_arrive()
    {
        await using var pair = await Pair.StartAsync();
        var arrived = new TaskCompletionSource<LanyardUserMessageEventArgs>();
        pair.B.Node.UserMessageReceived += (_, e) => arrived.TrySetResult(e);
        while (!arrived.Task.IsCompleted)
        {
            pair.A.Node.SendUserMessage(pair.B.Node.Address, 65_536, "hello"u8);
            await Task.WhenAny(arrived.Task, Task.Delay(100, TestLan.Guard));
        }

        var message = await arrived.Task;
        Assert.Equal(pair.A.Node.Address, message.Source);
        Assert.Equal("hello"u8.ToArray(), message.Message.ToArray());
    }

    [Fact]
    public async Task A_port_in_use_is_reported()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        var error = await Assert.ThrowsAsync<LanyardException>(() => LanyardNode.StartAsync(
            new LanyardOptions { Identity = TestIdentities.Get(1), Port = port, BindAddresses = [IPAddress.Loopback] }, TestLan.Guard));
        Assert.Contains($"UDP port {port} is in use", error.Message, StringComparison.Ordinal);
    }

    private static Task Changed(LanyardNode node, Func<bool> condition)
    {
        var reached = new TaskCompletionSource();
        node.NetworkChanged += (_, _) =>
        {
            if (condition())
                reached.TrySetResult();
        };
        return reached.Task.WaitAsync(TestLan.Guard);
    }
}
