using System.Buffers.Binary;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A range of addresses as numbers, both ends included. IPv4 addresses are numbers below 2^32.</summary>
internal readonly record struct AddressRange(UInt128 First, UInt128 Last) : IComparable<AddressRange>
{
    public int CompareTo(AddressRange other) => First.CompareTo(other.First);
}

/// <summary>
/// The addresses of a pool that may be assigned: addresses that a route of the network covers, without the routes' network and broadcast
/// addresses. They depend on the network's record alone, and are computed once for it.
/// </summary>
internal sealed class UsableRanges
{
    private readonly List<AddressRange> _ranges = [];

    private UsableRanges(AddressPool pool) => Pool = new AddressRange(pool.First.ToNumber(), pool.Last.ToNumber());

    /// <summary>The pool itself.</summary>
    public AddressRange Pool { get; }

    /// <summary>The offset of the next address to try consecutively.</summary>
    public UInt128 NextTrial { get; set; }

    /// <summary>The usable ranges, ascending, without overlap.</summary>
    public IReadOnlyList<AddressRange> Ranges => _ranges;

    /// <summary>Returns the usable ranges of a network's pools of an address family, in the order of the pools.</summary>
    public static List<UsableRanges> Of(NetworkRecord network, InetFamily family)
    {
        var result = new List<UsableRanges>();
        foreach (var pool in network.Pools)
        {
            if (pool.First.Family != family || pool.Last.Family != family || pool.Last.CompareTo(pool.First) < 0 || pool.First.IsUnspecified)
                continue;
            var usable = new UsableRanges(pool);
            usable.Fill(network.Routes, family);
            if (usable._ranges.Count > 0)
                result.Add(usable);
        }

        return result;
    }

    private void Fill(EquatableArray<ManagedRoute> routes, InetFamily family)
    {
        var covered = new List<AddressRange>();
        var excluded = new SortedSet<UInt128>();
        foreach (var route in routes)
        {
            var target = route.Target;
            // A default route covers no address. IPv6 addresses are assigned on the link only, IPv4 addresses also behind a member that routes.
            if (target.Address.Family != family || target.Bits == 0 || (family == InetFamily.IPv6 && route.Via.IsV6))
                continue;
            var first = target.Network.ToNumber();
            var last = target.Last.ToNumber();
            if (last - first > 1)
            {
                // IPv4: network and broadcast (not on /31, RFC 3021). IPv6: the subnet-router anycast address (RFC 4291 section 2.6.1).
                excluded.Add(first);
                if (family == InetFamily.IPv4)
                    excluded.Add(last);
            }

            first = UInt128.Max(first, Pool.First);
            last = UInt128.Min(last, Pool.Last);
            if (first <= last)
                covered.Add(new AddressRange(first, last));
        }

        covered.Sort();
        foreach (var range in covered)
        {
            if (_ranges.Count > 0 && range.First <= _ranges[^1].Last)
                _ranges[^1] = _ranges[^1] with { Last = UInt128.Max(_ranges[^1].Last, range.Last) };
            else
                _ranges.Add(range);
        }

        foreach (var address in excluded)
            Cut(address);
    }

    private void Cut(UInt128 address)
    {
        for (var i = 0; i < _ranges.Count; i++)
        {
            var (first, last) = _ranges[i];
            if (address < first || address > last)
                continue;
            _ranges.RemoveAt(i);
            if (address < last)
                _ranges.Insert(i, new AddressRange(address + 1, last));
            if (address > first)
                _ranges.Insert(i, new AddressRange(first, address - 1));
            return;
        }
    }
}

/// <summary>Conversions between addresses and numbers.</summary>
internal static class AddressNumbers
{
    public static UInt128 ToNumber(this InetAddress address) =>
        address.IsV4 ? address.V4 : new UInt128(address.V6High, address.V6Low);

    public static InetAddress ToV6Address(this UInt128 number) => InetAddress.FromV6((ulong)(number >> 64), (ulong)number);
}
