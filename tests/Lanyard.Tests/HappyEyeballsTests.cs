using System.Net;
using System.Net.Sockets;

namespace Lanyard.Tests;

public sealed class HappyEyeballsTests
{
    private static readonly IPAddress V4 = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress OtherV4 = IPAddress.Parse("10.0.0.2");
    private static readonly IPAddress V6 = IPAddress.Parse("fd00::1");
    private static readonly IPAddress OtherV6 = IPAddress.Parse("fd00::2");

    [Fact]
    public void The_families_take_turns_and_the_preferred_one_begins()
    {
        Assert.Equal([V6, V4, OtherV6, OtherV4], HappyEyeballs.Order([V6, OtherV6, V4, OtherV4]));
        Assert.Equal([V4, V6, OtherV4], HappyEyeballs.Order([V4, OtherV4, V6]));
        Assert.Equal([V4, OtherV4], HappyEyeballs.Order([V4, OtherV4]));
    }

    [Fact]
    public async Task An_address_that_fails_makes_way_for_the_next_and_the_last_failure_is_told()
    {
        var tried = new List<IPAddress>();
        var won = await HappyEyeballs.ConnectAsync([V6, OtherV6, V4], (address, _) =>
        {
            tried.Add(address);
            return address.Equals(OtherV6) ? Task.FromResult(new Connection()) : Task.FromException<Connection>(new SocketException((int)SocketError.ConnectionRefused));
        }, cancellationToken: TestLan.Guard);
        Assert.Equal([V6, V4, OtherV6], tried);
        Assert.False(won.IsDisposed);

        var error = await Assert.ThrowsAsync<SocketException>(() => HappyEyeballs.ConnectAsync([V6, V4], (address, _) =>
            Task.FromException<Connection>(new SocketException((int)(address.Equals(V4) ? SocketError.TimedOut : SocketError.ConnectionRefused))), cancellationToken: TestLan.Guard));
        Assert.Equal(SocketError.TimedOut, error.SocketErrorCode);
    }

    [Fact]
    public async Task A_slow_address_is_overtaken_and_its_late_connection_is_disposed_of()
    {
        var silent = new TaskCompletionSource<Connection>();
        var givenUp = new TaskCompletionSource();
        var won = await HappyEyeballs.ConnectAsync([V6, V4], (address, cancellation) =>
        {
            if (address.Equals(V4))
                return Task.FromResult(new Connection());
            cancellation.Register(() => givenUp.SetResult());
            return silent.Task;
        }, cancellationToken: TestLan.Guard);
        await givenUp.Task.WaitAsync(TestLan.Guard);
        var late = new Connection();
        silent.SetResult(late);
        await late.Disposed.Task.WaitAsync(TestLan.Guard);
        Assert.False(won.IsDisposed);
    }

    [Fact]
    public void Without_an_address_there_is_nothing_to_try() =>
        Assert.Throws<ArgumentException>(() => { _ = HappyEyeballs.ConnectAsync([], (_, _) => Task.FromResult(new Connection()), cancellationToken: TestLan.Guard); });

    [Fact]
    public async Task Canceling_the_caller_ends_all_attempts()
    {
        using var cancellation = new CancellationTokenSource();
        var started = 0;
        var connecting = HappyEyeballs.ConnectAsync([V6, V4, OtherV6], async (_, attempt) =>
        {
            if (Interlocked.Increment(ref started) == 3)
                await cancellation.CancelAsync();
            await Task.Delay(Timeout.Infinite, attempt);
            return new Connection();
        }, cancellationToken: cancellation.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.WaitAsync(TestLan.Guard));
        Assert.Equal(3, started);
    }

    private sealed class Connection : IDisposable
    {
        public TaskCompletionSource Disposed { get; } = new();

        public bool IsDisposed => Disposed.Task.IsCompleted;

        public void Dispose() => Disposed.TrySetResult();
    }
}
