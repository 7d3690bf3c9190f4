using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies.Tests;

public sealed class SocksTests
{
    [Fact]
    public async Task Replies_contain_the_reason_of_a_failed_connection()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        Assert.Equal(SocksReply.ConnectionRefused, await ReplyAsync(SocksCommand.Connect, $"{lan.ServerAddress}", 81));
        Assert.Equal(SocksReply.ConnectionRefused, await ReplyAsync(SocksCommand.Connect, "server", 81));
        Assert.Equal(SocksReply.HostUnreachable, await ReplyAsync(SocksCommand.Connect, "10.77.0.250", 80));
        Assert.Equal(SocksReply.HostUnreachable, await ReplyAsync(SocksCommand.Connect, "none.lan.test", 80));
        Assert.Equal(SocksReply.NotAllowed, await ReplyAsync(SocksCommand.Connect, "192.0.2.1", 80));
        Assert.Equal(SocksReply.NotAllowed, await ReplyAsync(SocksCommand.Connect, "127.0.0.1", 80));
        Assert.Equal(SocksReply.NotAllowed, await ReplyAsync(SocksCommand.Bind, "192.0.2.1", 80));
        Assert.Equal(SocksReply.CommandNotSupported, await ReplyAsync((SocksCommand)9, "192.0.2.1", 80));
        using var client = await SocksClient.ConnectAsync(proxy);
        await client.SendAsync([5, 1, 0, 5, 1, 0, 9, 1, 2, 3, 4, 0, 80]);
        Assert.Equal([5, 0, 5, (byte)SocksReply.AddressTypeNotSupported], await client.ReceiveAsync(4));
        Assert.Equal(3, proxy.Counters[LanyardProxyCounter.NotAllowed]);

