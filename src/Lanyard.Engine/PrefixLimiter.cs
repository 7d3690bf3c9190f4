using Lanyard.Primitives;

namespace Lanyard.Engine;

/// <summary>
/// Limits the rate of an event by source prefix (IPv4 /24, IPv6 /48). The table has a fixed number of slots chosen by a keyed hash, so that forged source
/// addresses neither use memory nor evict a prefix. Prefixes in one slot share its rate.
/// </summary>
internal sealed class PrefixLimiter
{
    private const int SlotBits = 11;

    private readonly long _burstMs;
    private readonly long _intervalMs;
    private readonly ulong _key;

    // Generic cell rate algorithm (ITU-T I.371): one time a slot is all the state of a token bucket. Most nodes never meet a stranger.
    private long[]? _fullAtMs;

    /// <param name="burst">The number of events a prefix may cause at once.</param>
    /// <param name="intervalMs">The time until it may cause one more, in milliseconds.</param>
    /// <param name="key">A secret of the node.</param>
    public PrefixLimiter(int burst, long intervalMs, ulong key)
    {
        _burstMs = (burst - 1) * intervalMs;
        _intervalMs = intervalMs;
        _key = key;
    }

    /// <summary>Takes a token of the address's prefix. Returns false if none is left.</summary>
    public bool TryTake(long nowMs, InetAddress source)
    {
        _fullAtMs ??= new long[1 << SlotBits];
        ref var fullAtMs = ref _fullAtMs[KeyedHash.Of(source.SourcePrefix, _key) >> (32 - SlotBits)];
        var startMs = Math.Max(fullAtMs, nowMs);
        if (startMs - nowMs > _burstMs)
            return false;
        fullAtMs = startMs + _intervalMs;
        return true;
    }
}
