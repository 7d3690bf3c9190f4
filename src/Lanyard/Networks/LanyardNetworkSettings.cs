using System.Text;
using Lanyard.Engine;
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

    /// <summary>Whether addresses and routes are taken from the controller. Default true.</summary>
    public bool AllowManaged { get; init; } = true;

    /// <summary>If not empty, addresses and routes are only taken where they lie in one of these networks.</summary>
    public EquatableArray<InetPrefix> AllowManagedNetworks { get; init; }

    /// <summary>Whether addresses and routes in globally routed address space are taken. Default false.</summary>
    public bool AllowGlobal { get; init; }

    /// <summary>Whether a default route is taken. Default false.</summary>
    public bool AllowDefault { get; init; }

    /// <summary>Whether the network's DNS is taken for all names. Default false. Names in the network's own domain are asked for regardless: see
    /// <see cref="LanyardNetwork.ResolveAsync"/>.</summary>
    public bool AllowDns { get; init; }

    /// <summary>Why an assigned address or route is not taken; null where it is.</summary>
    internal string? Refuses(InetPrefix assigned)
    {
        if (!AllowManaged)
            return "allowManaged is off";
        if (!AllowManagedNetworks.IsEmpty
            && !((IEnumerable<InetPrefix>)AllowManagedNetworks).Any(n => n.Bits <= assigned.Bits && n.Contains(assigned.Address)))
            return "it lies outside the networks of allowManaged";
        if (assigned.Bits == 0)
            return AllowDefault ? null : "allowDefault is off";
        return IpScopes.Of(assigned.Address) switch
        {
            IpScope.None or IpScope.Multicast or IpScope.Loopback or IpScope.LinkLocal => "it is not an address that a network can assign",
            IpScope.Global when !AllowGlobal => "allowGlobal is off",
            _ => null,
        };
    }

    /// <summary>
    /// Reads a file <c>networks.d/ID.local.conf</c>: a line a setting, <c>key=value</c>; keys that are not known are left alone.
    /// </summary>
    internal static LanyardNetworkSettings Parse(ReadOnlySpan<byte> file)
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
                AllowManagedKey => ParseManaged(settings, value, isOn),
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

    // On, off, or the networks from which assignments are taken.
    private static LanyardNetworkSettings ParseManaged(LanyardNetworkSettings settings, string value, bool isOn)
    {
        if (!value.Contains('/', StringComparison.Ordinal))
            return settings with { AllowManaged = isOn };
        var networks = new List<InetPrefix>();
        foreach (var part in value.Split(','))
        {
            if (InetPrefix.TryParse(part.Trim(), out var network))
                networks.Add(network);
        }

        return settings with { AllowManaged = networks.Count > 0, AllowManagedNetworks = networks.ToEquatableArray() };
    }
}
