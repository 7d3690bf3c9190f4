using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>
/// How far an IP address reaches, in the protocol's order: of two paths with like latency, the one of the higher scope is preferred, and
/// addresses are only introduced to each other within one scope.
/// </summary>
public enum IpScope : byte
{
    /// <summary>Not an address that datagrams can be sent to: 0.0.0.0/8, 255.0.0.0/8, ::/96, and IPv4 addresses written as IPv6 ones.</summary>
    None = 0,

    /// <summary>224.0.0.0/4, ff00::/8.</summary>
    Multicast = 1,

    /// <summary>127.0.0.0/8, ::1.</summary>
    Loopback = 2,

    /// <summary>Officially global blocks that are widely used as private ones.</summary>
    PseudoPrivate = 3,

    /// <summary>Every other address.</summary>
    Global = 4,

    /// <summary>169.254.0.0/16, fe80::/10.</summary>
    LinkLocal = 5,

    /// <summary>Shared carrier address space; no block is assigned to it at present.</summary>
    Shared = 6,

    /// <summary>RFC 1918, RFC 6598, RFC 4193 and the documentation and benchmark blocks.</summary>
    Private = 7,
}

/// <summary>The scope of addresses.</summary>
public static class IpScopes
{
    /// <summary>The number of scopes. Values run from 0 to this number less one.</summary>
    public const int Count = 8;

    // The blocks that are not global. A block within another comes first.
    private static readonly (InetPrefix Block, IpScope Scope)[] Blocks =
    [
        (InetPrefix.Parse("10.0.0.0/8"), IpScope.Private),
        (InetPrefix.Parse("192.168.0.0/16"), IpScope.Private),
        (InetPrefix.Parse("172.16.0.0/12"), IpScope.Private),
        (InetPrefix.Parse("100.64.0.0/10"), IpScope.Private),
        (InetPrefix.Parse("fc00::/7"), IpScope.Private),
        (InetPrefix.Parse("127.0.0.0/8"), IpScope.Loopback),
        (InetPrefix.Parse("::1/128"), IpScope.Loopback),
        (InetPrefix.Parse("224.0.0.0/4"), IpScope.Multicast),
        (InetPrefix.Parse("ff00::/8"), IpScope.Multicast),
        (InetPrefix.Parse("169.254.0.0/16"), IpScope.LinkLocal),
        (InetPrefix.Parse("fe80::/10"), IpScope.LinkLocal),
        (InetPrefix.Parse("0.0.0.0/8"), IpScope.None),
        (InetPrefix.Parse("255.0.0.0/8"), IpScope.None),
        (InetPrefix.Parse("::/96"), IpScope.None),
        (new InetPrefix(InetAddress.FromV6(0, 0xffff_0000_0000), 96), IpScope.None),
        (InetPrefix.Parse("192.0.2.0/24"), IpScope.Private),
        (InetPrefix.Parse("198.18.0.0/15"), IpScope.Private),
        (InetPrefix.Parse("198.51.100.0/24"), IpScope.Private),
        (InetPrefix.Parse("203.0.113.0/24"), IpScope.Private),
        (InetPrefix.Parse("11.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("21.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("22.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("25.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("26.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("28.0.0.0/7"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("30.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("51.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("55.0.0.0/8"), IpScope.PseudoPrivate),
        (InetPrefix.Parse("240.0.0.0/4"), IpScope.PseudoPrivate),
    ];

    /// <summary>The scope of an address.</summary>
    public static IpScope Of(InetAddress address)
    {
        if (address.Family == InetFamily.None)
            return IpScope.None;
        foreach (var (block, scope) in Blocks)
        {
            if (block.Contains(address))
                return scope;
        }

        return IpScope.Global;
    }

    /// <summary>
    /// The scope of a whole range: that of the block that it lies in, <see cref="IpScope.None"/> where part of it is of a scope that no network can
    /// assign, else <see cref="IpScope.Global"/>.
    /// </summary>
    public static IpScope OfAll(InetPrefix range)
    {
        var found = range.Address.Family == InetFamily.None ? IpScope.None : IpScope.Global;
        foreach (var (block, scope) in Blocks)
        {
            if (block.Bits <= range.Bits && block.Contains(range.Address))
                return scope;
            if (range.Contains(block.Address) && !IsAssignable(scope))
                found = IpScope.None;
        }

        return found;
    }

    /// <summary>Whether a network can give its members addresses of a scope.</summary>
    public static bool IsAssignable(IpScope scope) => scope is not (IpScope.None or IpScope.Multicast or IpScope.Loopback or IpScope.LinkLocal);
}
