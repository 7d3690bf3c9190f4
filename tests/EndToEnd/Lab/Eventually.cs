using System.Diagnostics;

namespace EndToEnd.Lab;

/// <summary>Waits for a condition that other processes establish. The limit only guards against hanging and is far above the expected time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > Limit)
                throw new TimeoutException($"Not within {Limit}: {what}.");
            await Task.Delay(200);
        }
    }
}
