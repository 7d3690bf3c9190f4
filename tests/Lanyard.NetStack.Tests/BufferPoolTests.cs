namespace Lanyard.NetStack.Tests;

public sealed class BufferPoolTests
{
    private const int Size = 64 << 10;

    [Fact]
    public void What_was_out_at_a_time_of_late_is_kept_and_used_again()
    {
        var pool = new BufferPool(1 << 30);
        var first = RentAll(pool, 100);
        ReturnAll(pool, first);
        Assert.Equal(100 * Size, pool.Retained);
        pool.Trim();
        Assert.Equal(100 * Size, pool.Retained);
        var second = RentAll(pool, 100);
        Assert.Equal(first.OrderBy(RuntimeIdentity), second.OrderBy(RuntimeIdentity));
        ReturnAll(pool, second);
    }

    [Fact]
    public void What_is_no_longer_needed_is_let_go_of_after_two_trims_but_for_a_megabyte()
    {
        var pool = new BufferPool(1 << 30);
        ReturnAll(pool, RentAll(pool, 100));
        pool.Trim();
        ReturnAll(pool, RentAll(pool, 30));
        pool.Trim();
        Assert.Equal(30 * Size, pool.Retained);
        Assert.True(pool.IsTrimmable);
        pool.Trim();
        Assert.Equal(1 << 20, pool.Retained);
        Assert.False(pool.IsTrimmable);
    }

    [Fact]
    public void Sizes_are_let_go_of_each_by_its_own_need()
    {
        var pool = new BufferPool(1 << 30);
        ReturnAll(pool, RentAll(pool, 100));
        pool.Trim();
        ReturnAll(pool, Enumerable.Range(0, 6400).Select(_ => pool.Rent(1024)!).ToArray());
        Assert.Equal(200 * Size, pool.Retained);
        pool.Trim();
        Assert.Equal(100 * Size, pool.Retained);
    }

    [Fact]
    public void A_host_gives_memory_back_some_seconds_after_a_busy_time()
    {
        var pair = new Pair();
        var (client, server) = Transfer.Start(pair, 20_000_000, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1 && server.Apps[0].Received == 20_000_000));
        Assert.True(pair.A.Pool.Retained + pair.A.Pool.Outstanding > 1 << 20);
        pair.Run(30_000_000);
        Assert.InRange(pair.A.Pool.Retained, 0, 1 << 20);
        Assert.False(client.Corrupted);
    }

    private static int RuntimeIdentity(byte[] buffer) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(buffer);

    private static byte[][] RentAll(BufferPool pool, int count) => Enumerable.Range(0, count).Select(_ => pool.Rent(Size)!).ToArray();

    private static void ReturnAll(BufferPool pool, byte[][] buffers)
    {
        foreach (var buffer in buffers)
            pool.Return(buffer);
    }
}
