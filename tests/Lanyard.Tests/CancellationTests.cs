using System.Net;

namespace Lanyard.Tests;

public sealed class CancellationTests
{
    [Fact]
    public async Task Every_operation_that_waits_can_be_canceled_and_tried_again()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        using var listener = pair.B.Listen(80);
        using var udp = pair.B.OpenUdp(53);
        var buffer = new byte[16];
        var nobody = new IPEndPoint(IPAddress.Parse("10.77.0.200"), 80);

        await CanceledAsync(token => b.ReadAsync(buffer, token).AsTask());
        await CanceledAsync(token => a.WriteAsync(new byte[64 << 20], token).AsTask());
        await CanceledAsync(token => listener.AcceptAsync(token).AsTask());
        await CanceledAsync(token => pair.A.ConnectAsync(nobody, token).AsTask());
        await CanceledAsync(token => udp.ReceiveFromAsync(buffer, token).AsTask());
        await CanceledAsync(token => pair.A.PingAsync(nobody.Address, TimeSpan.FromMinutes(1), cancellationToken: token).AsTask());

        Assert.Equal(16, await b.ReadAsync(buffer, TestLan.Guard));
        var accepting = listener.AcceptAsync(TestLan.Guard);
        await using var near = await pair.A.ConnectAsync(new IPEndPoint(pair.B.IPv4Address!, 80), TestLan.Guard);
        await using var far = await accepting;
        using var client = pair.A.OpenUdp();
        var receiving = udp.ReceiveFromAsync(buffer, TestLan.Guard);
        client.SendTo("now"u8, new(Pair.Address(pair.B), 53));
        Assert.Equal(3, (await receiving).Length);
    }

    [Fact]
    public async Task Canceling_the_wait_for_a_network_does_not_stop_the_network()
    {
        await using var lan = await TestLan.StartAsync();
        lan.Controller.IsSilent = true;
        var node = await lan.StartNodeAsync(1);
        await CanceledAsync(token => node.JoinAsync(lan.Network, token));
        await CanceledAsync(token => node.Networks[0].WaitUntilReadyAsync(cancellationToken: token));
        lan.Controller.IsSilent = false;
        await node.JoinAsync(lan.Network, TestLan.Guard);
    }

    [Fact]
    public async Task Waiting_to_be_online_can_be_canceled()
    {
        await using var node = await LanyardNode.StartAsync(new LanyardOptions { Identity = TestIdentities.Get(1),
            BindAddresses = [IPAddress.Loopback] }, TestLan.Guard);
        await CanceledAsync(node.WaitUntilOnlineAsync);
        var waiting = node.WaitUntilOnlineAsync(TestLan.Guard);
        await node.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
    }

    [Fact]
    public async Task The_making_of_an_identity_can_be_canceled()
    {
        using var source = new CancellationTokenSource();
        var progress = new FirstReport(source);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            // Few identities are found at the first attempt; should one be, the next start makes another.
            while (true)
                await (await LanyardNode.StartAsync(new LanyardOptions { IdentityProgress = progress,
                    BindAddresses = [IPAddress.Loopback] }, source.Token)).DisposeAsync();
        });
    }

    private static async Task CanceledAsync(Func<CancellationToken, Task> operation)
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => operation(new CancellationToken(canceled: true)));
        using var source = new CancellationTokenSource();
        var running = operation(source.Token);
        Assert.False(running.IsCompleted);
        await source.CancelAsync();
        var canceled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TestLan.Guard));
        Assert.True(source.Token.IsCancellationRequested && !TestLan.Guard.IsCancellationRequested, canceled.Message);
    }

    private sealed class FirstReport(CancellationTokenSource source) : IProgress<int>
    {
        public void Report(int value) => source.Cancel();
    }
}
