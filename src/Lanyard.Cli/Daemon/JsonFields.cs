using System.Globalization;
using System.Text.Json;

namespace Lanyard.Cli.Daemon;

/// <summary>Reads fields of the API's answers; what is missing is empty, as other nodes' answers may be of other versions.</summary>
internal static class JsonFields
{
    public static string Text(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value)
            ? value.ValueKind == JsonValueKind.String ? value.GetString()! : value.ValueKind == JsonValueKind.Number ? value.GetRawText() : ""
            : "";

    public static bool Flag(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    public static long Number(this JsonElement json, string name) =>
        long.TryParse(json.Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;

    public static JsonElement[] Items(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) ? value.Items() : [];

    public static JsonElement[] Items(this JsonElement json) => json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : [];

    public static string[] Texts(this JsonElement json, string name) =>
        [.. json.Items(name).Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)];

    /// <summary>A peer's path that is in use; null where packets to it are relayed.</summary>
    public static JsonElement? PathInUse(this JsonElement peer)
    {
        var paths = peer.Items("paths").Where(path => path.Flag("active") && !path.Flag("expired")).ToArray();
        var preferred = Array.FindIndex(paths, path => path.Flag("preferred"));
        return preferred >= 0 ? paths[preferred] : null;
    }
}
