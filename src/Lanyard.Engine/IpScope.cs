using Lanyard.Primitives;

namespace Lanyard.Engine;

/// <summary>
/// How far an IP address reaches, in the protocol's order: of two paths with like latency, the one of the higher scope is preferred, and
/// addresses are only introduced to each other within one scope.
/// </summary>
public enum IpScope : byte
{
    /// <summary>Not an address that datagrams can be sent to.</summary>
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
    /// <summary>How many scopes there are; values run from 0 to this less one.</summary>
    public const int Count = 8;

    /// <summary>The scope of an address.</summary>
    public static IpScope Of(InetAddress address)
    {
        if (address.IsUnspecified || address.Family == InetFamily.None)
            return IpScope.None;
        if (address.IsLoopback)
            return IpScope.Loopback;
        if (address.IsMulticast)
            return IpScope.Multicast;
        if (address.IsLinkLocal)
            return IpScope.LinkLocal;
        return address.IsV4 ? OfV4(address.V4) : address.V6High >> 57 == 0xfc >> 1 ? IpScope.Private : IpScope.Global;
    }

    private static IpScope OfV4(uint ip) => (ip >> 24) switch
    {
        10 => IpScope.Private,
        11 or 21 or 22 or 25 or 26 or 28 or 29 or 30 or 51 or 55 => IpScope.PseudoPrivate,
        100 when ip >> 22 == 0x64400000 >> 22 => IpScope.Private,
        172 when ip >> 20 == 0xac1 => IpScope.Private,
        192 when ip >> 16 == 0xc0a8 || ip >> 8 == 0xc00002 => IpScope.Private,
        198 when ip >> 17 == 0xc6120000 >> 17 || ip >> 8 == 0xc63364 => IpScope.Private,
        203 when ip >> 8 == 0xcb0071 => IpScope.Private,
        255 or 0 => IpScope.None,
        >= 240 => IpScope.PseudoPrivate,
        _ => IpScope.Global,
    };
}
