using System.Globalization;
using System.Text.Json;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;

namespace Lanyard.Service;

/// <summary>Writes the node's status for <c>GET /status</c>. Fields are in alphabetical order, as in existing nodes.</summary>
internal static class StatusJson
{
    // The version that the node also sends to peers.
    private static readonly NodeVersion Version = new NodeOptions { RandomSeed = default }.Version;

    public static void Write(Utf8JsonWriter writer, LanyardNode node, string home, LocalConfiguration configuration)
    {
        var status = node.Status;
        writer.WriteStartObject();
        writer.WriteString("address", status.Address.ToString());
        writer.WriteNumber("clock", status.ClockMs);
        writer.WritePropertyName("config");
        WriteConfiguration(writer, configuration.Document, new Dictionary<string, Action>
        {
            ["homeDir"] = () => writer.WriteStringValue(home),
            ["listeningOn"] = () => WriteEndpoints(writer, status.LocalEndpoints),
            ["portMappingEnabled"] = () => writer.WriteBooleanValue(false),
            ["primaryPort"] = () => writer.WriteNumberValue(node.Port),
            ["secondaryPort"] = () => writer.WriteNumberValue(0),
            ["surfaceAddresses"] = () => WriteEndpoints(writer, status.SurfaceEndpoints),
            ["tertiaryPort"] = () => writer.WriteNumberValue(0),
        });
        writer.WriteBoolean("online", status.IsOnline);
        writer.WriteNumber("planetWorldId", status.Planet.Id);
        writer.WriteNumber("planetWorldTimestamp", status.Planet.Timestamp);
        writer.WriteString("publicIdentity", node.Identity.ToString());
        writer.WriteBoolean("tcpFallbackActive", false);
        WriteVersion(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes the response of <c>GET /health</c>, which any user of this machine may read.</summary>
    public static void WriteHealth(Utf8JsonWriter writer, LanyardNodeStatus status)
    {
        writer.WriteStartObject();
        writer.WriteNumber("clock", status.ClockMs);
        writer.WriteBoolean("online", status.IsOnline);
        WriteVersion(writer);
        writer.WriteEndObject();
    }

    /// <summary>
    /// Writes the folder's <c>local.conf</c>, with the effective values of its settings. Fields without effect, such as port mapping,
    /// stay, because tools read them.
    /// </summary>
    private static void WriteConfiguration(Utf8JsonWriter writer, JsonElement document, Dictionary<string, Action> inForce)
    {
        var members = SortedJson.Fields(document);
        members.TryAdd("settings", default);
        writer.WriteStartObject();
        foreach (var (name, value) in members)
        {
            writer.WritePropertyName(name);
            if (name == "settings")
                WriteSettings(writer, value, inForce);
            else
                SortedJson.WriteValue(writer, name, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteSettings(Utf8JsonWriter writer, JsonElement configured, Dictionary<string, Action> inForce)
    {
        var settings = new SortedDictionary<string, Action>(StringComparer.Ordinal)
        {
            ["allowTcpFallbackRelay"] = () => writer.WriteBooleanValue(true),
            ["forceTcpRelay"] = () => writer.WriteBooleanValue(false),
            ["softwareUpdate"] = () => writer.WriteStringValue("disable"),
            ["softwareUpdateChannel"] = () => writer.WriteStringValue("release"),
        };
        if (configured.ValueKind == JsonValueKind.Object)
        {
            foreach (var (name, value) in SortedJson.Fields(configured))
            {
                if (value.ValueKind != JsonValueKind.Null || !settings.ContainsKey(name))
                    settings[name] = () => SortedJson.WriteValue(writer, name, value);
            }
        }

        foreach (var (name, write) in inForce)
            settings[name] = write;
        writer.WriteStartObject();
        foreach (var (name, write) in settings)
        {
            writer.WritePropertyName(name);
            write();
        }

        writer.WriteEndObject();
    }

    private static void WriteEndpoints(Utf8JsonWriter writer, IReadOnlyList<InetEndpoint> endpoints)
    {
        writer.WriteStartArray();
        foreach (var endpoint in endpoints)
            writer.WriteStringValue(endpoint.ToSlashString());
        writer.WriteEndArray();
    }

    private static void WriteVersion(Utf8JsonWriter writer)
    {
        writer.WriteString("version", string.Create(CultureInfo.InvariantCulture, $"{Version.Major}.{Version.Minor}.{Version.Revision}"));
        writer.WriteNumber("versionBuild", 0);
        writer.WriteNumber("versionMajor", Version.Major);
        writer.WriteNumber("versionMinor", Version.Minor);
        writer.WriteNumber("versionRev", Version.Revision);
    }
}
