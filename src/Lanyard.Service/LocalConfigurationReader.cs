using System.Globalization;
using System.Net;
using System.Text.Json;
using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Reads the content of a <c>local.conf</c>. An error contains the file, the key and the expected value.</summary>
/// <param name="path">The file, for messages.</param>
internal sealed class LocalConfigurationReader(string path)
{
    private const int MinMtuBytes = 1_400;
    private const int MaxMtuBytes = 10_100;

    // ::ffff:0:0/96, RFC 4291 section 2.5.5.2.
    private const int MappedBits = 96;

    private const string NetworkExpected = "a network such as 10.0.0.0/8 or fd00::/8";
    private const string NoTcpRelay = "this node does not relay through TCP";
    private const string OnePort = "the node has one port";
    private const string NoUpdates = "this program does not update itself; its package manager does";
    private const string NoBonding = "this node does not bond paths";
    private const string ControllerStore = "the controller's records are in controller.sqlite";
    private const string NoThreads = "this node has no setting for the number of threads";

    private enum Kind
    {
        Switch,
        Number,
        Text,
        Object,
    }

    // Settings that other nodes support and this node does not. A switch that is off, a number of 0 or 1, or a string that names the default requests nothing.
    // A value of another type never stops the service, because it has no effect.
    private static readonly (string Key, Kind Kind, string Why)[] Others =
    [
        ("allowSecondaryPort", Kind.Switch, OnePort),
        ("secondaryPort", Kind.Number, OnePort),
        ("tertiaryPort", Kind.Number, OnePort),
        ("portMappingEnabled", Kind.Switch, "this node does not ask routers to map ports"),
        ("allowTcpFallbackRelay", Kind.Switch, NoTcpRelay),
        ("forceTcpRelay", Kind.Switch, NoTcpRelay),
        ("tcpFallbackRelay", Kind.Text, NoTcpRelay),
        ("softwareUpdate", Kind.Text, NoUpdates),
        ("softwareUpdateChannel", Kind.Text, NoUpdates),
        ("softwareUpdateDist", Kind.Switch, NoUpdates),
        ("multipathMode", Kind.Number, NoBonding),
        ("defaultBondingPolicy", Kind.Text, NoBonding),
        ("policies", Kind.Object, NoBonding),
        ("peerSpecificBonds", Kind.Object, NoBonding),
        ("multicoreEnabled", Kind.Switch, NoThreads),
        ("concurrency", Kind.Number, NoThreads),
        ("cpuPinningEnabled", Kind.Switch, NoThreads),
        ("controllerDbPath", Kind.Text, ControllerStore),
        ("redis", Kind.Object, ControllerStore),
        ("ssoRedirectURL", Kind.Text, "this service has no sign-in page"),
        ("vault", Kind.Object, "the identity is in the state folder"),
        ("enableWebServer", Kind.Switch, "this service has no web pages"),
    ];

    private readonly List<string> _withoutEffect = [];
    private readonly List<string> _adjusted = [];

    /// <summary>Returns a field's value; null if the field is missing or null.</summary>
    public static JsonElement? Find(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Reads the file's content.</summary>
    /// <exception cref="LanyardStateException">The content is invalid.</exception>
    public LocalConfiguration Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new LanyardStateException(path, $"The file '{path}' is not a JSON object.");
        var configuration = ReadVirtual(Object(root, "virtual", "virtual"), ReadPhysical(Object(root, "physical", "physical"), new LocalConfiguration { Document = root }));
        if (Object(root, "settings", "settings") is { } settings)
            configuration = ReadSettings(settings, configuration);
        return LanyardSectionReader.Read(root, configuration, path) with { WithoutEffect = _withoutEffect, Adjusted = _adjusted };
    }

