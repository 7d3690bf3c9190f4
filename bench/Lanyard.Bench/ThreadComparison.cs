using System.Diagnostics;
using System.Globalization;

namespace Lanyard.Bench;

/// <summary>
/// Measures how much one node gains from a second thread: packets are decrypted without its lock, and applied under it. Compared with two nodes that share nothing, each with one
/// thread, which is the upper limit for two threads on the machine. The three take turns.
/// </summary>
internal static class ThreadComparison
{
    private const int Rounds = 15;
    private const int RoundMs = 400;

    public static int Run()
    {
        var first = new BenchReceiver(seed: 1);
        var second = new BenchReceiver(seed: 2);
        Compare("packets opened", first, second, static (receiver, feeder) => receiver.Open(feeder));
        Compare("frames delivered", first, second, static (receiver, feeder) => receiver.Deliver(feeder));
        return 0;
    }

    private static void Compare(string what, BenchReceiver first, BenchReceiver second, Func<BenchReceiver, Feeder, int> work)
    {
        var (one, shared, apart) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            one.Add(Measure(work, first));
            shared.Add(Measure(work, first, first));
            apart.Add(Measure(work, first, second));
        }

        var (node, limit) = (Median(shared) / Median(one), Median(apart) / Median(one));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {Median(one):N0}/s on one thread; two threads: one node {node:F2} times that, two nodes {limit:F2} times; share of the machine's limit {node / limit:F2}"));
    }

    // Returns packets per second of all threads together; thread i feeds receivers[i].
    private static double Measure(Func<BenchReceiver, Feeder, int> work, params BenchReceiver[] receivers)
    {
        using var start = new Barrier(receivers.Length + 1);
        var counts = new long[receivers.Length];
        var threads = receivers.Select((receiver, index) => new Thread(() =>
        {
            var feeder = receiver.Feeders[index];
            var count = 0L;
            start.SignalAndWait();
            for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < RoundMs;)
                count += work(receiver, feeder);
            counts[index] = count;
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        start.SignalAndWait();
        var elapsed = Stopwatch.StartNew();
        foreach (var thread in threads)
            thread.Join();
        return counts.Sum() / elapsed.Elapsed.TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
