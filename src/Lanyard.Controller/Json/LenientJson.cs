using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Reads parts of JSON objects, for requests and stored records. No member throws.
/// </summary>
internal static class LenientJson
{
    /// <summary>Finds a field of an object. If a name occurs twice, the last field counts.</summary>
    public static bool TryGet(this JsonElement element, string name, out JsonElement value)
    {
        value = default;
        if (element.ValueKind != JsonValueKind.Object)
            return false;
        try
        {
            return element.TryGetProperty(name, out value);
        }
        catch (InvalidOperationException)
        {
            // The search throws if the name of another field has invalid escapes.
            return TryGetDespiteInvalidNames(element, name, out value);
        }
    }

    /// <summary>Returns a string; empty if it cannot be read.</summary>
    public static string AsText(this JsonElement value) => LenientValues.TryReadText(value) ?? "";

    /// <summary>Returns a stored non-negative number; 0 if it is missing.</summary>
    public static ulong StoredNumber(this JsonElement document, string name) => document.TryGet(name, out var value) && LenientValues.TryReadNumber(value, out var number)
        ? (ulong)Math.Clamp(number, 0, ulong.MaxValue) : 0;

    /// <summary>Returns a stored non-negative number of milliseconds; 0 if it is missing.</summary>
    public static long StoredCount(this JsonElement document, string name) => (long)Math.Min(document.StoredNumber(name), long.MaxValue);

    /// <summary>Returns a field's name, or <see langword="null"/> if it cannot be read.</summary>
    public static string? NameOrNull(this JsonProperty field)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Reads an IP address. Ignores a '/' and the rest, because tools write addresses with a prefix length.</summary>
    public static bool TryAddress(this JsonElement value, out InetAddress address)
    {
        address = default;
        if (value.ValueKind != JsonValueKind.String)
            return false;
        var text = value.AsText();
        var cut = text.IndexOf('/', StringComparison.Ordinal);
        return InetAddress.TryParse(cut < 0 ? text : text[..cut], out address);
    }

    /// <summary>Reads a signed 32-bit number.</summary>
    public static bool TryGetSmallNumber(this JsonElement value, out int number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out number);
    }

    public static void WriteNodeOrNull(this Utf8JsonWriter writer, string name, NodeAddress node)
    {
        if (node.IsNone)
            writer.WriteNull(name);
        else
            writer.WriteString(name, node.ToString());
    }

    public static void WriteBooleanIfSet(this Utf8JsonWriter writer, string name, bool? value)
    {
        if (value is { } isOn)
            writer.WriteBoolean(name, isOn);
    }

    // Names with a lone surrogate, or with bytes that are not UTF-8, cannot be read.
    private static bool TryGetDespiteInvalidNames(JsonElement element, string name, out JsonElement value)
    {
        value = default;
        var isFound = false;
        foreach (var field in element.EnumerateObject())
        {
            if (field.NameOrNull() == name)
                (value, isFound) = (field.Value, true);
        }

        return isFound;
    }
}
