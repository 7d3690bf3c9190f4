using System.Globalization;
using System.Text.Json;
using Lanyard.Engine;

namespace Lanyard.Service;

/// <summary>Writes a peer for <c>GET /peer</c>. Fields are in alphabetical order, as in existing nodes.</summary>
internal static class PeerJson
{
    public static void Write(Utf8JsonWriter writer, PeerInfo peer)
    {
        // Existing nodes write an unknown version as -1.-1.-1.
        var known = peer.Version.Protocol != 0;
        var (major, minor, revision) = known ? (peer.Version.Major, peer.Version.Minor, peer.Version.Revision) : (-1, -1, -1);
        writer.WriteStartObject();
        writer.WriteString("address", peer.Address.ToString());
        writer.WriteBoolean("isBonded", false);
        writer.WriteNumber("latency", peer.LatencyMs);
        writer.WriteStartArray("paths");
        foreach (var path in peer.Paths)
            WritePath(writer, path);
        writer.WriteEndArray();
        writer.WriteString("role", Name(peer.Role));
        writer.WriteBoolean("tunneled", false);
        writer.WriteString("version", string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}.{revision}"));
        writer.WriteNumber("versionMajor", major);
        writer.WriteNumber("versionMinor", minor);
        writer.WriteNumber("versionRev", revision);
        writer.WriteEndObject();
    }

    private static void WritePath(Utf8JsonWriter writer, PathInfo path)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("active", !path.IsExpired);
        writer.WriteString("address", path.Endpoint.ToSlashString());
        writer.WriteBoolean("expired", path.IsExpired);
        writer.WriteNumber("lastReceive", Math.Max(path.LastReceivedMs, 0));
        writer.WriteNumber("lastSend", Math.Max(path.LastSentMs, 0));
        writer.WriteNumber("localPort", 0);
        writer.WriteNumber("localSocket", path.LocalSocket);
        writer.WriteBoolean("preferred", path.IsPreferred);
        writer.WriteNumber("trustedPathId", path.TrustedPathId);
        writer.WriteEndObject();
    }

    private static string Name(PeerRole role) => role switch
    {
        PeerRole.Planet => "PLANET",
        PeerRole.Moon => "MOON",
        _ => "LEAF",
    };
}
