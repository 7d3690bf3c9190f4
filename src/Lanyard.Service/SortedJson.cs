using System.Text.Json;

namespace Lanyard.Service;

/// <summary>
/// Writes the JSON of a configuration with the fields of each object in alphabetical order, as existing nodes do, and without secrets: see
/// <see cref="ConfigurationSecrets"/>.
/// </summary>
internal static class SortedJson
{
    public static void Write(Utf8JsonWriter writer, JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var (name, value) in Fields(json))
                {
                    writer.WritePropertyName(name);
                    WriteValue(writer, name, value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in json.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String when ConfigurationSecrets.IsSecretText(json.GetString()!):
                writer.WriteStringValue(ConfigurationSecrets.Hidden);
                break;
            default:
                json.WriteTo(writer);
                break;
        }
    }

    /// <summary>Writes a field's value.</summary>
    public static void WriteValue(Utf8JsonWriter writer, string name, JsonElement value)
    {
        if (ConfigurationSecrets.IsSecret(name, value))
            writer.WriteStringValue(ConfigurationSecrets.Hidden);
        else
            Write(writer, value);
    }

    /// <summary>Returns an object's fields. If a name occurs more than once, the last field counts.</summary>
    public static SortedDictionary<string, JsonElement> Fields(JsonElement json)
    {
        var fields = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var field in json.EnumerateObject())
            fields[field.Name] = field.Value;
        return fields;
    }
}
