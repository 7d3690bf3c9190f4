using System.Globalization;
using System.Net;
using System.Text.Json;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Reads the content of a <c>local.conf</c>, and says what is wrong with it: the file, the key, and what is expected there.</summary>
/// <param name="path">The file, for messages.</param>
internal sealed class LocalConfigurationReader(string path)
{
    private const int MinMtuBytes = 1_400;
    private const int MaxMtuBytes = 10_100;

    private const string NetworkExpected = "a network such as 10.0.0.0/8 or fd00::/8";
    private const string NoTcpRelay = "there is no relaying through TCP here";
    private const string OnePort = "the node has one port";
    private const string NoUpdates = "nothing here replaces the program: whoever installed it does";
    private const string NoBonding = "paths are not bonded here";
    private const string NoThreads = "the number of threads is not set here";

    private enum Kind
    {
        Switch,
        Port,
        Text,
        Number,
        Object,
    }

    // What other nodes know and this one does not do. A switch that is off, or a port of 0, asks for nothing.
    private static readonly (string Key, Kind Kind, string Why)[] Others =
    [
        ("allowSecondaryPort", Kind.Switch, OnePort),
        ("secondaryPort", Kind.Port, OnePort),
        ("tertiaryPort", Kind.Port, OnePort),
        ("portMappingEnabled", Kind.Switch, "no router is asked to map ports here"),
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
        ("controllerDbPath", Kind.Text, "the controller's records are in controller.sqlite"),
        ("enableWebServer", Kind.Switch, "no pages are served here"),
    ];

    private readonly List<string> _withoutEffect = [];

    /// <summary>A field's value; null where it is missing or null, which says nothing.</summary>
    public static JsonElement? Find(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Reads the file's content.</summary>
    /// <exception cref="LanyardStateException">Something makes no sense.</exception>
    public LocalConfiguration Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new LanyardStateException(path, $"The file '{path}' is not a JSON object.");
        var configuration = ReadVirtual(Object(root, "virtual", "virtual"), ReadPhysical(Object(root, "physical", "physical"), new LocalConfiguration { Document = root }));
        if (Object(root, "settings", "settings") is { } settings)
            configuration = ReadSettings(settings, configuration);
        return LanyardSectionReader.Read(root, configuration, path) with { WithoutEffect = _withoutEffect };
    }

    private LocalConfiguration ReadSettings(JsonElement settings, LocalConfiguration configuration)
    {
        foreach (var (key, kind, why) in Others)
        {
            if (Find(settings, key) is { } value && AsksForSomething("settings." + key, kind, value))
                _withoutEffect.Add($"settings.{key}: {why}");
        }

        return configuration with
        {
            PrimaryPort = Find(settings, "primaryPort") is { } port ? Port("settings.primaryPort", port) : null,
            Bind = Items(settings, "bind", "settings.bind", "an IP address such as 192.0.2.1",
                text => InetAddress.TryParse(text, out var address) ? address.ToIPAddress() : null),
            InterfacePrefixBlacklist = Items(settings, "interfacePrefixBlacklist", "settings.interfacePrefixBlacklist", "the beginning of an interface's name",
                text => text.Length > 0 ? text : null),
            AllowManagementFrom = Items<InetPrefix>(settings, "allowManagementFrom", "settings.allowManagementFrom", NetworkExpected, Network),
        };
    }

