using System.Globalization;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>A moon, as <c>GET /moon</c> tells of it. Fields are in alphabetical order, as existing tools get them.</summary>
internal static class MoonJson
{
    public static void Write(Utf8JsonWriter writer, World moon)
    {
        writer.WriteStartObject();
        writer.WriteString("id", Name(moon.Id));
        writer.WriteStartArray("roots");
        foreach (ref readonly var root in moon.Roots)
        {
            writer.WriteStartObject();
            writer.WriteString("identity", root.Identity.ToString());
            writer.WriteStartArray("stableEndpoints");
            foreach (ref readonly var endpoint in root.Endpoints)
                writer.WriteStringValue(endpoint.ToSlashString());
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteString("signature", Convert.ToHexStringLower(moon.Signature));
        writer.WriteNumber("timestamp", moon.Timestamp);
        writer.WriteString("updatesMustBeSignedBy", Convert.ToHexStringLower(moon.UpdateKey));
        writer.WriteBoolean("waiting", false);
        writer.WriteEndObject();
    }

    /// <summary>A moon that is followed, and of which nothing is known yet.</summary>
    public static void WriteWaiting(Utf8JsonWriter writer, ulong id)
    {
        writer.WriteStartObject();
        writer.WriteString("id", Name(id));
        writer.WriteStartArray("roots");
        writer.WriteEndArray();
        writer.WriteNull("signature");
        writer.WriteNumber("timestamp", 0);
        writer.WriteNull("updatesMustBeSignedBy");
        writer.WriteBoolean("waiting", true);
        writer.WriteEndObject();
    }

    private static string Name(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture);
}
