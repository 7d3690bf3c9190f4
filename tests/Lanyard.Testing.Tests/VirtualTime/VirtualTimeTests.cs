using System.Net;
using System.Text;

namespace Lanyard.Testing.Tests;

[Collection(VirtualTimeCollection.Name)]
public sealed class VirtualTimeTests
{
    [Fact]
    public async Task A_long_delay_ends_at_its_virtual_time()
    {
        var internet = new SimulatedInternet(seed: 1);
        var before = internet.TimeProvider.GetUtcNow();
        await internet.RunAsync(() => Task.Delay(TimeSpan.FromHours(23), internet.TimeProvider));
        Assert.Equal(TimeSpan.FromHours(23), internet.TimeProvider.GetUtcNow() - before);
    }

    [Fact]
    public async Task Delays_end_in_the_order_of_their_times()
    {
        var internet = new SimulatedInternet(seed: 1);
        var ended = new List<int>();
        await internet.RunAsync(() => Task.WhenAll(new[] { 3, 1, 2 }.Select(async seconds =>
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), internet.TimeProvider);
            ended.Add(seconds);
        })));
        Assert.Equal([1, 2, 3], ended);
    }

    [Fact]
    public async Task A_periodic_timer_ticks_until_it_is_disposed()
    {
        var internet = new SimulatedInternet(seed: 1);
        var ticks = 0;
        await internet.RunAsync(async () =>
        {
            await using (internet.TimeProvider.CreateTimer(_ => ticks++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)))
                await Task.Delay(TimeSpan.FromSeconds(35), internet.TimeProvider);
            await Task.Delay(TimeSpan.FromSeconds(35), internet.TimeProvider);
        });
        Assert.Equal(4, ticks);
    }

    [Fact]
    public async Task An_exception_of_the_application_ends_the_run()
    {
        var internet = new SimulatedInternet(seed: 1);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => internet.RunAsync(async () =>
        {
            await Task.Yield();
            throw new InvalidTimeZoneException();
        }));
    }

    [Fact]
    public async Task An_application_that_waits_for_nothing_is_told_at_the_limit()
    {
        var internet = new SimulatedInternet(seed: 1);
        var thrown = await Assert.ThrowsAsync<TimeoutException>(() => internet.RunAsync(() => new TaskCompletionSource().Task, TimeSpan.FromMinutes(1)));
        Assert.Contains("00:01:00", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_limits_of_the_thread_pool_are_restored_after_a_run()
    {
        ThreadPool.GetMaxThreads(out var before, out _);
        var inside = 0;
        await new SimulatedInternet(seed: 1).RunAsync(() =>
        {
            ThreadPool.GetMaxThreads(out inside, out _);
            return Task.CompletedTask;
        });
        ThreadPool.GetMaxThreads(out var after, out _);
        Assert.True(inside < before, $"{inside} of {before} workers");
        Assert.Equal(before, after);
    }

    [Fact]
    public async Task Code_that_blocks_a_worker_gets_another_one()
    {
        var isDone = false;
        await new SimulatedInternet(seed: 1).RunAsync(() =>
        {
            Task.Run(() => isDone = true).Wait();
            return Task.CompletedTask;
        });
        Assert.True(isDone);
    }

    [Fact]
    public async Task Two_members_exchange_bytes_through_NATs_and_loss()
    {
        var internet = new SimulatedInternet(seed: 7, new LinkOptions { Loss = 0.05 });
        var received = "";
        await internet.RunAsync(async () =>
        {
            await using var lan = await SimulatedLan.StartAsync(internet);
            var server = await lan.JoinAsync();
            var client = await lan.JoinAsync(internet.AddNat(NatKind.PortRestricted));
            using var listener = server.Listen(80);
            var accept = listener.AcceptAsync();
            await using var stream = await client.ConnectAsync(new IPEndPoint(server.IPv4Address!, 80));
            await using var accepted = await accept;
            await stream.WriteAsync("hello"u8.ToArray());
            var buffer = new byte[16];
            received = Encoding.ASCII.GetString(buffer, 0, await accepted.ReadAsync(buffer));
            Assert.Equal(client.Node.Address, accepted.RemoteNode);
        });
        Assert.Equal("hello", received);
    }

    [Fact]
    public async Task A_node_restarts_with_its_identity_and_its_state()
    {
        var internet = new SimulatedInternet(seed: 3);
        var store = new LanyardMemoryStore();
        await internet.RunAsync(async () =>
        {
            await using var lan = await SimulatedLan.StartAsync(internet);
            var host = internet.AddHost();
            var first = await lan.JoinAsync(host, options => options with { Store = store });
            var (node, address) = (first.Node.Address, first.IPv4Address);
            await first.Node.DisposeAsync();

            // Without the controller, the kept configuration counts.
            internet.Cut(host, lan.RootHost);
            var again = await lan.JoinAsync(host, options => options with { Store = store });
            Assert.Equal(node, again.Node.Address);
            Assert.Equal(address, again.IPv4Address);
        });
    }

    [Fact]
    public async Task A_ping_reports_the_virtual_round_trip_time()
    {
        var internet = new SimulatedInternet(seed: 5, new LinkOptions { Latency = TimeSpan.FromMilliseconds(40), Jitter = default });
        await internet.RunAsync(async () =>
        {
            await using var lan = await SimulatedLan.StartAsync(internet);
            var a = await lan.JoinAsync();
            var b = await lan.JoinAsync();
            await a.PingAsync(b.IPv6Address!);
            await Task.Delay(TimeSpan.FromSeconds(2), internet.TimeProvider);
            var reply = await a.PingAsync(b.IPv6Address!);
            Assert.InRange(reply.RoundTrip, TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(81));
        });
    }

    [Fact]
    public async Task Partitioned_members_meet_again_when_the_partition_ends()
    {
        var internet = new SimulatedInternet(seed: 9);
        await internet.RunAsync(async () =>
        {
            await using var lan = await SimulatedLan.StartAsync(internet);
            var (hostA, hostB) = (internet.AddHost(), internet.AddHost());
            var a = await lan.JoinAsync(hostA);
            var b = await lan.JoinAsync(hostB);
            Assert.True((await a.PingAsync(b.IPv6Address!)).IsSuccess);
            internet.Partition(hostA);
            Assert.False((await a.PingAsync(b.IPv6Address!, TimeSpan.FromSeconds(10))).IsSuccess);
            internet.MendAll();
            await Task.Delay(TimeSpan.FromSeconds(10), internet.TimeProvider);
            Assert.True((await a.PingAsync(b.IPv6Address!, TimeSpan.FromSeconds(10))).IsSuccess);
        });
    }
}
