using System.Globalization;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Reads the routes of this machine, except default routes, on Linux. Reports none on other systems.</summary>
internal static class HostRoutes
{
    // The maximum number of lines to read; excess routes are ignored.
    private const int MaxLines = 16_384;

    private const int Up = 1; // RTF_UP
    private const int Reject = 0x200; // RTF_REJECT

    // Interface, destination, gateway, flags, reference count, use, metric, mask.
    private const int FieldsV4 = 8;

    // Destination and its prefix length, source and its prefix length, next hop, metric, reference count, use, flags, interface.
    private const int FieldsV6 = 10;

    /// <summary>Reads the routes, each with its interface name. Returns none if the system does not report them.</summary>
    public static IReadOnlyList<(InetPrefix Network, string Interface)> Read()
    {
        var routes = new List<(InetPrefix, string)>();
        routes.AddRange(ReadLines("/proc/net/route", TryParseV4));
        routes.AddRange(ReadLines("/proc/net/ipv6_route", TryParseV6));
        return routes;
    }

    /// <summary>Parses a line of <c>/proc/net/route</c>. Returns false for the heading, and for default, inactive, rejecting, loopback, link-local and multicast routes.</summary>
    public static bool TryParseV4(string line, out (InetPrefix Network, string Interface) route)
    {
        route = default;
        var fields = Split(line);
        if (fields.Length < FieldsV4 || !TryHex(fields[1], out var destination) || !TryHex(fields[3], out var flags) || !TryHex(fields[7], out var mask))
            return false;
        // The file contains addresses as numbers in host byte order.
        var network = InetAddress.FromBytes(BitConverter.GetBytes(destination));
        var bits = 0;
        for (var rest = InetAddress.FromBytes(BitConverter.GetBytes(mask)).V4; (rest & 0x8000_0000) != 0; rest <<= 1)
            bits++;
        return TryTake(network, bits, flags, fields[0], out route);
    }

    /// <summary>Parses a line of <c>/proc/net/ipv6_route</c>. Returns false for default, inactive, rejecting, loopback, link-local and multicast routes.</summary>
    public static bool TryParseV6(string line, out (InetPrefix Network, string Interface) route)
    {
        route = default;
        var fields = Split(line);
        const int digits = 32;
        if (fields.Length < FieldsV6 || fields[0].Length != digits
            || !ulong.TryParse(fields[0].AsSpan(0, digits / 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var high)
            || !ulong.TryParse(fields[0].AsSpan(digits / 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var low)
            || !TryHex(fields[1], out var bits) || !TryHex(fields[8], out var flags))
            return false;
        return TryTake(InetAddress.FromV6(high, low), (int)bits, flags, fields[9], out route);
    }

    private static bool TryTake(InetAddress network, int bits, uint flags, string card, out (InetPrefix Network, string Interface) route)
    {
        route = (new InetPrefix(network, (byte)Math.Min(bits, network.Bits)), card);
        return bits > 0 && (flags & Up) != 0 && (flags & Reject) == 0 && card != "lo" && !network.IsMulticast && !(network.IsV6 && network.IsLinkLocal);
    }

    private static List<(InetPrefix, string)> ReadLines(string path, Parser parse)
    {
        var routes = new List<(InetPrefix, string)>();
        try
        {
            if (!File.Exists(path))
                return routes;
            foreach (var line in File.ReadLines(path).Take(MaxLines))
            {
                if (parse(line, out var route))
                    routes.Add(route);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The system does not report its routes.
        }

        return routes;
    }

    private static string[] Split(string line) => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);

    private static bool TryHex(string text, out uint value) => uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    private delegate bool Parser(string line, out (InetPrefix Network, string Interface) route);
}
