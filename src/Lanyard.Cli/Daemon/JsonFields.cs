using System.Globalization;
using System.Text.Json;

namespace Lanyard.Cli.Daemon;

/// <summary>Reads fields of the API's responses. Missing fields are empty, because existing nodes have other versions of the API.</summary>
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

    /// <summary>Returns the path in use to a peer; null if packets to the peer are relayed.</summary>
    public static JsonElement? PathInUse(this JsonElement peer)
    {
        var paths = peer.Items("paths").Where(path => path.Flag("active") && !path.Flag("expired")).ToArray();
        var preferred = Array.FindIndex(paths, path => path.Flag("preferred"));
        return preferred >= 0 ? paths[preferred] : null;
    }
}
