using System.Text.Json;

namespace Lanyard.Service;

/// <summary>
/// Hides the secrets of a <c>local.conf</c> in replies of the API: passwords of proxies, and fields of an existing node's file that are secret by their name or contain a
/// password.
/// </summary>
internal static class ConfigurationSecrets
{
    /// <summary>The text that replaces a secret.</summary>
    public const string Hidden = "********";

    // Of a database such as "postgres:host=... password=...".
    private const string DatabaseSetting = "controllerDbPath";

    private static readonly string[] Names = ["password", "passwd", "passphrase", "secret", "token", "credential"];
    private static readonly string[] Ends = ["key", "connectionstring"];
    private static readonly string[] Texts = ["password=", "pwd="];

    /// <summary>Whether a field is secret. A switch, or nothing, never is.</summary>
    public static bool IsSecret(string name, JsonElement value) =>
        value.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined)
        && (Names.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase)) || Ends.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase))
            || name == DatabaseSetting);

    /// <summary>Whether a text holds a password, as a URL with a user does.</summary>
    public static bool IsSecretText(string text) =>
        Texts.Any(part => text.Contains(part, StringComparison.OrdinalIgnoreCase))
        || (text.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme && text.IndexOf('@', scheme) >= 0);

    /// <summary>Writes a value, and in the place of each secret that is hidden in it the one that is kept.</summary>
    /// <param name="writer">The destination.</param>
    /// <param name="value">The value, as a caller got it and sends it back.</param>
    /// <param name="kept">What the file has in its place; undefined where it has nothing.</param>
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
