using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Limits the SYN cookies of each neighbor per second. Neighbors share buckets by a keyed hash of their address, so memory is constant, and strangers
/// cannot choose an address that shares a bucket with another.
/// </summary>
internal sealed class CookieLimits(HostSecrets secrets, int perSecond)
{
    private const int Buckets = 256;
    private RateLimiter[]? _limits;

    /// <summary>Returns whether a neighbor may get one more cookie, and counts it.</summary>
    public bool TryTake(long now, MacAddress neighbor)
    {
        // Most hosts never need it.
        if (_limits is null)
        {
            _limits = new RateLimiter[Buckets];
            Array.Fill(_limits, new RateLimiter(perSecond));
        }

        return _limits[secrets.Hash(HostSecrets.Purpose.CookieLimit, neighbor.Value) % Buckets].TryTake(now);
    }
}