    private LocalConfiguration ReadSettings(JsonElement settings, LocalConfiguration configuration)
    {
        foreach (var (key, kind, why) in Others)
        {
            if (Find(settings, key) is { } value && RequestsFeature(kind, value))
                _withoutEffect.Add($"settings.{key}: {why}");
        }

        return configuration with
        {
            PrimaryPort = Find(settings, "primaryPort") is { } port ? Port("settings.primaryPort", port) : null,
            Bind = Items(settings, "bind", "settings.bind", "an IP address such as 192.0.2.1",
                text => BindAddress("settings.bind", text)),
            InterfacePrefixBlacklist = [.. Items(settings, "interfacePrefixBlacklist", "settings.interfacePrefixBlacklist", "a prefix of an interface name",
                text => text).Where(text => text.Length > 0)],
            AllowManagementFrom = Items<InetPrefix>(settings, "allowManagementFrom", "settings.allowManagementFrom", NetworkExpected,
                text => Network("settings.allowManagementFrom", text)),
        };
    }

    private LocalConfiguration ReadPhysical(JsonElement? physical, LocalConfiguration configuration)
    {
        if (physical is null)
            return configuration;
        var blocked = new List<InetPrefix>();
        var trusted = new List<LanyardTrustedPath>();
        var mtus = new List<LanyardPathMtu>();
        foreach (var entry in physical.Value.EnumerateObject())
        {
            var key = $"physical.{entry.Name}";
            if (Network(key, entry.Name) is not { } network)
                throw Bad(key, $"is not a physical network, such as {NetworkExpected}");
            if (entry.Value.ValueKind != JsonValueKind.Object)
                throw Bad(key, "is not an object", entry.Value);
            if (Find(entry.Value, "blacklist") is { } isBlocked && Switch(key + ".blacklist", isBlocked))
                blocked.Add(network);
            if (Find(entry.Value, "trustedPathId") is { } id && TrustedPathId(key + ".trustedPathId", id) is var number and not 0)
                trusted.Add(new LanyardTrustedPath(network, number));
            if (Find(entry.Value, "mtu") is { } mtu && Mtu(key + ".mtu", mtu) is var bytes and not 0)
                mtus.Add(new LanyardPathMtu(network, bytes));
        }

        return configuration with { BlockedPhysicalNetworks = blocked, TrustedPaths = trusted, PathMtus = mtus };
    }

    private LocalConfiguration ReadVirtual(JsonElement? peers, LocalConfiguration configuration)
    {
        if (peers is null)
            return configuration;
        var hints = new List<LanyardPeerHint>();
        var blocked = new List<BlockedPath>();
        foreach (var entry in peers.Value.EnumerateObject())
        {
            var key = $"virtual.{entry.Name}";
            if (!NodeAddress.TryParse(entry.Name, out var peer))
                throw Bad(key, "is not a node address, ten hexadecimal digits");
            if (entry.Value.ValueKind != JsonValueKind.Object)
                throw Bad(key, "is not an object", entry.Value);
            hints.AddRange(Items(entry.Value, "try", key + ".try", "an IP address and UDP port such as 192.0.2.1/9993",
                text => InetEndpoint.TryParse(text, out var endpoint) && endpoint.Port != 0 ? new LanyardPeerHint(peer, endpoint) : default(LanyardPeerHint?)));
            blocked.AddRange(Items(entry.Value, "blacklist", key + ".blacklist", NetworkExpected,
                text => Network(key + ".blacklist", text) is { } network ? new BlockedPath(peer, network) : default(BlockedPath?)));
        }

        return configuration with { PeerHints = hints, BlockedPeerNetworks = blocked };
    }

    /// <summary>
    /// Reads a network. A single address is the network of that address alone; the unspecified address is all addresses of its family. An IPv4 network in IPv6 form
    /// (<c>::ffff:10.0.0.0/104</c>) is that IPv4 network.
    /// </summary>
    private InetPrefix? Network(string key, string text)
    {
        if (InetPrefix.TryParse(text, out var network))
            return Unmapped(network);
        if (!InetAddress.TryParse(text, out var address))
            return null;
        if (!address.IsUnspecified)
            return Unmapped(new InetPrefix(address, (byte)address.Bits));
        network = new InetPrefix(address, 0);
        _adjusted.Add($"\"{key}\": \"{text}\" is read as {network}");
        return network;
    }

