using System.Text;
using Lanyard.Engine;
using Lanyard.Engine.Paths;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>What of a controller's assignments a node takes. Immutable; the defaults are those of existing nodes.</summary>
public sealed record LanyardNetworkSettings
{
    private const string AllowManagedKey = "allowManaged";
    private const string AllowGlobalKey = "allowGlobal";
    private const string AllowDefaultKey = "allowDefault";
    private const string AllowDnsKey = "allowDNS";

    // The shortest prefixes that networks have: of private ones 28.0.0.0/7, which the field uses, and 6plane's /40; of global ones what is given to
    // one holder. Whatever is shorter takes what is not the network's.
    private const int LeastPrivateBitsV4 = 7;
    private const int LeastPrivateBitsV6 = 40;
    private const int LeastGlobalBitsV4 = 8;
    private const int LeastGlobalBitsV6 = 16;
    private const int LeastBitsWithoutBroadcast = 31;

    /// <summary>Whether addresses and routes are taken from the controller. Default true.</summary>
    public bool AllowManaged { get; init; } = true;

    /// <summary>
    /// If not empty, addresses and routes are only taken where they lie in one of these networks. What the user names here may be of any size, and
    /// programs and proxies find it on the virtual network even where it is in this host's own LAN.
    /// </summary>
    public EquatableArray<InetPrefix> AllowManagedNetworks { get; init; }

    /// <summary>Whether addresses and routes are taken whose range is not all in private address space. Default false.</summary>
    public bool AllowGlobal { get; init; }

    /// <summary>Whether a default route is taken, or a route to so much of the address space that it is as good as one. Default false.</summary>
    public bool AllowDefault { get; init; }

    /// <summary>Whether names in the network's own domain are looked up with its DNS servers. Default false. A domain that is a public suffix, such as
    /// <c>com</c> or <c>co.uk</c>, is never taken: see <see cref="LanyardNetwork.ResolveAsync"/>.</summary>
    public bool AllowDns { get; init; }

    /// <summary>Why an assigned address is not taken; null where it is.</summary>
    internal string? RefusesAddress(InetPrefix assigned)
    {
        if (!IpScopes.IsAssignable(IpScopes.Of(assigned.Address)))
            return "it is not an address that a network can assign";
        if (assigned.Address.IsV4 && assigned.Bits < LeastBitsWithoutBroadcast && (assigned.Address == assigned.Network || assigned.Address == assigned.Last))
            return "it is the first or the last address of its range";
        return assigned.Bits == 0 ? "its range is all addresses" : RefusesRange(assigned);
    }

    /// <summary>Why a range, of a route or around an assigned address, is not taken; null where it is. The whole range is judged.</summary>
    internal string? RefusesRange(InetPrefix range)
    {
        if (!AllowManaged)
            return "allowManaged is off";
        if (!AllowManagedNetworks.IsEmpty && !Names(AllowManagedNetworks, range))
            return "it lies outside the networks of allowManaged";
        var scope = IpScopes.OfAll(range);
        var isPrivate = scope is IpScope.Private or IpScope.PseudoPrivate or IpScope.Shared;
        if (range.Bits == 0)
            return AllowDefault ? null : "allowDefault is off";
        if (AllowManagedNetworks.IsEmpty && range.Bits < LeastBits(range.Address.Family, isPrivate))
        {
            if (isPrivate)
                return "its range is too large for a private network";
            return AllowDefault ? null : "its range is as good as a default route, and allowDefault is off";
        }

        if (!IpScopes.IsAssignable(scope))
            return "not all of its range can be a network's";
        return scope == IpScope.Global && !AllowGlobal ? "allowGlobal is off" : null;
    }

    /// <summary>Whether one of the networks that a user named contains a range.</summary>
    internal static bool Names(EquatableArray<InetPrefix> named, InetPrefix range)
    {
        foreach (ref readonly var network in named)
        {
            if (network.Bits <= range.Bits && network.Contains(range.Address))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Reads a file <c>networks.d/ID.local.conf</c>: a line a setting, <c>key=value</c>; keys that are not known are left alone.
    /// </summary>
    /// <param name="file">The content of the file.</param>
    /// <param name="ignored">Called with a key and the part of its value that is not a network.</param>
    internal static LanyardNetworkSettings Parse(ReadOnlySpan<byte> file, Action<string, string>? ignored = null)
    {
        var settings = new LanyardNetworkSettings();
        foreach (var line in Encoding.UTF8.GetString(file).Split('\n'))
        {
            var cut = line.IndexOf('=', StringComparison.Ordinal);
            if (cut < 0)
                continue;
            var value = line[(cut + 1)..].Trim();
            var isOn = value.Length > 0 && value[0] is '1' or 't' or 'T' or 'y' or 'Y';
            settings = line[..cut].Trim() switch
            {
                AllowManagedKey => ParseManaged(settings, value, isOn, ignored),
                AllowGlobalKey => settings with { AllowGlobal = isOn },
                AllowDefaultKey => settings with { AllowDefault = isOn },
                AllowDnsKey => settings with { AllowDns = isOn },
                _ => settings,
            };
        }

        return settings;
    }

    /// <summary>The file with these settings; what else is in <paramref name="old"/> is kept.</summary>
    internal byte[] Write(ReadOnlySpan<byte> old)
    {
        var text = new StringBuilder();
        var networks = string.Join(",", (IEnumerable<InetPrefix>)AllowManagedNetworks);
        var managed = !AllowManaged ? "0" : AllowManagedNetworks.IsEmpty ? "1" : networks;
        text.Append(AllowManagedKey).Append('=').Append(managed).Append('\n');
        text.Append(AllowGlobalKey).Append('=').Append(AllowGlobal ? '1' : '0').Append('\n');
        text.Append(AllowDefaultKey).Append('=').Append(AllowDefault ? '1' : '0').Append('\n');
        text.Append(AllowDnsKey).Append('=').Append(AllowDns ? '1' : '0').Append('\n');
        foreach (var line in Encoding.UTF8.GetString(old).Split('\n'))
        {
            var key = line.Split('=')[0].Trim();
            if (key.Length > 0 && key is not (AllowManagedKey or AllowGlobalKey or AllowDefaultKey or AllowDnsKey))
                text.Append(line.TrimEnd('\r')).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    // Parses on, off, or the networks from which assignments are accepted. An empty value is on, as in existing nodes.
    private static LanyardNetworkSettings ParseManaged(LanyardNetworkSettings settings, string value, bool isOn, Action<string, string>? ignored)
    {
        if (value.AsSpan().IndexOfAny('.', ':', '/') < 0)
            return settings with { AllowManaged = isOn || value.Length == 0, AllowManagedNetworks = default };
        var networks = new List<InetPrefix>();
        foreach (var part in value.Split(','))
        {
            if (InetPrefix.TryParse(part.Trim(), out var network))
                networks.Add(network);
            else if (InetAddress.TryParse(part.Trim(), out var address))
                networks.Add(new InetPrefix(address, (byte)address.Bits));
            else
                ignored?.Invoke(AllowManagedKey, part.Trim());
        }

        return settings with { AllowManaged = networks.Count > 0, AllowManagedNetworks = networks.ToEquatableArray() };
    }

    private static int LeastBits(InetFamily family, bool isPrivate) => family == InetFamily.IPv4
        ? isPrivate ? LeastPrivateBitsV4 : LeastGlobalBitsV4
        : isPrivate ? LeastPrivateBitsV6 : LeastGlobalBitsV6;
}
