using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Tests;

public sealed class StreamTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Twelve_megabytes_arrive_unchanged_both_ways_at_once(bool overIPv6)
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync(overIPv6);
        await using var endA = a;
        await using var endB = b;
        var results = await Task.WhenAll(SendAsync(a, seed: 1), SendAsync(b, seed: 2), ReceiveAsync(a), ReceiveAsync(b));
        Assert.Equal(results[0], results[3]);
        Assert.Equal(results[1], results[2]);
    }

    [Fact]
    public async Task Each_end_knows_its_peer()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        Assert.Equal(pair.A.IPv4Address, b.RemoteEndPoint.Address);
        Assert.Equal(pair.B.IPv4Address, a.RemoteEndPoint.Address);
        Assert.Equal(a.LocalEndPoint, b.RemoteEndPoint);
        Assert.Equal(a.RemoteEndPoint, b.LocalEndPoint);
        Assert.Equal(pair.A.Node.Address, b.RemoteNode);
        Assert.Equal(pair.B.Node.Address, a.RemoteNode);
        var (a6, b6) = await pair.ConnectAsync(overIPv6: true);
        Assert.Equal(pair.A.Node.Address, b6.RemoteNode);
        Assert.Equal(pair.B.Node.Address, a6.RemoteNode);
    }

    [Fact]
    public async Task After_a_half_close_the_other_direction_goes_on()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        await a.WriteAsync("question"u8.ToArray(), TestLan.Guard);
        a.ShutdownSend();
        Assert.Equal("question", await ReadAllAsync(b));
        await b.WriteAsync("answer"u8.ToArray(), TestLan.Guard);
        await b.DisposeAsync();
        Assert.Equal("answer", await ReadAllAsync(a));
        var error = await Assert.ThrowsAsync<LanyardSocketException>(() => a.WriteAsync(new byte[1], TestLan.Guard).AsTask());
        Assert.Equal(SocketError.Shutdown, error.SocketErrorCode);
    }

    [Fact]
    public async Task Two_hundred_connections_at_a_time_keep_their_bytes_apart()
    {
        await using var pair = await Pair.StartAsync();
        using var listener = pair.B.Listen(7);
        var serving = Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
                _ = EchoAsync(await listener.AcceptAsync(TestLan.Guard));
        }, TestLan.Guard);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            await using var stream = await pair.A.ConnectAsync(pair.B.IPv4Address!.ToString(), 7, TestLan.Guard);
            var sent = new byte[20_000];
            new Random(i).NextBytes(sent);
            await stream.WriteAsync(sent, TestLan.Guard);
            stream.ShutdownSend();
            using var received = new MemoryStream();
            await stream.CopyToAsync(received, TestLan.Guard);
            Assert.Equal(sent, received.ToArray());
        }));
        await serving;
    }

    [Fact]
    public async Task A_port_where_nothing_listens_refuses()
    {
        await using var pair = await Pair.StartAsync();
        var error = await Assert.ThrowsAsync<LanyardSocketException>(
            () => pair.A.ConnectAsync(pair.B.IPv4Address!.ToString(), 81, TestLan.Guard).AsTask());
        Assert.Equal(NetError.ConnectionRefused, error.Error);
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        Assert.IsType<SocketException>(error.InnerException);
        Assert.Contains("nothing there listens on port 81", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unassigned_address_is_unreachable()
    {
        await using var pair = await Pair.StartAsync();
        var error = await Assert.ThrowsAsync<LanyardSocketException>(() => pair.A.ConnectAsync(
            InetEndpoint.Parse("10.77.0.200:80"), new TcpOptions { ConnectTimeout = TimeSpan.FromSeconds(5) }, TestLan.Guard).AsTask());
        Assert.Equal(NetError.HostUnreachable, error.Error);
    }

    [Fact]
    public async Task An_address_outside_the_network_has_no_route()
    {
        await using var pair = await Pair.StartAsync();
        var error = await Assert.ThrowsAsync<LanyardSocketException>(() => pair.A.ConnectAsync("192.0.2.1", 80, TestLan.Guard).AsTask());
        Assert.Equal(NetError.NoRoute, error.Error);
        Assert.Contains("10.77.0.1/24", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_reaches_itself()
    {
        await using var pair = await Pair.StartAsync();
        using var listener = pair.A.Listen(7);
        await using var near = await pair.A.ConnectAsync(pair.A.IPv4Address!.ToString(), 7, TestLan.Guard);
        await using var far = await listener.AcceptAsync(TestLan.Guard);
        await near.WriteAsync("self"u8.ToArray(), TestLan.Guard);
        var buffer = new byte[16];
        Assert.Equal(4, await far.ReadAsync(buffer, TestLan.Guard));
        Assert.Equal(pair.A.Node.Address, far.RemoteNode);
        var refused = await Assert.ThrowsAsync<LanyardSocketException>(() => pair.A.ConnectAsync(pair.A.IPv4Address!.ToString(), 8,
            TestLan.Guard).AsTask());
        Assert.Equal(NetError.ConnectionRefused, refused.Error);
    }

    [Fact]
    public async Task Members_are_reached_by_their_node_addresses()
    {
        await using var pair = await Pair.StartAsync();
        using var listener = pair.B.Listen(80);
        foreach (var host in (string[])[$"{pair.B.Node.Address}", $"{pair.B.Node.Address}.{pair.B.Id}", $"[{pair.B.IPv6Address}]"])
        {
            await using var stream = await pair.A.ConnectAsync(host, 80, TestLan.Guard);
            await using var other = await listener.AcceptAsync(TestLan.Guard);
            Assert.Equal(pair.B.IPv6Address, stream.RemoteEndPoint.Address);
            Assert.True(pair.A.TryFindNode(InetAddress.FromIPAddress(stream.RemoteEndPoint.Address), out var node));
            Assert.Equal(pair.B.Node.Address, node);
        }

        var error = await Assert.ThrowsAsync<LanyardSocketException>(() => pair.A.ConnectAsync("printer", 80, TestLan.Guard).AsTask());
        Assert.Contains("'printer' is not a host", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_abort_resets_the_other_end()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        var reading = b.ReadAsync(new byte[16], TestLan.Guard);
        var own = a.ReadAsync(new byte[16], TestLan.Guard);
        a.Abort();
        Assert.Equal(NetError.ConnectionReset, (await Assert.ThrowsAsync<LanyardSocketException>(() => reading.AsTask())).Error);
        Assert.Equal(NetError.ConnectionAborted, (await Assert.ThrowsAsync<LanyardSocketException>(() => own.AsTask())).Error);
    }

    [Fact]
    public async Task Synchronous_reads_and_writes_work_and_time_out()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        a.Write("hello"u8);
        var buffer = new byte[16];
        Assert.Equal(5, b.Read(buffer));
        a.Write([1, 2, 3], 1, 2);
        Assert.Equal(2, b.Read(buffer, 0, 16));
        b.ReadTimeout = 50;
        Assert.Equal(SocketError.TimedOut, Assert.Throws<LanyardSocketException>(() => b.Read(buffer, 0, 16)).SocketErrorCode);
        a.WriteTimeout = 50;
        var error = Assert.Throws<LanyardSocketException>(() => a.Write(new byte[64 << 20], 0, 64 << 20));
        Assert.Equal(SocketError.TimedOut, error.SocketErrorCode);
    }

    [Fact]
    public async Task A_second_read_at_a_time_is_refused()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        var first = b.ReadAsync(new byte[1], TestLan.Guard);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => Assert.Equal(0, await b.ReadAsync(new byte[1], TestLan.Guard)));
        await a.WriteAsync(new byte[1], TestLan.Guard);
        Assert.Equal(1, await first);
    }

    [Fact]
    public async Task Settings_can_be_changed_and_read_back()
    {
        await using var pair = await Pair.StartAsync();
        var (a, _) = await pair.ConnectAsync();
        Assert.True(a.NoDelay);
        a.NoDelay = false;
        Assert.False(a.NoDelay);
        Assert.Equal(TcpState.Established, a.Info.State);
        Assert.Equal(0, a.Available);
    }

    private static async Task<string> SendAsync(LanyardStream stream, int seed)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var random = new Random(seed);
        for (var left = 12 << 20; left > 0;)
        {
            var chunk = new byte[Math.Min(left, random.Next(1, 200_000))];
            random.NextBytes(chunk);
            hash.AppendData(chunk);
            await stream.WriteAsync(chunk, TestLan.Guard);
            left -= chunk.Length;
        }

        stream.ShutdownSend();
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static async Task<string> ReceiveAsync(LanyardStream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[65_536];
        for (int read; (read = await stream.ReadAsync(buffer, TestLan.Guard)) > 0;)
            hash.AppendData(buffer, 0, read);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static async Task<string> ReadAllAsync(LanyardStream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return await reader.ReadToEndAsync(TestLan.Guard);
    }

    private static async Task EchoAsync(LanyardStream stream)
    {
        await using (stream)
            await stream.CopyToAsync(stream, TestLan.Guard);
    }
}
