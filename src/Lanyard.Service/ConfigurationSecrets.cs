using System.Text.Json;

namespace Lanyard.Service;

/// <summary>
/// Hides the secrets of a <c>local.conf</c> in replies of the API: passwords of proxies, and fields of an existing node's file that are secret by their name or
/// contain a password.
/// </summary>
internal static class ConfigurationSecrets
{
    /// <summary>The text that replaces a secret.</summary>
    public const string Hidden = "********";

    // The setting of a database, such as "postgres:host=... password=...".
    private const string DatabaseSetting = "controllerDbPath";

    private static readonly string[] Names = ["password", "passwd", "passphrase", "secret", "token", "credential"];
    private static readonly string[] Ends = ["key", "connectionstring"];
    private static readonly string[] Texts = ["password=", "pwd="];

    /// <summary>Returns whether a field is secret. A Boolean or null is never secret.</summary>
    public static bool IsSecret(string name, JsonElement value) =>
        value.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined)
        && (Names.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase)) || Ends.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase))
            || name == DatabaseSetting);

    /// <summary>Returns whether a string contains a password, such as a URL with a user.</summary>
    public static bool IsSecretText(string text) =>
        Texts.Any(part => text.Contains(part, StringComparison.OrdinalIgnoreCase))
        || (text.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme && text.IndexOf('@', scheme) >= 0);

    /// <summary>Writes a value, and restores each hidden secret from the file's value.</summary>
    /// <param name="writer">The destination.</param>
    /// <param name="value">The value that a caller sends back.</param>
    /// <param name="kept">The file's value; undefined if it has none.</param>
    public static void WriteRestored(Utf8JsonWriter writer, JsonElement value, JsonElement kept)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String when kept.ValueKind != JsonValueKind.Undefined && value.ValueEquals(Hidden):
                kept.WriteTo(writer);
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var field in value.EnumerateObject())
                {
                    writer.WritePropertyName(field.Name);
                    WriteRestored(writer, field.Value, kept.ValueKind == JsonValueKind.Object && kept.TryGetProperty(field.Name, out var old) ? old : default);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                for (var i = 0; i < value.GetArrayLength(); i++)
                    WriteRestored(writer, value[i], kept.ValueKind == JsonValueKind.Array && i < kept.GetArrayLength() ? kept[i] : default);
                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
