using System.Numerics;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard.Controller;

/// <summary>
/// The addresses that are assigned to a network's members. Finding a free IPv4 address takes a step for every 256 consecutive assigned addresses, however
/// large the range. An address may be assigned more than once, because two members can get the same address manually.
/// </summary>
internal sealed class AssignedAddresses
{
    private const int WordsPerPage = 4;

    // .255 is never free: some hosts treat it as a broadcast address regardless of the prefix.
    private const ulong LastWordReserved = 1UL << 63;

    private readonly Dictionary<InetAddress, int> _holders = [];

    // IPv4 addresses by their first 24 bits: a bit for each of the 256 addresses, set if it is assigned.
    private readonly Dictionary<uint, ulong[]> _pages = [];

    /// <summary>The number of distinct assigned addresses.</summary>
    public int Count => _holders.Count;

    public bool IsTaken(InetAddress address) => _holders.ContainsKey(address);

    public void Take(InetAddress address)
    {
        ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_holders, address, out _);
        if (count++ > 0 || !address.IsV4)
            return;
        if (!_pages.TryGetValue(address.V4 >> 8, out var page))
            _pages.Add(address.V4 >> 8, page = [0, 0, 0, LastWordReserved]);
        page[(address.V4 >> 6) & 3] |= 1UL << (int)(address.V4 & 63);
    }

    public void Release(InetAddress address)
    {
        ref var count = ref CollectionsMarshal.GetValueRefOrNullRef(_holders, address);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref count) || --count > 0)
            return;
        _holders.Remove(address);
        if (!address.IsV4 || (address.V4 & 255) == 255)
            return;
        var page = _pages[address.V4 >> 8];
        page[(address.V4 >> 6) & 3] &= ~(1UL << (int)(address.V4 & 63));
        if ((page[0] | page[1] | page[2] | (page[3] & ~LastWordReserved)) == 0)
            _pages.Remove(address.V4 >> 8);
    }

    /// <summary>Finds the first free IPv4 address from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public bool TryFindFree(uint first, uint last, out uint free)
    {
        for (ulong key = first >> 8; key <= last >> 8; key++)
        {
            var low = key == first >> 8 ? first & 255 : 0;
            var high = key == last >> 8 ? last & 255 : 255;
            var page = _pages.GetValueOrDefault((uint)key);
            for (var word = low >> 6; word <= high >> 6; word++)
            {
                var taken = page is not null ? page[word] : word == WordsPerPage - 1 ? LastWordReserved : 0;
                var wanted = ulong.MaxValue;
                if (word == low >> 6)
                    wanted &= ulong.MaxValue << (int)(low & 63);
                if (word == high >> 6)
                    wanted &= ulong.MaxValue >> (63 - (int)(high & 63));
                var open = ~taken & wanted;
                if (open == 0)
                    continue;
                free = ((uint)key << 8) | (word << 6) | (uint)BitOperations.TrailingZeroCount(open);
                return true;
            }
        }

        free = 0;
        return false;
    }
}
