using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>Reads the lists and objects in a network's JSON object: see <see cref="NetworkJson"/>.</summary>
internal static class NetworkLists
{
    private static readonly string[] V6Modes = ["rfc4193", "zt", "6plane"];

    /// <summary>Applies the lists and objects of a request body to the record.</summary>
    public static NetworkRecord Apply(NetworkRecord network, JsonElement body, FieldReader fields)
    {
        if (TryV4AssignMode(body, fields, out var fromPools))
            network = network with { AssignV4FromPools = fromPools };
        if (TryV6AssignMode(body, fields, out var mode))
            network = network with { V6AssignMode = mode };
        var routes = new List<ManagedRoute>();
        if (fields.TryList(body, "routes", (entry, place) => ReadRoute(entry, place, fields, routes)))
            network = network with { Routes = routes.ToEquatableArray() };
        var pools = new List<AddressPool>();
        if (fields.TryList(body, "ipAssignmentPools", (entry, place) => ReadPool(entry, place, fields, pools)))
            network = network with { Pools = pools.ToEquatableArray() };
        if (TryRules(body, fields, out var rules))
            network = network with { Rules = rules };
        if (TryAuthTokens(body, fields, out var tokens))
            network = network with { AuthTokens = tokens };
        var capabilities = new SortedDictionary<uint, CapabilityDefinition>();
        if (fields.TryList(body, "capabilities", (entry, place) => ReadCapability(entry, place, fields, capabilities)))
            network = network with { Capabilities = capabilities.Values.ToEquatableArray() };
        var tags = new SortedDictionary<uint, TagDefinition>();
        if (fields.TryList(body, "tags", (entry, place) => ReadTag(entry, place, fields, tags)))
            network = network with { Tags = tags.Values.ToEquatableArray() };
        return TryDns(body, fields, out var dns) ? network with { Dns = dns } : network;
    }

