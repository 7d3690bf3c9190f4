using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A line of the policy table (RFC 6724 section 2.1).</summary>
/// <param name="Prefix">The IPv6 addresses that it is for; the longest prefix counts. IPv4 addresses are those of
/// <c>::ffff:0:0/96</c>.</param>
/// <param name="Precedence">The destination with the higher precedence is tried first.</param>
/// <param name="Label">A source with the label of the destination is preferred.</param>
public readonly record struct AddressPolicy(InetPrefix Prefix, int Precedence, int Label)
{
    /// <summary>The table of RFC 6724 section 2.1.</summary>
    public static IReadOnlyList<AddressPolicy> Default { get; } =
    [
        new(InetPrefix.Parse("::1/128"), 50, 0),
        new(InetPrefix.Parse("::/0"), 40, 1),
        new(new InetPrefix(InetAddress.FromV6(0, 0xffff_0000_0000), 96), 35, 4),
        new(InetPrefix.Parse("2002::/16"), 30, 2),
        new(InetPrefix.Parse("2001::/32"), 5, 5),
        new(InetPrefix.Parse("fc00::/7"), 3, 13),
        new(InetPrefix.Parse("::/96"), 1, 3),
        new(InetPrefix.Parse("fec0::/10"), 1, 11),
        new(InetPrefix.Parse("3ffe::/16"), 1, 12),
    ];
}

/// <summary>Selects sources and sorts destinations (RFC 6724). The host has one port, so rule 5 of both lists never applies, and it has no home or
/// temporary addresses (rules 4 and 7).</summary>
internal sealed class AddressSelection(NetworkHost host)
{
    private const int LinkScope = 2;
    private const int SiteScope = 5;
    private const int GlobalScope = 14;

    /// <summary>Selects the best source for a destination whose next hop is known.</summary>
    public bool TrySelectSource(InetAddress destination, InetAddress next, out InetAddress source)
    {
        var addresses = host.AddressTable.Addresses;
        var best = -1;
        for (var i = 0; i < addresses.Count; i++)
        {
            if (addresses[i].Address.Family == destination.Family
                && (best < 0 || IsBetterSource(addresses[i], addresses[best], destination, next)))
                best = i;
        }

        source = best < 0 ? default : addresses[best].Address;
        return best >= 0;
    }

    /// <summary>Sorts destinations in the order in which to try them (section 6). Equal destinations keep their order.</summary>
    public void Sort(Span<InetAddress> destinations)
    {
        var candidates = new Candidate[destinations.Length];
        for (var i = 0; i < destinations.Length; i++)
        {
            host.Routing.TrySelectSource(destinations[i], out var source);
            candidates[i] = new Candidate(destinations[i], source);
        }

        // Insertion sort keeps the order of equal destinations.
        for (var i = 1; i < candidates.Length; i++)
        {
            var candidate = candidates[i];
            var at = i;
            for (; at > 0 && IsBetterDestination(candidate, candidates[at - 1]); at--)
                candidates[at] = candidates[at - 1];
            candidates[at] = candidate;
        }

        for (var i = 0; i < destinations.Length; i++)
            destinations[i] = candidates[i].Destination;
    }

    /// <summary>Returns the scope of an address, in the numbers of multicast scopes (section 3.1, section 3.2 for IPv4).</summary>
    public static int Scope(InetAddress address)
    {
        if (address.IsV4)
        {
            var isLink = address.IsLoopback || address.IsLinkLocal || address.V4 >> 8 == 0xe00000;
            return isLink ? LinkScope : GlobalScope;
        }

        if (address.IsMulticast)
            return (int)(address.V6High >> 48) & 15;
        if (address.IsLoopback || address.IsLinkLocal)
            return LinkScope;
        return address.V6High >> 54 == 0xfec0 >> 6 ? SiteScope : GlobalScope;
    }

