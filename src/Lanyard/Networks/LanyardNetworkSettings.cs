using System.Text;
using Lanyard.Engine;
using Lanyard.Engine.Paths;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>The controller's assignments that a node accepts. Immutable. The defaults are those of existing nodes.</summary>
public sealed record LanyardNetworkSettings
{
    private const string AllowManagedKey = "allowManaged";
    private const string AllowGlobalKey = "allowGlobal";
    private const string AllowDefaultKey = "allowDefault";
    private const string AllowDnsKey = "allowDNS";

    // The shortest prefixes of real networks: for private address space 28.0.0.0/7, which existing networks use, and the /40 of 6plane; for global address space the
    // largest allocation to one holder. A shorter prefix contains addresses of others.
    private const int LeastPrivateBitsV4 = 7;
    private const int LeastPrivateBitsV6 = 40;
    private const int LeastGlobalBitsV4 = 8;
    private const int LeastGlobalBitsV6 = 16;
    private const int LeastBitsWithoutBroadcast = 31;

    /// <summary>Whether to accept addresses and routes from the controller. Default true.</summary>
    public bool AllowManaged { get; init; } = true;

    /// <summary>
    /// The networks from which addresses and routes are accepted; empty (the default) for no such restriction. A network in this list may have any size, and programs and
    /// proxies reach it over the virtual network even if it overlaps the LAN of this host.
    /// </summary>
    public EquatableArray<InetPrefix> AllowManagedNetworks { get; init; }

    /// <summary>Whether to accept addresses and routes outside of private address space. Default false.</summary>
    public bool AllowGlobal { get; init; }

    /// <summary>Whether to accept a default route, or a route to a similarly large part of the address space. Default false.</summary>
    public bool AllowDefault { get; init; }

    /// <summary>Whether to resolve names in the network's domain with its DNS servers. Default false. A domain that is a public suffix, such as <c>com</c> or
    /// <c>co.uk</c>, is never accepted: see <see cref="LanyardNetwork.ResolveAsync"/>.</summary>
    public bool AllowDns { get; init; }

    /// <summary>Returns the reason why an assigned address is refused, as a clause; null if it is accepted.</summary>
    internal string? RefusesAddress(InetPrefix assigned)
    {
        if (!IpScopes.IsAssignable(IpScopes.Of(assigned.Address)))
            return "it is not an address that a network can assign";
        if (assigned.Address.IsV4 && assigned.Bits < LeastBitsWithoutBroadcast && (assigned.Address == assigned.Network || assigned.Address == assigned.Last))
            return "it is the first or the last address of its range";
        return assigned.Bits == 0 ? "its range is all addresses" : RefusesRange(assigned);
    }

    /// <summary>Returns the reason why a range (of a route, or of an assigned address) is refused, as a clause; null if all of it is accepted.</summary>
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

    /// <summary>Whether one of the user's networks contains a range.</summary>
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
    /// Parses a file <c>networks.d/ID.local.conf</c>: one setting a line, <c>key=value</c>. Unknown keys are ignored.
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

    /// <summary>Returns the file with these settings. Other lines of <paramref name="old"/> are kept.</summary>
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
