using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Primitives;

/// <summary>Parses IP addresses in place of host names, in all the forms that programs write.</summary>
public static class HostNames
{
    /// <summary>
    /// Parses an IP address. An IPv6 address may be in brackets. An IPv4 address may be in IPv6 form (<c>::ffff:10.1.2.3</c>, which is that IPv4 address). A final dot
    /// is allowed, as in any host name.
    /// </summary>
    /// <param name="host">The host name.</param>
    /// <param name="address">The address; none if the host name is not an address.</param>
    /// <returns>False if the host name is not an address.</returns>
    public static bool TryParseAddress([NotNullWhen(true)] string? host, out InetAddress address)
    {
        address = default;
        if (string.IsNullOrEmpty(host))
            return false;
        host = WithoutFinalDot(host);
        if (host.Length > 2 && host[0] == '[' && host[^1] == ']')
            host = host[1..^1];
        if (!InetAddress.TryParse(host, out address))
            return false;
        address = address.Unmapped;
        return true;
    }

    /// <summary>Removes the final dot of a fully qualified name.</summary>
    /// <param name="host">The host name.</param>
    /// <returns>The host name without its final dot.</returns>
    public static string WithoutFinalDot(string host) => host.Length > 1 && host[^1] == '.' ? host[..^1] : host;
}
