using System.Globalization;
using System.Text.Json;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;

namespace Lanyard.Service;

/// <summary>The node, as <c>GET /status</c> tells of it. Fields are in alphabetical order, as existing tools get them.</summary>
internal static class StatusJson
{
    // What the node tells peers of itself, too.
    private static readonly NodeVersion Version = new NodeOptions { RandomSeed = default }.Version;

    public static void Write(Utf8JsonWriter writer, LanyardNode node, string home)
    {
        var status = node.Status;
        writer.WriteStartObject();
        writer.WriteString("address", status.Address.ToString());
        writer.WriteNumber("clock", status.ClockMs);
        writer.WriteStartObject("config");
        WriteSettings(writer, node, status, home);
        writer.WriteEndObject();
        writer.WriteBoolean("online", status.IsOnline);
        writer.WriteNumber("planetWorldId", status.Planet.Id);
        writer.WriteNumber("planetWorldTimestamp", status.Planet.Timestamp);
        writer.WriteString("publicIdentity", node.Identity.ToString());
        writer.WriteBoolean("tcpFallbackActive", false);
        WriteVersion(writer);
        writer.WriteEndObject();
    }

    /// <summary>What <c>GET /health</c> tells anyone on this machine.</summary>
    public static void WriteHealth(Utf8JsonWriter writer, LanyardNodeStatus status)
    {
        writer.WriteStartObject();
        writer.WriteNumber("clock", status.ClockMs);
        writer.WriteBoolean("online", status.IsOnline);
        WriteVersion(writer);
        writer.WriteEndObject();
    }

    /// <summary>
    /// There is one port; no relaying through TCP; nothing that asks a router to map ports or that replaces the program: the fields that say so
    /// stay, as tools look for them.
    /// </summary>
    private static void WriteSettings(Utf8JsonWriter writer, LanyardNode node, LanyardNodeStatus status, string home)
    {
        writer.WriteStartObject("settings");
        writer.WriteBoolean("allowTcpFallbackRelay", false);
        writer.WriteBoolean("forceTcpRelay", false);
        writer.WriteString("homeDir", home);
        WriteEndpoints(writer, "listeningOn", status.LocalEndpoints);
        writer.WriteBoolean("portMappingEnabled", false);
        writer.WriteNumber("primaryPort", node.BoundEndPoints[0].Port);
        writer.WriteNumber("secondaryPort", 0);
        writer.WriteString("softwareUpdate", "disable");
        writer.WriteString("softwareUpdateChannel", "release");
        WriteEndpoints(writer, "surfaceAddresses", status.SurfaceEndpoints);
        writer.WriteNumber("tertiaryPort", 0);
        writer.WriteEndObject();
    }

    private static void WriteEndpoints(Utf8JsonWriter writer, string name, IReadOnlyList<InetEndpoint> endpoints)
    {
        writer.WriteStartArray(name);
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