    private LocalConfiguration ReadPhysical(JsonElement? physical, LocalConfiguration configuration)
    {
        if (physical is null)
            return configuration;
        var blocked = new List<InetPrefix>();
        var trusted = new List<TrustedPath>();
        var mtus = new List<PathMtu>();
        foreach (var entry in physical.Value.EnumerateObject())
        {
            var key = $"physical.{entry.Name}";
            if (Network(entry.Name) is not { } network)
                throw Bad(key, $"is not the name of a physical network: {NetworkExpected}");
            if (entry.Value.ValueKind != JsonValueKind.Object)
                throw Bad(key, "is not an object", entry.Value);
            if (Find(entry.Value, "blacklist") is { } isBlocked && Switch(key + ".blacklist", isBlocked))
                blocked.Add(network);
            if (Find(entry.Value, "trustedPathId") is { } id && TrustedPathId(key + ".trustedPathId", id) is var number and not 0)
                trusted.Add(new TrustedPath(network, number));
            if (Find(entry.Value, "mtu") is { } mtu && Mtu(key + ".mtu", mtu) is var bytes and not 0)
                mtus.Add(new PathMtu(network, bytes));
        }

        return configuration with { BlockedPhysicalNetworks = blocked, TrustedPaths = trusted, PathMtus = mtus };
    }

    private LocalConfiguration ReadVirtual(JsonElement? peers, LocalConfiguration configuration)
    {
        if (peers is null)
            return configuration;
        var hints = new List<PeerHint>();
        var blocked = new List<BlockedPath>();
        foreach (var entry in peers.Value.EnumerateObject())
        {
            var key = $"virtual.{entry.Name}";
            if (!NodeAddress.TryParse(entry.Name, out var peer))
                throw Bad(key, "is not the address of a node, ten hexadecimal digits");
            if (entry.Value.ValueKind != JsonValueKind.Object)
                throw Bad(key, "is not an object", entry.Value);
            hints.AddRange(Items(entry.Value, "try", key + ".try", "an IP address and UDP port such as 192.0.2.1/9993",
                text => InetEndpoint.TryParse(text, out var endpoint) && endpoint.Port != 0 ? new PeerHint(peer, endpoint) : default(PeerHint?)));
            blocked.AddRange(Items(entry.Value, "blacklist", key + ".blacklist", NetworkExpected,
                text => Network(text) is { } network ? new BlockedPath(peer, network) : default(BlockedPath?)));
        }

        return configuration with { PeerHints = hints, BlockedPeerNetworks = blocked };
    }

    /// <summary>A network, or an address alone, which is the network of that one address.</summary>
    private static InetPrefix? Network(string text) =>
        InetPrefix.TryParse(text, out var network) ? network
        : InetAddress.TryParse(text, out var address) ? new InetPrefix(address, (byte)address.Bits)
        : null;

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
            var parsed = item.ValueKind == JsonValueKind.String ? parse(item.GetString()!) : null;
            items.Add(parsed ?? throw Bad(key, $"has an item that is not {expected}", item));
        }

        return items;
    }

    private bool AsksForSomething(string key, Kind kind, JsonElement value) => kind switch
    {
        Kind.Switch => Switch(key, value),
        Kind.Port => Port(key, value) != 0,
        Kind.Text => value.ValueKind == JsonValueKind.String
            ? value.GetString() is not ("" or "disable" or "release" or "none")
            : throw Bad(key, "is not a text", value),
        Kind.Number => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number is not (0 or 1)
            : throw Bad(key, "is not a whole number", value),
        _ => value.ValueKind == JsonValueKind.Object ? true : throw Bad(key, "is not an object", value),
    };

    private bool Switch(string key, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Bad(key, "is not true or false", value),
    };

    private int Port(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var port) && port is >= 0 and <= ushort.MaxValue
            ? port
            : throw Bad(key, "is not a port, 0 to 65535", value);

    private ulong TrustedPathId(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var id) ? id : throw Bad(key, "is not a whole number of 0 or more", value);

    private int Mtu(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var mtu) && mtu is 0 or (>= MinMtuBytes and <= MaxMtuBytes)
            ? mtu
            : throw Bad(key, string.Create(CultureInfo.InvariantCulture, $"is not 0 (the default) or {MinMtuBytes} to {MaxMtuBytes} bytes"), value);

    private LanyardStateException Bad(string key, string what, JsonElement? found = null) => new ConfigurationErrors(path).Of(key, what, found);
}
