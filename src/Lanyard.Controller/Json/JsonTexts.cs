using System.Text.Json;

namespace Lanyard.Controller;

/// <summary>The strings of a JSON document. JSON permits escapes of lone surrogates (RFC 8259 section 8.2), and .NET throws on reading such a string.</summary>
public static class JsonTexts
{
    /// <summary>Reads every name and string once, so that no later read throws.</summary>
    /// <exception cref="InvalidOperationException">A name or string is not valid Unicode.</exception>
    public static void RequireUnicode(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var field in json.EnumerateObject())
                {
                    _ = field.Name;
                    RequireUnicode(field.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                    RequireUnicode(item);
                break;
            case JsonValueKind.String:
                _ = json.GetString();
                break;
        }
    }
}
