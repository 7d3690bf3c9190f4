using System.Globalization;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Writes a moon for <c>GET /moon</c>. Fields are in alphabetical order, as in existing nodes.</summary>
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

    /// <summary>Writes a moon that the node orbits and whose definition has not arrived yet.</summary>
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
