using System.Numerics;

namespace Lanyard.Cli.Perf;

/// <summary>Counts durations in buckets about 1.5% wide, so that any number of them takes the same memory.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 6;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly long[] _counts = new long[(64 - SubBucketBits) * SubBuckets];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    public void Add(TimeSpan duration)
    {
        _counts[Bucket(Math.Max(duration.Ticks, 0))]++;
        Count++;
    }

    /// <summary>The duration that a share of all do not exceed; zero where there are none.</summary>
    /// <param name="share">From 0 to 1.</param>
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

    // Up to two times the sub-buckets, each value has a bucket of its own; from there on each power of two has as many.
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
