namespace Lanyard.Tests;

[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    private const int WarmUpBytes = 8 << 20;
    private const int MeasuredBytes = 32 << 20;
    private const int SegmentBytes = 2_700;

    // No object is smaller; a buffer that grows now and then is allowed.
    private const int LeastObjectBytes = 24;

    private readonly byte[] _sent = new byte[64 << 10];
    private readonly byte[] _received = new byte[64 << 10];

    [Fact]
    public async Task A_stream_in_full_flow_allocates_nothing_per_packet_at_either_end()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        await MoveAsync(a, b, WarmUpBytes);
        const int packets = MeasuredBytes / SegmentBytes;
        var allocated = await MeasureAsync(packets * LeastObjectBytes, () => MoveAsync(a, b, MeasuredBytes));
        Assert.True(allocated < packets * LeastObjectBytes, $"{allocated} bytes were allocated for about {packets} packets.");
    }

    [Fact]
    public async Task Questions_and_answers_allocate_nothing_each()
    {
        await using var pair = await Pair.StartAsync();
        var (a, b) = await pair.ConnectAsync();
        var echoing = EchoAsync(b);
        await AskAsync(a, 1_000);
        const int count = 5_000;
        var allocated = await MeasureAsync(count * LeastObjectBytes, () => AskAsync(a, count));
        Assert.True(allocated < count * LeastObjectBytes, $"{allocated} bytes were allocated for {count} questions with their answers.");
        a.ShutdownSend();
        await echoing;
    }

    [Fact]
    public async Task Datagrams_allocate_nothing_each()
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(53);
        using var client = pair.A.OpenUdp();
        client.Connect(new(Pair.Address(pair.B), 53));
        await SendAsync(500);
        const int count = 4_000;
        var allocated = await MeasureAsync(count * LeastObjectBytes, () => SendAsync(count));
        Assert.True(allocated < count * LeastObjectBytes, $"{allocated} bytes were allocated for {count} datagrams.");

        async Task SendAsync(int datagrams)
        {
            var buffer = new byte[1_000];
            for (var i = 0; i < datagrams; i++)
            {
                var receiving = server.ReceiveFromAsync(buffer);
                await client.SendAsync(buffer);
                await receiving;
            }
        }
    }

    // The first run of at most ten that keeps to the limit, or the least: the runtime's own work (tiering, the pool's new threads) comes and goes, and what the
    // code under test allocates for each packet is there in every run.
    private static async Task<long> MeasureAsync(long limit, Func<Task> work)
    {
        var least = long.MaxValue;
        for (var run = 0; run < 10 && least >= limit; run++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            // Away from the test's own context, which allocates for each continuation.
            await Task.Run(work);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }

    private async Task MoveAsync(LanyardStream from, LanyardStream to, int bytes)
    {
        var sending = Task.Run(async () =>
        {
            for (var left = bytes; left > 0; left -= _sent.Length)
                await from.WriteAsync(_sent);
        });
        for (var left = bytes; left > 0;)
            left -= await to.ReadAsync(_received);
        await sending;
    }

    private static async Task AskAsync(LanyardStream stream, int count)
    {
        var buffer = new byte[64];
        for (var i = 0; i < count; i++)
        {
            await stream.WriteAsync(buffer);
            for (var got = 0; got < buffer.Length;)
                got += await stream.ReadAsync(buffer.AsMemory(got));
        }
    }

    private static async Task EchoAsync(LanyardStream stream)
    {
        var buffer = new byte[64];
        for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
            await stream.WriteAsync(buffer.AsMemory(0, read));
    }
}