        async Task<SocksReply> ReplyAsync(SocksCommand command, string host, int port)
        {
            var (client, reply, _) = await SocksClient.RequestAsync(proxy, command, host, port);
            using (client)
                Assert.False(await client.EndsWithResetAsync());
            return reply;
        }
    }

    [Fact]
    public async Task Both_ends_finish_and_fail_by_themselves_and_the_other_is_told_how()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        using var listener = lan.Server.Listen(80);

        // What is sent with the request is not lost; half-close one way leaves the other open.
        var (client, stream) = await OpenAsync("early"u8.ToArray());
        using (client)
        {
            var bytes = new byte[5];
            await stream.ReadExactlyAsync(bytes, TestLan.Guard);
            client.Socket.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await stream.ReadAsync(bytes, TestLan.Guard));
            await stream.WriteAsync(bytes, TestLan.Guard);
            Assert.Equal("early"u8.ToArray(), await client.ReceiveAsync(5));
            stream.ShutdownSend();
            Assert.False(await client.EndsWithResetAsync());
        }

        (client, stream) = await OpenAsync([]);
        using (client)
        {
            stream.ShutdownSend();
            Assert.False(await client.EndsWithResetAsync());
            await client.SendAsync([1, 2, 3]);
            await stream.ReadExactlyAsync(new byte[3], TestLan.Guard);
            client.Socket.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await stream.ReadAsync(new byte[1], TestLan.Guard));
        }

        (client, stream) = await OpenAsync([]);
        using (client)
        {
            stream.Abort();
            Assert.True(await client.EndsWithResetAsync());
        }

        (client, stream) = await OpenAsync([]);
        client.Reset();
        await Assert.ThrowsAsync<LanyardSocketException>(async () => await stream.ReadExactlyAsync(new byte[1], TestLan.Guard));
        await ProxyLan.WaitUntilIdleAsync(proxy.Counters);
        Assert.Equal(2, proxy.Counters[LanyardProxyCounter.Failed]);
        Assert.Equal(4, proxy.Counters[LanyardProxyCounter.Connected]);

        async Task<(SocksClient, LanyardStream)> OpenAsync(byte[] early)
        {
            var accepting = listener.AcceptAsync(TestLan.Guard);
            var client = await SocksClient.ConnectAsync(proxy);
            await client.SendAsync([5, 1, 0, .. SocksClient.Request(SocksCommand.Connect, "server.lan.test", 80), .. early]);
            await client.ReceiveAsync(2);
            Assert.Equal(SocksReply.Succeeded, (await client.ReadReplyAsync()).Reply);
            return (client, await accepting);
        }
    }

    [Fact]
    public async Task BIND_accepts_only_the_expected_connection()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        var (client, reply, bound) = await SocksClient.RequestAsync(proxy, SocksCommand.Bind, $"{lan.ServerAddress}", 21);
        using (client)
        {
            Assert.Equal(SocksReply.Succeeded, reply);
            Assert.Equal(lan.Client.IPv4Address, bound.Address.ToIPAddress());
            await using (var stranger = await lan.Client.ConnectAsync(bound.ToIPEndPoint(), TestLan.Guard))
                await Assert.ThrowsAsync<LanyardSocketException>(async () => await stranger.ReadExactlyAsync(new byte[1], TestLan.Guard));
            await using var stream = await lan.Server.ConnectAsync(bound.ToIPEndPoint(), TestLan.Guard);
            var (second, remote) = await client.ReadReplyAsync();
            Assert.Equal((SocksReply.Succeeded, InetEndpoint.FromIPEndPoint(stream.LocalEndPoint)), (second, remote));
            await stream.WriteAsync("data"u8.ToArray(), TestLan.Guard);
            Assert.Equal("data"u8.ToArray(), await client.ReceiveAsync(4));
            await client.SendAsync([1]);
            await stream.ReadExactlyAsync(new byte[1], TestLan.Guard);
        }

        // Nobody waits any more when the client has gone.
        (client, _, bound) = await SocksClient.RequestAsync(proxy, SocksCommand.Bind, "0.0.0.0", 0);
        client.Dispose();
        await ProxyLan.WaitUntilIdleAsync(proxy.Counters);
        await Assert.ThrowsAsync<LanyardSocketException>(async () => await lan.Server.ConnectAsync(bound.ToIPEndPoint(), TestLan.Guard));
    }

    [Fact]
    public async Task Datagrams_go_both_ways_for_as_long_as_the_connection_lives()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        using var echo = lan.Server.OpenUdp(7);
        var echoing = EchoAsync(echo);
        var (client, reply, relay) = await SocksClient.RequestAsync(proxy, SocksCommand.UdpAssociate, "0.0.0.0", 0);
        using var udp = Bind();
        using var stranger = Bind();
        using (client)
        {
            Assert.Equal(SocksReply.Succeeded, reply);
            foreach (var host in new[] { $"{lan.ServerAddress}", $"{lan.Server.IPv6Address}", "server.lan.test", "server.lan.test" })
            {
                byte[] head = SocksClient.Request(default, host, 7);
                head[0] = 0;
                var payload = new byte[2_000];
                new Random(9).NextBytes(payload);
                byte[] datagram = [.. head, .. payload];
                await udp.SendToAsync(datagram, relay.ToIPEndPoint(), TestLan.Guard);
                var buffer = new byte[4_096];
                var received = await udp.ReceiveFromAsync(buffer, relay.ToIPEndPoint(), TestLan.Guard);
                Assert.True(SocksFormat.TryParseDatagram(buffer.AsSpan(0, received.ReceivedBytes), out var fragment, out var source, out var start));
                Assert.Equal((0, 7), (fragment, source.Port));
                Assert.True(buffer.AsSpan(start, received.ReceivedBytes - start).SequenceEqual(payload));
            }

            // What is dropped is counted: fragments, nonsense, what others send, and where nobody may go.
            var good = SocksClient.Request(default, $"{lan.ServerAddress}", 7);
            good[0] = 0;
            byte[] part = [.. good];
            part[2] = 1;
            var outside = SocksClient.Request(default, "192.0.2.1", 7);
            outside[0] = 0;
            await udp.SendToAsync(part, relay.ToIPEndPoint(), TestLan.Guard);
            await udp.SendToAsync(new byte[] { 0, 0, 0, 9 }, relay.ToIPEndPoint(), TestLan.Guard);
            await udp.SendToAsync(outside, relay.ToIPEndPoint(), TestLan.Guard);
            await stranger.SendToAsync(good, relay.ToIPEndPoint(), TestLan.Guard);
            foreach (var counter in new[]
            {
                LanyardProxyCounter.DatagramsDroppedFragment, LanyardProxyCounter.DatagramsDroppedMalformed,
                LanyardProxyCounter.DatagramsDroppedUnreachable, LanyardProxyCounter.DatagramsDroppedSource,
            })
            {
                await ProxyLan.WaitForAsync(proxy.Counters, counter, 1);
                Assert.Equal(1, proxy.Counters[counter]);
            }

            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsFromClients, 4);
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsToClients, 4);
            Assert.Equal(4, proxy.Counters[LanyardProxyCounter.DatagramsFromClients]);
            Assert.Equal(4, proxy.Counters[LanyardProxyCounter.DatagramsToClients]);
        }

        await ProxyLan.WaitUntilIdleAsync(proxy.Counters);
        // The port is free again: it can be bound.
        using var again = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        again.Bind(relay.ToIPEndPoint());
        echo.Dispose();
        await echoing;

        static Socket Bind()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return socket;
        }
    }

    [Fact]
    public async Task Destinations_outside_are_reached_through_the_host_where_that_is_allowed()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { Outside = LanyardOutsidePolicy.Host });
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        foreach (var host in new[] { "127.0.0.1", "localhost" })
        {
            var accepting = listener.AcceptTcpClientAsync(TestLan.Guard);
            var (client, reply, _) = await SocksClient.RequestAsync(proxy, SocksCommand.Connect, host, port);
            using (client)
            {
                Assert.Equal(SocksReply.Succeeded, reply);
                using var accepted = await accepting;
                await client.SendAsync("x"u8.ToArray());
                await accepted.GetStream().ReadExactlyAsync(new byte[1], TestLan.Guard);
            }
        }

        // What the network's own servers deny is not asked of the host.
        var (denied, no, _) = await SocksClient.RequestAsync(proxy, SocksCommand.Connect, "none.lan.test", port);
        denied.Dispose();
        Assert.Equal(SocksReply.HostUnreachable, no);
    }

    internal static async Task EchoAsync(LanyardUdpSocket socket)
    {
        var buffer = new byte[65_507];
        try
        {
            while (true)
            {
                var datagram = await socket.ReceiveFromAsync(buffer, TestLan.Guard);
                socket.SendTo(buffer.AsSpan(0, datagram.Length), datagram.Remote);
            }
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
