using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// How many SYN cookies each neighbor gets a second. Neighbors share buckets by a keyed hash of their address, so memory is constant, and nobody can
/// choose an address that shares another's.
/// </summary>
internal sealed class CookieLimits(HostSecrets secrets, int perSecond)
{
    private const int Buckets = 256;
    private RateLimiter[]? _limits;

    /// <summary>Whether a neighbor may get one more; if so it counts.</summary>
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
