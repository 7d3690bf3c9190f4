using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A network's record as a JSON object: what the API shows and takes, and what is stored. Fields are written in the order of their names.
/// </summary>
internal static class NetworkJson
{
    /// <summary>Writes the record.</summary>
    /// <param name="writer">Where to write.</param>
    /// <param name="network">The record.</param>
    /// <param name="meta">If given, the members' numbers that some listings show: authorised, and all.</param>
    public static void Write(Utf8JsonWriter writer, NetworkRecord network, (int Authorized, int Total)? meta = null)
    {
        writer.WriteStartObject();
        WriteAuthTokens(writer, network.AuthTokens);
        writer.WriteString("authorizationEndpoint", "");
        writer.WriteStartArray("capabilities");
        foreach (var capability in network.Capabilities)
            WriteCapability(writer, capability);
        writer.WriteEndArray();
        if (network.CertificateWindowMs is { } window)
            writer.WriteNumber("certificateTimeoutWindowSize", window);
        writer.WriteString("clientId", "");
        writer.WriteNumber("creationTime", network.CreationTimeMs);
        WriteDns(writer, network.Dns);
        writer.WriteBoolean("enableBroadcast", network.EnableBroadcast);
        writer.WriteString("id", network.Id.ToString());
        writer.WriteStartArray("ipAssignmentPools");
        foreach (var pool in network.Pools)
        {
            writer.WriteStartObject();
            writer.WriteString("ipRangeEnd", pool.Last.ToString());
            writer.WriteString("ipRangeStart", pool.First.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (meta is { } counts)
        {
            writer.WriteStartObject("meta");
            writer.WriteNumber("authorizedMemberCount", counts.Authorized);
            writer.WriteNumber("totalMemberCount", counts.Total);
            writer.WriteEndObject();
        }

        writer.WriteNumber("mtu", network.MtuBytes);
        writer.WriteNumber("multicastLimit", network.MulticastLimit);
        writer.WriteString("name", network.Name);
        writer.WriteString("nwid", network.Id.ToString());
        writer.WriteString("objtype", "network");
        writer.WriteBoolean("private", network.IsPrivate);
        writer.WriteNumber("remoteTraceLevel", network.RemoteTraceLevel);
        writer.WriteNodeOrNull("remoteTraceTarget", network.RemoteTraceTarget);
        writer.WriteNumber("revision", network.Revision);
        WriteRoutes(writer, network.Routes);
        WriteRules(writer, network.Rules);
        writer.WriteString("rulesSource", "");
        writer.WriteBoolean("ssoEnabled", false);
        writer.WriteStartArray("tags");
        foreach (var tag in network.Tags)
        {
            writer.WriteStartObject();
            if (tag.Default is { } value)
                writer.WriteNumber("default", value);
            else
                writer.WriteNull("default");
            writer.WriteNumber("id", tag.Id);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartObject("v4AssignMode");
        writer.WriteBoolean("zt", network.AssignV4FromPools);
        writer.WriteEndObject();
        writer.WriteStartObject("v6AssignMode");
        writer.WriteBooleanIfSaid("6plane", network.V6AssignMode.SixPlane);
        writer.WriteBooleanIfSaid("rfc4193", network.V6AssignMode.Rfc4193);
        writer.WriteBooleanIfSaid("zt", network.V6AssignMode.Pools);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>
    /// The record with what a request's body says. A field that is absent, or whose type is not the right one, leaves the record as it is;
    /// entries of lists that cannot be read are left out.
    /// </summary>
    public static NetworkRecord Apply(NetworkRecord network, JsonElement body)
    {
        if (body.TryGet("name", out var value))
            network = network with { Name = value.AsText() };
        if (body.TryGet("private", out value))
            network = network with { IsPrivate = value.AsBoolean(true) };
        if (body.TryGet("enableBroadcast", out value))
            network = network with { EnableBroadcast = value.AsBoolean() };
        if (body.TryGet("multicastLimit", out value))
            network = network with { MulticastLimit = (uint)Math.Min(value.AsUnsigned(NetworkRecord.DefaultMulticastLimit), int.MaxValue) };
        if (body.TryGet("mtu", out value))
            network = network with { MtuBytes = (int)Math.Clamp(value.AsUnsigned(NetworkLimits.DefaultMtu), NetworkLimits.MinMtu, NetworkLimits.MaxMtu) };
        if (body.TryGet("remoteTraceTarget", out value))
            network = network with { RemoteTraceTarget = value.AsNodeAddress() };
        if (body.TryGet("remoteTraceLevel", out value))
            network = network with { RemoteTraceLevel = value.AsTraceLevel() };
        if (body.TryGet("certificateTimeoutWindowSize", out value))
            network = network with { CertificateWindowMs = value.ValueKind == JsonValueKind.Number ? value.AsCount() : null };
        if (body.TryGet("v4AssignMode", out value))
            network = network with { AssignV4FromPools = ReadV4AssignMode(value) };
        if (body.TryGet("v6AssignMode", out value))
            network = network with { V6AssignMode = ReadV6AssignMode(value) };
        if (body.TryGetArray("routes", out value))
            network = network with { Routes = ReadRoutes(value) };
        if (body.TryGetArray("ipAssignmentPools", out value))
            network = network with { Pools = ReadPools(value) };
        if (body.TryGetArray("rules", out value))
            network = network with { Rules = ReadRules(value) };
        if (body.TryGet("authTokens", out value))
            network = network with { AuthTokens = ReadAuthTokens(value) };
        if (body.TryGetArray("capabilities", out value))
            network = network with { Capabilities = ReadCapabilities(value) };
        if (body.TryGetArray("tags", out value))
            network = network with { Tags = ReadTags(value) };
        if (body.TryGet("dns", out value) && value.ValueKind == JsonValueKind.Object)
            network = network with { Dns = ReadDns(value) };
        return network;
    }

    /// <summary>Reads a stored record: everything that <see cref="Write"/> wrote, or a controller with the same API.</summary>
    public static bool TryRead(JsonElement document, out NetworkRecord network)
    {
        network = new NetworkRecord { Id = default };
        if (!document.TryGet("id", out var id) || !NetworkId.TryParse(id.AsText(), out var networkId) || networkId.IsNone)
            return false;
        network = Apply(network with { Id = networkId }, document);
        if (document.TryGet("creationTime", out var value))
            network = network with { CreationTimeMs = value.AsCount() };
        if (document.TryGet("revision", out value))
            network = network with { Revision = value.AsUnsigned() };
        // Rules and tokens that were never set show as these.
        if (network.Rules is { Count: 1 } rules && rules[0] == Rule.ActionAccept && document.TryGet("rules", out value) && value[0].TryGet("not", out _))
            network = network with { Rules = null };
        if (document.TryGet("authTokens", out value) && value.ValueKind == JsonValueKind.Array)
            network = network with { AuthTokens = null };
        else if (value.ValueKind == JsonValueKind.Null)
            network = network with { AuthTokens = default(EquatableArray<AuthToken>) };
        return true;
    }

    private static void WriteAuthTokens(Utf8JsonWriter writer, EquatableArray<AuthToken>? tokens)
    {
        // The odd forms of "none" are what tools have always been shown.
        if (tokens is not { } list)
        {
            writer.WriteStartArray("authTokens");
            writer.WriteNullValue();
            writer.WriteEndArray();
            return;
        }

        if (list.IsEmpty)
        {
            writer.WriteNull("authTokens");
            return;
        }

        writer.WriteStartObject("authTokens");
        foreach (var token in list)
            writer.WriteNumber(token.Token, token.ExpiresMs);
        writer.WriteEndObject();
    }

    private static void WriteCapability(Utf8JsonWriter writer, CapabilityDefinition capability)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("default", capability.IsDefault);
        writer.WriteNumber("id", capability.Id);
        writer.WriteStartArray("rules");
        foreach (var rule in capability.Rules)
            RuleJson.Write(writer, rule);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteDns(Utf8JsonWriter writer, DnsSettings? dns)
    {
        if (dns is null)
        {
            writer.WriteStartArray("dns");
            writer.WriteEndArray();
            return;
        }

        writer.WriteStartObject("dns");
        writer.WriteString("domain", dns.Domain);
        if (dns.Servers is { } servers)
        {
            writer.WriteStartArray("servers");
            foreach (var server in servers)
                writer.WriteStringValue(server.ToString());
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteRoutes(Utf8JsonWriter writer, EquatableArray<ManagedRoute> routes)
    {
        writer.WriteStartArray("routes");
        foreach (var route in routes)
        {
            writer.WriteStartObject();
            writer.WriteString("target", route.Target.ToString());
            if (route.Via.Family == InetFamily.None)
                writer.WriteNull("via");
            else
                writer.WriteString("via", route.Via.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteRules(Utf8JsonWriter writer, EquatableArray<Rule>? rules)
    {
        writer.WriteStartArray("rules");
        if (rules is { } list)
        {
            foreach (var rule in list)
                RuleJson.Write(writer, rule);
        }
        else
        {
            // While never set, the one rule shows flags that actions do not otherwise show.
            writer.WriteStartObject();
            writer.WriteBoolean("not", false);
            writer.WriteBoolean("or", false);
            writer.WriteString("type", "ACTION_ACCEPT");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static bool ReadV4AssignMode(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.AsText() == "zt" : value.TryGet("zt", out var mode) && mode.AsBoolean();

    private static V6AssignMode ReadV6AssignMode(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            var names = value.AsText().Split(',', StringSplitOptions.RemoveEmptyEntries);
            return new V6AssignMode(names.Contains("rfc4193"), names.Contains("zt"), names.Contains("6plane"));
        }

        if (value.ValueKind != JsonValueKind.Object)
            return V6AssignMode.None;
        return new V6AssignMode(Said(value, "rfc4193"), Said(value, "zt"), Said(value, "6plane"));

        static bool? Said(JsonElement value, string name) => value.TryGet(name, out var mode) ? mode.AsBoolean() : null;
    }

    private static EquatableArray<ManagedRoute> ReadRoutes(JsonElement list)
    {
        var routes = new List<ManagedRoute>();
        foreach (var entry in list.EnumerateArray())
        {
            if (!entry.TryGet("target", out var target) || target.ValueKind != JsonValueKind.String || !InetPrefix.TryParse(target.AsText(), out var prefix))
                continue;
            var via = entry.TryGet("via", out var field) && field.TryAddress(out var address) && address.Family == prefix.Address.Family ? address : default;
            routes.Add(new ManagedRoute(prefix, via));
        }

        return routes.ToEquatableArray();
    }

    private static EquatableArray<AddressPool> ReadPools(JsonElement list)
    {
        var pools = new List<AddressPool>();
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.TryGet("ipRangeStart", out var start) && start.TryAddress(out var first) && entry.TryGet("ipRangeEnd", out var end)
                && end.TryAddress(out var last) && first.Family == last.Family)
                pools.Add(new AddressPool(first, last));
        }

        return pools.ToEquatableArray();
    }

    private static EquatableArray<Rule> ReadRules(JsonElement list)
    {
        var rules = new List<Rule>();
        foreach (var entry in list.EnumerateArray())
        {
            if (RuleJson.TryRead(entry, out var rule))
                rules.Add(rule);
        }

        return rules.ToEquatableArray();
    }

    private static EquatableArray<AuthToken>? ReadAuthTokens(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return null;
        var tokens = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var token in value.EnumerateObject())
        {
            if (token.Value.ValueKind == JsonValueKind.Number && (long)token.Value.AsUnsigned() >= 0 && token.NameOrNull() is { } name)
                tokens[name] = token.Value.AsCount();
        }

        return tokens.Select(token => new AuthToken(token.Key, token.Value)).ToEquatableArray();
    }

    private static EquatableArray<CapabilityDefinition> ReadCapabilities(JsonElement list)
    {
        var capabilities = new SortedDictionary<uint, CapabilityDefinition>();
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object)
                continue;
            var id = entry.TryGet("id", out var field) ? (uint)field.AsUnsigned() : 0;
            var isDefault = entry.TryGet("default", out field) && field.AsBoolean();
            capabilities[id] = new CapabilityDefinition(id, isDefault, entry.TryGetArray("rules", out var rules) ? ReadRules(rules) : default);
        }

        return capabilities.Values.ToEquatableArray();
    }

    private static EquatableArray<TagDefinition> ReadTags(JsonElement list)
    {
        var tags = new SortedDictionary<uint, TagDefinition>();
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object)
                continue;
            var id = entry.TryGet("id", out var field) ? (uint)field.AsUnsigned() : 0;
            tags[id] = new TagDefinition(id, entry.TryGet("default", out field) && field.ValueKind != JsonValueKind.Null ? (uint)field.AsUnsigned() : null);
        }

        return tags.Values.ToEquatableArray();
    }

    private static DnsSettings ReadDns(JsonElement value)
    {
        var domain = value.TryGet("domain", out var field) && field.ValueKind == JsonValueKind.String ? field.AsText() : null;
        if (!value.TryGetArray("servers", out var list))
            return new DnsSettings(domain, null);
        var servers = new List<InetAddress>();
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.TryAddress(out var server))
                servers.Add(server);
        }

        return new DnsSettings(domain, servers.ToEquatableArray());
    }
}
