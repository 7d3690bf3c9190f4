using Lanyard.Cli.Perf;

namespace Lanyard.Cli.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_within_two_percent_of_sorted_values()
    {
        var random = new Random(11);
        var ticks = Enumerable.Range(0, 10_000).Select(_ => (long)Math.Pow(10, random.NextDouble() * 9)).ToArray();
        var histogram = new LatencyHistogram();
        foreach (var value in ticks)
            histogram.Add(new TimeSpan(value));
        Array.Sort(ticks);
        foreach (var share in new[] { 0.01, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            var exact = ticks[(int)Math.Ceiling(ticks.Length * share) - 1];
            Assert.InRange(histogram.Percentile(share).Ticks, exact * 0.98, exact * 1.02);
        }
    }

    [Fact]
    public void The_shortest_and_the_longest_durations_have_a_place()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal(TimeSpan.Zero, histogram.Percentile(0.5));
        histogram.Add(TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, histogram.Percentile(0.5));
        histogram.Add(TimeSpan.MaxValue);
        Assert.True(histogram.Percentile(1) > TimeSpan.FromDays(1));
        Assert.Equal(2, histogram.Count);
    }
}
