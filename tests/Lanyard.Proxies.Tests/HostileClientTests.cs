using System.Net.Sockets;
using System.Text;
using Lanyard.NetStack;

namespace Lanyard.Proxies.Tests;

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Clients of a proxy that send invalid requests, are slow, or connect ten thousand times.</summary>
[Collection(nameof(Alone))]
public sealed class HostileClientTests
{
    [Fact]
    public async Task A_client_that_dribbles_is_cut()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { GreetingTimeout = TimeSpan.FromMilliseconds(200) });
        foreach (var letter in new[] { (byte)5, (byte)'G' })
        {
            using var client = await SocksClient.ConnectAsync(proxy);
            // A byte now and then, of a greeting of 255 methods and of a method's name, which never ends.
            await Assert.ThrowsAsync<SocketException>(async () =>
            {
                byte[] next = [letter, 255];
                while (true)
                {
                    await client.SendAsync(next);
                    next = [(byte)'G'];
                    await Task.Delay(20, TestLan.Guard);
                }
            });
        }

        using var silent = await SocksClient.ConnectAsync(proxy);
        Assert.True(await silent.EndsWithResetAsync());
        await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.GreetingTimedOut, 3);
        Assert.Equal(0, proxy.Counters[LanyardProxyCounter.Malformed]);
    }

    [Fact]
    public async Task A_connection_that_nothing_goes_over_is_cut_at_both_ends()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { IdleTimeout = TimeSpan.FromMilliseconds(200) });
        using var listener = lan.Server.Listen(80);
        var accepting = listener.AcceptAsync(TestLan.Guard);
        var (client, _, _) = await SocksClient.RequestAsync(proxy, SocksCommand.Connect, $"{lan.ServerAddress}", 80);
        using (client)
        {
            await using var stream = await accepting;
            Assert.True(await client.EndsWithResetAsync());
            await Assert.ThrowsAsync<LanyardSocketException>(async () => await stream.ReadExactlyAsync(new byte[1], TestLan.Guard));
        }

        await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.IdleTimedOut, 1);
    }

    [Fact]
    public async Task An_invalid_request_is_cut_off_and_a_long_one_is_refused()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { MaxHeaderBytes = 4_096 });
        byte[][] nonsense = [[0], [4, 1, 0, 80], [5, 0], [5, 1, 0, 6], [5, 1, 0, 5, 1, 9], [0x16, 3, 1, 0]];
        foreach (var bytes in nonsense)
        {
            using var client = await SocksClient.ConnectAsync(proxy);
            await client.SendAsync(bytes);
            Assert.True(await client.EndsWithResetAsync());
        }

        await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.Malformed, nonsense.Length);
        Assert.StartsWith("HTTP/1.1 431 ", await AnswerAsync("GET http://a/ HTTP/1.1\r\nA: " + new string('x', 100_000)), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", await AnswerAsync("BREW /pot HTCPCP/1.0\r\n\r\n"), StringComparison.Ordinal);
        Assert.Equal(nonsense.Length + 2, proxy.Counters[LanyardProxyCounter.Malformed]);

        async Task<string> AnswerAsync(string request)
        {
            using var client = await SocksClient.ConnectAsync(proxy);
            await client.SendAsync(Encoding.ASCII.GetBytes(request));
            return Encoding.ASCII.GetString(await client.ReceiveAsync(20));
        }
    }

    [Fact]
    public async Task Clients_beyond_the_limit_are_cut_until_there_is_room()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { MaxConnections = 2 });
        using var first = await SocksClient.ConnectAsync(proxy);
        using (await SocksClient.ConnectAsync(proxy))
        {
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.Accepted, 2);
            await Assert.ThrowsAsync<SocketException>(async () =>
            {
                // The reset may be there before the connection is seen to have come about.
                using var third = await SocksClient.ConnectAsync(proxy);
                await third.Socket.ReceiveAsync(new byte[1], SocketFlags.None, TestLan.Guard);
            });
        }

        await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.OverLimit, 1);
        while (proxy.Counters.Active > 1)
            await Task.Delay(5, TestLan.Guard);
        using var fourth = await SocksClient.ConnectAsync(proxy);
        await fourth.SendAsync([5, 1, 0]);
        Assert.Equal([5, 0], await fourth.ReceiveAsync(2));
    }

    [Fact]
    public async Task Ten_thousand_clients_leak_nothing()
    {
        // Connections in TIME_WAIT are kept on purpose, and would be counted as left.
        await using var lan = await ProxyLan.StartAsync(new HostLimits { TcpTimeWait = 16 });
        await using var proxy = lan.Client.StartProxy();
        using var listener = lan.Server.Listen(80);
        var accepting = AcceptAsync(listener);
        await OpenAndCloseAsync(proxy, lan, 2_000);
        var before = await CountAsync(proxy);
        await OpenAndCloseAsync(proxy, lan, 10_000);
        var after = await CountAsync(proxy, before.Sockets);
        listener.Dispose();
        await accepting;
        Assert.True(after.Sockets <= before.Sockets, $"before {before}, after {after}");
        Assert.True(after.Bytes < before.Bytes + (8 << 20), $"before {before}, after {after}");
        TestContext.Current.SendDiagnosticMessage("10,000 clients: before {0}, after {1}", before, after);
    }

    // In all the ways in which clients come and go.
    private static Task OpenAndCloseAsync(LanyardProxy proxy, ProxyLan lan, int count)
    {
        var next = 0;
        var guard = TestLan.Guard;
        return Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) <= count;)
            {
                using var client = await SocksClient.ConnectAsync(proxy, guard);
                switch (i % 5)
                {
                    case 0:
                        await client.SendAsync([5, 1]);
                        break;
                    case 1:
                        await client.SendAsync([5, 1, 0, .. SocksClient.Request(SocksCommand.Connect, $"{lan.ServerAddress}", 80)]);
                        await client.ReceiveAsync(12);
                        break;
                    case 2:
                        await client.SendAsync(Encoding.ASCII.GetBytes($"CONNECT {lan.ServerAddress}:80 HTTP/1.1\r\n\r\nhello"));
                        client.Socket.Shutdown(SocketShutdown.Send);
                        await client.EndsWithResetAsync();
                        break;
                    case 3:
                        await client.SendAsync([5, 1, 0, .. SocksClient.Request(SocksCommand.UdpAssociate, "0.0.0.0", 0)]);
                        await client.ReceiveAsync(12);
                        break;
                    default:
                        await client.SendAsync([5, 1, 0, .. SocksClient.Request(SocksCommand.Connect, $"{lan.ServerAddress}", 80)]);
                        break;
                }

                client.Reset();
            }
        })));
    }

    private static async Task AcceptAsync(LanyardListener listener)
    {
        var guard = TestLan.Guard;
        try
        {
            while (true)
                _ = ReadAsync(await listener.AcceptAsync(guard));
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }

        async Task ReadAsync(LanyardStream stream)
        {
            await using (stream)
            {
                try
                {
                    while (await stream.ReadAsync(new byte[64], guard) > 0)
                    {
                    }
                }
                catch (LanyardSocketException)
                {
                    // It was reset.
                }
            }
        }
    }

    private static async Task<(int Sockets, long Bytes)> CountAsync(LanyardProxy proxy, int expectedSockets = int.MaxValue)
    {
        await ProxyLan.WaitUntilIdleAsync(proxy.Counters);
        // A socket that was closed while something waited on it is for a moment still open.
        for (var i = 0; i < 250 && CountSockets() > expectedSockets; i++)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        return (CountSockets(), GC.GetTotalMemory(forceFullCollection: true));
    }

    private static int CountSockets() => OperatingSystem.IsLinux()
        ? new DirectoryInfo($"/proc/{Environment.ProcessId}/fd").GetFiles().Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true)
        : 0;
}