    private static bool TryV4AssignMode(JsonElement body, FieldReader fields, out bool fromPools)
    {
        fromPools = false;
        if (!body.TryGet("v4AssignMode", out var value))
            return false;
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                return true;
            case JsonValueKind.Object:
                var isOn = false;
                fields.Within("v4AssignMode", () => fields.TryFlag(value, "zt", false, out isOn));
                fromPools = isOn;
                return true;
            case JsonValueKind.String when value.AsText() is "zt" or "none" or "":
                fromPools = value.AsText() == "zt";
                return true;
            default:
                fields.Refuse("v4AssignMode", "an object such as {\"zt\":true}");
                return false;
        }
    }

    private static bool TryV6AssignMode(JsonElement body, FieldReader fields, out V6AssignMode mode)
    {
        mode = V6AssignMode.None;
        if (!body.TryGet("v6AssignMode", out var value))
            return false;
        if (value.ValueKind == JsonValueKind.Null)
            return true;
        if (value.ValueKind == JsonValueKind.Object)
        {
            V6AssignMode read = default;
            fields.Within("v6AssignMode", () => read = new V6AssignMode(Flag("rfc4193"), Flag("zt"), Flag("6plane")));
            mode = read;
            return true;
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            var names = value.AsText().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (names.All(name => V6Modes.Contains(name) || name == "none"))
            {
                mode = new V6AssignMode(names.Contains("rfc4193"), names.Contains("zt"), names.Contains("6plane"));
                return true;
            }
        }

        fields.Refuse("v6AssignMode", "an object such as {\"rfc4193\":true,\"6plane\":false,\"zt\":false}");
        return false;

        bool? Flag(string name) => fields.TryFlag(value, name, false, out var isOn) ? isOn : null;
    }

    private static void ReadRoute(JsonElement entry, string place, FieldReader fields, List<ManagedRoute> routes)
    {
        if (!entry.TryGet("target", out var target) || target.ValueKind != JsonValueKind.String || !InetPrefix.TryParse(target.AsText(), out var prefix))
        {
            fields.Refuse(place, "a route whose \"target\" is a network with a prefix length, such as 10.0.0.0/24");
            return;
        }

        if (!entry.TryGet("via", out var field) || field.ValueKind == JsonValueKind.Null || (field.ValueKind == JsonValueKind.String && field.AsText().Length == 0
            && LenientValues.TryReadText(field) is not null))
            routes.Add(new ManagedRoute(prefix, default));
        else if (field.TryAddress(out var via) && via.Family == prefix.Address.Family)
            routes.Add(new ManagedRoute(prefix, via));
        else
            fields.Refuse(place, "a route whose \"via\" is null or an IP address of its target's family");
    }

    private static void ReadPool(JsonElement entry, string place, FieldReader fields, List<AddressPool> pools)
    {
        if (entry.TryGet("ipRangeStart", out var start) && start.TryAddress(out var first) && entry.TryGet("ipRangeEnd", out var end)
            && end.TryAddress(out var last) && first.Family == last.Family)
            pools.Add(new AddressPool(first, last));
        else
            fields.Refuse(place, "a pool with the IP addresses \"ipRangeStart\" and \"ipRangeEnd\" of one family");
    }

    private static bool TryRules(JsonElement json, FieldReader fields, out EquatableArray<Rule> rules)
    {
        var read = new List<Rule>();
        var isList = fields.TryList(json, "rules", (entry, place) =>
        {
            if (RuleJson.TryRead(entry, place, fields, out var rule))
                read.Add(rule);
        });
        rules = read.ToEquatableArray();
        return isList;
    }

    private static bool TryAuthTokens(JsonElement body, FieldReader fields, out EquatableArray<AuthToken>? tokens)
    {
        tokens = null;
        if (!body.TryGet("authTokens", out var value))
            return false;
        // The API writes no tokens as null or as a list of null.
        if (value.ValueKind == JsonValueKind.Null
            || (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(entry => entry.ValueKind == JsonValueKind.Null)))
            return true;
        if (value.ValueKind != JsonValueKind.Object)
        {
            fields.Refuse("authTokens", "an object of tokens and their expiry times in milliseconds, 0 for none");
            return false;
        }

        var read = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var token in value.EnumerateObject())
        {
            // A token is a secret, so the error does not contain it.
            if (token.NameOrNull() is { } name && LenientValues.TryReadNumber(token.Value, out var expires) && expires is >= 0 and <= long.MaxValue)
                read[name] = (long)expires;
            else
                fields.Refuse("authTokens", "an object of tokens and their expiry times in milliseconds, 0 for none");
        }

        tokens = read.Select(token => new AuthToken(token.Key, token.Value)).ToEquatableArray();
        return true;
    }

    private static void ReadCapability(JsonElement entry, string place, FieldReader fields, SortedDictionary<uint, CapabilityDefinition> capabilities)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            fields.Refuse(place, "a capability, an object with \"id\", \"default\" and \"rules\"");
            return;
        }

        fields.Within(place, () =>
        {
            var id = (uint)fields.Bits(entry, "id", 32);
            fields.TryFlag(entry, "default", false, out var isDefault);
            TryRules(entry, fields, out var rules);
            capabilities[id] = new CapabilityDefinition(id, isDefault, rules);
        });
    }

    private static void ReadTag(JsonElement entry, string place, FieldReader fields, SortedDictionary<uint, TagDefinition> tags)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            fields.Refuse(place, "a tag, an object with \"id\" and \"default\"");
            return;
        }

        fields.Within(place, () =>
        {
            var id = (uint)fields.Bits(entry, "id", 32);
            var hasDefault = entry.TryGet("default", out var field) && field.ValueKind != JsonValueKind.Null;
            tags[id] = new TagDefinition(id, hasDefault ? (uint)fields.Bits(entry, "default", 32) : null);
        });
    }

    private static bool TryDns(JsonElement body, FieldReader fields, out DnsSettings? dns)
    {
        dns = null;
        if (!body.TryGet("dns", out var value))
            return false;
        // The API writes no value as an empty list.
        if (value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
            return true;
        if (value.ValueKind != JsonValueKind.Object)
        {
            fields.Refuse("dns", "an object such as {\"domain\":\"example.lan\",\"servers\":[\"10.0.0.1\"]}");
            return false;
        }

        DnsSettings read = default!;
        fields.Within("dns", () =>
        {
            var domain = fields.TryText(value, "domain", out var text) && value.TryGet("domain", out var field) && field.ValueKind != JsonValueKind.Null ? text : null;
            var servers = new List<InetAddress>();
            var hasServers = fields.TryList(value, "servers", (entry, place) =>
            {
                if (entry.TryAddress(out var server))
                    servers.Add(server);
                else
                    fields.Refuse(place, "an IP address");
            });
            read = new DnsSettings(domain, hasServers ? servers.ToEquatableArray() : null);
        });
        dns = read;
        return true;
    }
}
