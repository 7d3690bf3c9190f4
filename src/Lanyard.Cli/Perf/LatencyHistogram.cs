using System.Numerics;

namespace Lanyard.Cli.Perf;

/// <summary>Counts durations in buckets about 1.5% wide, with constant memory.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 6;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly long[] _counts = new long[(64 - SubBucketBits) * SubBuckets];

    /// <summary>The number of durations.</summary>
    public long Count { get; private set; }

    public void Add(TimeSpan duration)
    {
        _counts[Bucket(Math.Max(duration.Ticks, 0))]++;
        Count++;
    }

    /// <summary>Returns a quantile; zero if there are no durations.</summary>
    /// <param name="share">The share of durations at or below the quantile, 0 to 1.</param>
    public TimeSpan Percentile(double share)
    {
        var remaining = (long)Math.Ceiling(Count * share);
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            remaining -= _counts[bucket];
            if (remaining <= 0 && Count > 0)
                return new TimeSpan(Middle(bucket));
        }

        return TimeSpan.Zero;
    }

    // Values up to twice the number of sub-buckets have a bucket each; each following power of two is divided into sub-buckets.
    private static int Bucket(long ticks)
    {
        if (ticks < 2 * SubBuckets)
            return (int)ticks;
        var shift = BitOperations.Log2((ulong)ticks) - SubBucketBits;
        return (shift * SubBuckets) + (int)(ticks >> shift);
    }

    private static long Middle(int bucket)
    {
        if (bucket < 2 * SubBuckets)
            return bucket;
        var shift = (bucket / SubBuckets) - 1;
        return ((long)(bucket - (shift * SubBuckets)) << shift) + (1L << shift >> 1);
    }
}
