using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>Finds free addresses in a network's pools.</summary>
internal static class AddressAssigner
{
    // The number of addresses of an IPv6 pool that one call tries at random, then consecutively from where the last call stopped.
    private const int V6RandomTrials = 32;
    private const int V6LinearTrials = 4_096;

    /// <summary>
    /// Finds a free IPv4 address: in the first pool that has one, the first at or after a position that follows from the node's address. So a member that was
    /// deleted tends to get its address again, and members spread over the pool.
    /// </summary>
    public static bool TryAssignV4(List<UsableRanges> pools, AssignedAddresses table, NodeAddress member, out InetAddress address)
    {
        foreach (var pool in pools)
        {
            var first = (uint)pool.Pool.First;
            var length = (uint)pool.Pool.Last - first;
            var start = length == 0 ? first : first + ((uint)member.Value % length);
            if (TryFindV4(pool.Ranges, table, start, uint.MaxValue, out address) || (start > 0 && TryFindV4(pool.Ranges, table, 0, start - 1, out address)))
                return true;
        }

        address = default;
        return false;
    }

    /// <summary>
    /// Finds a free IPv6 address: the pool's first address plus the member's address if the pool is that large, otherwise a random address. One call tries a bounded
    /// number of addresses of a pool, so in an almost full pool a later call may succeed where this call fails.
    /// </summary>
    public static bool TryAssignV6(List<UsableRanges> pools, AssignedAddresses table, NodeAddress member, RandomFill random, out InetAddress address)
    {
        foreach (var pool in pools)
        {
            var room = (ulong)pool.Pool.Last > (ulong)pool.Pool.First ? (ulong)pool.Pool.Last - (ulong)pool.Pool.First : 0;
            if (room >= 0xff_ffff_ffff && IsFree(pool, table, pool.Pool.First + member.Value, out address))
                return true;
            var total = UInt128.Zero;
            foreach (var range in pool.Ranges)
                total += range.Last - range.First + 1;
            // The sum overflows only for all of IPv6, which no route covers.
            for (var trial = 0; trial < V6RandomTrials; trial++)
            {
                if (IsFree(pool, table, At(pool.Ranges, Random(random) % total), out address))
                    return true;
            }

            for (var trial = 0; trial < V6LinearTrials && (UInt128)trial < total; trial++)
            {
                if (IsFree(pool, table, At(pool.Ranges, pool.NextTrial++ % total), out address))
                    return true;
            }
        }

        address = default;
        return false;
    }

    private static bool TryFindV4(IReadOnlyList<AddressRange> ranges, AssignedAddresses table, uint from, uint to, out InetAddress address)
    {
        foreach (var (first, last) in ranges)
        {
            var low = Math.Max((uint)first, from);
            var high = Math.Min((uint)last, to);
            if (low > high || !table.TryFindFree(low, high, out var free))
                continue;
            address = InetAddress.FromV4(free);
            return true;
        }

        address = default;
        return false;
    }

    private static bool IsFree(UsableRanges pool, AssignedAddresses table, UInt128 number, out InetAddress address)
    {
        address = number.ToV6Address();
        if (table.IsTaken(address))
            return false;
        foreach (var (first, last) in pool.Ranges)
        {
            if (number >= first && number <= last)
                return true;
        }

        return false;
    }

    private static UInt128 At(IReadOnlyList<AddressRange> ranges, UInt128 offset)
    {
        foreach (var (first, last) in ranges)
        {
            var count = last - first + 1;
            if (offset < count)
                return first + offset;
            offset -= count;
        }

        return ranges[0].First;
    }

    private static UInt128 Random(RandomFill random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random(bytes);
        return new UInt128(BitConverter.ToUInt64(bytes), BitConverter.ToUInt64(bytes[8..]));
    }
}