    private static InetPrefix Unmapped(InetPrefix network) => network.Bits >= MappedBits && network.Address.Unmapped is { IsV4: true } address
        ? new InetPrefix(address, (byte)(network.Bits - (network.Address.IsV4 ? 0 : MappedBits)))
        : network;

    // Existing nodes accept a port or a prefix length after the address and ignore it.
    private IPAddress? BindAddress(string key, string text)
    {
        var cut = text.IndexOf('/', StringComparison.Ordinal);
        if (!InetAddress.TryParse(cut < 0 ? text : text[..cut], out var address))
            return null;
        if (cut >= 0)
            _adjusted.Add($"\"{key}\": \"{text}\" is read as {address}");
        return address.Unmapped.ToIPAddress();
    }

    private JsonElement? Object(JsonElement json, string name, string key) =>
        Find(json, name) is not { } value ? null : value.ValueKind == JsonValueKind.Object ? value : throw Bad(key, "is not an object", value);

    private List<T> Items<T>(JsonElement json, string name, string key, string expected, Func<string, T?> parse)
        where T : struct => [.. ItemsOf(json, name, key, expected, text => parse(text) is { } item ? item : default(object?)).Cast<T>()];

    private List<T> Items<T>(JsonElement json, string name, string key, string expected, Func<string, T?> parse)
        where T : class => [.. ItemsOf(json, name, key, expected, parse).Cast<T>()];

    private List<object> ItemsOf(JsonElement json, string name, string key, string expected, Func<string, object?> parse)
    {
        var items = new List<object>();
        if (Find(json, name) is not { } list)
            return items;
        if (list.ValueKind != JsonValueKind.Array)
            throw Bad(key, $"is not an array, each item {expected}", list);
        foreach (var item in list.EnumerateArray())
        {
            var parsed = LenientValues.TryReadText(item) is { } text ? parse(text) : null;
            items.Add(parsed ?? throw Bad(key, $"has an item that is not {expected}", item));
        }

        return items;
    }

    private static bool RequestsFeature(Kind kind, JsonElement value) => kind switch
    {
        Kind.Switch => !LenientValues.TryReadSwitch(value, out var isOn) || isOn,
        Kind.Number => !LenientValues.TryReadNumber(value, out var number) || number is not (0 or 1),
        Kind.Text => LenientValues.TryReadText(value) is not ("" or "disable" or "release" or "none"),
        _ => true,
    };

    private bool Switch(string key, JsonElement value)
    {
        if (!LenientValues.TryReadSwitch(value, out var isOn))
            throw Bad(key, "is not true or false", value);
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Adjust(key, value, isOn ? "true" : "false");
        return isOn;
    }

    private int Port(string key, JsonElement value) => (int)Number(key, value, "is not a port, 0 to 65535", 0, ushort.MaxValue);

    private ulong TrustedPathId(string key, JsonElement value) => (ulong)Number(key, value, "is not a whole number of 0 or more", 0, ulong.MaxValue);

    // Existing nodes clamp a number that is out of range, and use the default for a negative number.
    private int Mtu(string key, JsonElement value)
    {
        var mtu = Number(key, value, string.Create(CultureInfo.InvariantCulture, $"is not 0 (the default) or {MinMtuBytes} to {MaxMtuBytes} bytes"), int.MinValue, int.MaxValue);
        var used = mtu <= 0 ? 0 : Math.Clamp((int)mtu, MinMtuBytes, MaxMtuBytes);
        if (used != mtu)
            Adjust(key, value, used.ToString(CultureInfo.InvariantCulture));
        return used;
    }

    private decimal Number(string key, JsonElement value, string expected, decimal min, decimal max)
    {
        if (!LenientValues.TryReadNumber(value, out var number) || number < min || number > max)
            throw Bad(key, expected, value);
        var used = number.ToString(CultureInfo.InvariantCulture);
        if (value.GetRawText() != used)
            Adjust(key, value, used);
        return number;
    }

    private void Adjust(string key, JsonElement value, string used) => _adjusted.Add($"\"{key}\": {value.GetRawText()} is read as {used}");

    private LanyardStateException Bad(string key, string what, JsonElement? found = null) => new ConfigurationErrors(path).Of(key, what, found);
}
