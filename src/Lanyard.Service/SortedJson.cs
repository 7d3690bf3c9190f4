using System.Text.Json;

namespace Lanyard.Service;

/// <summary>Writes JSON with the fields of each object in alphabetical order, as existing tools get it.</summary>
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
                    Write(writer, value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in json.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            default:
                json.WriteTo(writer);
                break;
        }
    }

    /// <summary>An object's fields; of several with one name the last counts.</summary>
    public static SortedDictionary<string, JsonElement> Fields(JsonElement json)
    {
        var fields = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var field in json.EnumerateObject())
            fields[field.Name] = field.Value;
        return fields;
    }
}
