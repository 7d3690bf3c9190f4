using System.Text.Json;

namespace Lanyard.Service;

/// <summary>What a node's folder says in <c>local.conf</c> that applies here.</summary>
/// <param name="PrimaryPort">The port (<c>settings.primaryPort</c>), 0 for a free one; null where it says none.</param>
public readonly record struct LocalConfiguration(int? PrimaryPort)
{
    /// <summary>The file's name in the folder.</summary>
    public const string FileName = "local.conf";

    /// <summary>Reads a folder's <c>local.conf</c>. What is not there, or not known here, is passed over.</summary>
    /// <param name="home">The folder.</param>
    /// <exception cref="LanyardStateException">The file cannot be read, or is not JSON.</exception>
    public static LocalConfiguration Read(string home)
    {
        var path = Path.Combine(home, FileName);
        if (StateFiles.TryRead(path) is not { } text)
            return default;
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("settings", out var settings) && settings.ValueKind == JsonValueKind.Object
                && settings.TryGetProperty("primaryPort", out var port) && port.ValueKind == JsonValueKind.Number
                && port.TryGetInt32(out var number) && number is >= 0 and <= ushort.MaxValue
                ? new LocalConfiguration(number)
                : default;
        }
        catch (JsonException broken)
        {
            throw new LanyardStateException(path, $"The file '{path}' is not JSON: {broken.Message}", broken);
        }
    }
}