    /// <summary>Returns the line of the policy table for an address.</summary>
    public AddressPolicy Policy(InetAddress address)
    {
        if (address.IsV4)
            address = InetAddress.FromV6(0, 0xffff_0000_0000UL | address.V4);
        AddressPolicy best = default;
        var table = host.Options.AddressPolicies;
        for (var i = 0; i < table.Count; i++)
        {
            if (table[i].Prefix.Contains(address) && (best.Prefix.Address.Family == InetFamily.None || table[i].Prefix.Bits > best.Prefix.Bits))
                best = table[i];
        }

        return best;
    }

    // Section 5; the numbers are those of its rules.
    private bool IsBetterSource(InetPrefix a, InetPrefix b, InetAddress destination, InetAddress next)
    {
        // 1: the destination itself.
        if (b.Address == destination)
            return false;
        if (a.Address == destination)
            return true;
        // 2: an appropriate scope.
        var scopeA = Scope(a.Address);
        var scopeB = Scope(b.Address);
        if (scopeA != scopeB)
            return scopeA < scopeB ? scopeA >= Scope(destination) : scopeB < Scope(destination);
        // 3: an address that is being checked for duplicates counts as deprecated (RFC 4429 section 3.1).
        if (IsDoubtful(a.Address) != IsDoubtful(b.Address))
            return IsDoubtful(b.Address);
        // 5.5: the next hop's network.
        if (a.Contains(next) != b.Contains(next))
            return a.Contains(next);
        // 6: a matching label.
        if (destination.IsV6)
        {
            var label = Policy(destination).Label;
            var matchesA = Policy(a.Address).Label == label;
            if (matchesA != (Policy(b.Address).Label == label))
                return matchesA;
        }

        // 8: the longest matching prefix.
        return CommonBits(a, destination) > CommonBits(b, destination);
    }

    // Section 6.
    private bool IsBetterDestination(in Candidate a, in Candidate b)
    {
        // 1: a reachable destination.
        if (a.IsUsable != b.IsUsable)
            return a.IsUsable;
        if (a.IsUsable)
        {
            // 2: a source of its scope.
            var matchesA = Scope(a.Source) == Scope(a.Destination);
            if (matchesA != (Scope(b.Source) == Scope(b.Destination)))
                return matchesA;
            // 3: a source that is not being checked for duplicates.
            if (IsDoubtful(a.Source) != IsDoubtful(b.Source))
                return IsDoubtful(b.Source);
            // 5: a source of its label.
            matchesA = Policy(a.Source).Label == Policy(a.Destination).Label;
            if (matchesA != (Policy(b.Source).Label == Policy(b.Destination).Label))
                return matchesA;
        }

        // 6: the higher precedence.
        var precedenceA = Policy(a.Destination).Precedence;
        var precedenceB = Policy(b.Destination).Precedence;
        if (precedenceA != precedenceB)
            return precedenceA > precedenceB;
        // 8: the smaller scope.
        if (Scope(a.Destination) != Scope(b.Destination))
            return Scope(a.Destination) < Scope(b.Destination);
        // 9: the longest matching prefix.
        return a.IsUsable && a.Destination.IsV6 && b.Destination.IsV6
            && CommonBits(PrefixOf(a.Source), a.Destination) > CommonBits(PrefixOf(b.Source), b.Destination);
    }

    private bool IsDoubtful(InetAddress address) => host.Conflicts.IsOptimistic(address);

    // Up to the source's own prefix (section 2.2).
    private static int CommonBits(InetPrefix source, InetAddress destination) =>
        Math.Min(source.Address.CommonPrefixLength(destination), source.Bits);

    private InetPrefix PrefixOf(InetAddress source)
    {
        var addresses = host.AddressTable.Addresses;
        for (var i = 0; i < addresses.Count; i++)
        {
            if (addresses[i].Address == source)
                return addresses[i];
        }

        return new InetPrefix(source, (byte)source.Bits);
    }

    private readonly record struct Candidate(InetAddress Destination, InetAddress Source)
    {
        public bool IsUsable => Source.Family != InetFamily.None;
    }
}
