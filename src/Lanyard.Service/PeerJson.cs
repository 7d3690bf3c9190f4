using System.Globalization;
using System.Text.Json;
using Lanyard.Primitives;

namespace Lanyard.Service;

/// <summary>Writes a peer for <c>GET /peer</c>. Fields are in alphabetical order, as in existing nodes.</summary>
internal static class PeerJson
{
    public static void Write(Utf8JsonWriter writer, LanyardPeerInfo peer)
    {
        // Existing nodes write an unknown version as -1.-1.-1.
        var (major, minor, revision) = peer.Version is { } version ? (version.Major, version.Minor, version.Build) : (-1, -1, -1);
        writer.WriteStartObject();
        writer.WriteString("address", peer.Address.ToString());
        writer.WriteBoolean("isBonded", false);
        writer.WriteNumber("latency", (int)(peer.Latency?.TotalMilliseconds ?? -1));
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

    private static void WritePath(Utf8JsonWriter writer, LanyardPathInfo path)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("active", !path.IsExpired);
        writer.WriteString("address", InetEndpoint.FromIPEndPoint(path.EndPoint).ToSlashString());
        writer.WriteBoolean("expired", path.IsExpired);
        writer.WriteNumber("lastReceive", path.LastReceived?.ToUnixTimeMilliseconds() ?? 0);
        writer.WriteNumber("lastSend", path.LastSent?.ToUnixTimeMilliseconds() ?? 0);
        writer.WriteNumber("localPort", 0);
        writer.WriteNumber("localSocket", path.LocalIndex);
        writer.WriteBoolean("preferred", path.IsPreferred);
        writer.WriteNumber("trustedPathId", path.TrustedPathId);
        writer.WriteEndObject();
    }

    private static string Name(LanyardPeerRole role) => role switch
    {
        LanyardPeerRole.Planet => "PLANET",
        LanyardPeerRole.Moon => "MOON",
        _ => "LEAF",
    };
}
