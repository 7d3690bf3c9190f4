using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A network's record as a JSON object, for the API and for storage. Fields are written in the order of their names.
/// </summary>
internal static class NetworkJson
{
    /// <summary>Writes the record.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="network">The record.</param>
    /// <param name="meta">The numbers of authorized members and of all members, which some listings contain; <see langword="null"/> to omit them.</param>
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
        writer.WriteBooleanIfSet("6plane", network.V6AssignMode.SixPlane);
        writer.WriteBooleanIfSet("rfc4193", network.V6AssignMode.Rfc4193);
        writer.WriteBooleanIfSet("zt", network.V6AssignMode.Pools);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Applies a request body to the record.</summary>
    /// <param name="network">The current record.</param>
    /// <param name="body">The body, an object.</param>
    /// <param name="fields">Records unreadable fields, which leave the record unchanged.</param>
    public static NetworkRecord Apply(NetworkRecord network, JsonElement body, FieldReader fields)
    {
        if (fields.TryText(body, "name", out var name))
            network = network with { Name = name };
        if (fields.TryFlag(body, "private", true, out var flag))
            network = network with { IsPrivate = flag };
        if (fields.TryFlag(body, "enableBroadcast", false, out flag))
            network = network with { EnableBroadcast = flag };
        if (fields.TryNumber(body, "multicastLimit", NetworkRecord.DefaultMulticastLimit, int.MaxValue, out var number))
            network = network with { MulticastLimit = (uint)number };
        if (fields.TryNumber(body, "mtu", NetworkLimits.DefaultMtu, NetworkLimits.MaxMtu, out number))
            network = network with { MtuBytes = Math.Max((int)number, NetworkLimits.MinMtu) };
        if (fields.TryNode(body, "remoteTraceTarget", out var target))
            network = network with { RemoteTraceTarget = target };
        if (fields.TryNumber(body, "remoteTraceLevel", 0, MemberJson.MaxTraceLevel, out number))
            network = network with { RemoteTraceLevel = (int)number };
        if (fields.TryNumber(body, "certificateTimeoutWindowSize", 0, long.MaxValue, out number))
            network = network with { CertificateWindowMs = body.TryGet("certificateTimeoutWindowSize", out var window) && window.ValueKind == JsonValueKind.Null ? null : (long)number };
        return NetworkLists.Apply(network, body, fields);
    }

    /// <summary>Reads a record that <see cref="Write"/> or another controller with the same API wrote.</summary>
    public static bool TryRead(JsonElement document, out NetworkRecord network) => TryRead(document, new FieldReader(), out network);

    /// <summary>Reads a stored record and records unreadable fields.</summary>
    public static bool TryRead(JsonElement document, FieldReader fields, out NetworkRecord network)
    {
        network = new NetworkRecord { Id = default };
        if (!document.TryGet("id", out var id) || !NetworkId.TryParse(id.AsText(), out var networkId) || networkId.IsNone)
            return false;
        network = Apply(network with { Id = networkId }, document, fields);
        network = network with { CreationTimeMs = document.StoredCount("creationTime"), Revision = document.StoredNumber("revision") };
        // The forms that Write uses for rules and tokens that were never set.
        if (network.Rules is { Count: 1 } rules && rules[0] == Rule.ActionAccept && document.TryGet("rules", out var value) && value[0].TryGet("not", out _))
            network = network with { Rules = null };
        if (document.TryGet("authTokens", out value) && value.ValueKind == JsonValueKind.Array)
            network = network with { AuthTokens = null };
        else if (value.ValueKind == JsonValueKind.Null)
            network = network with { AuthTokens = default(EquatableArray<AuthToken>) };
        return true;
    }

    private static void WriteAuthTokens(Utf8JsonWriter writer, EquatableArray<AuthToken>? tokens)
    {
        // Existing tools expect these forms of "none".
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
            // Rules that were never set are written as one rule with flags that other actions do not have.
            writer.WriteStartObject();
            writer.WriteBoolean("not", false);
            writer.WriteBoolean("or", false);
            writer.WriteString("type", "ACTION_ACCEPT");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
