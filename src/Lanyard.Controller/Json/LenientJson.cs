using System.Globalization;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Reads fields of a JSON object as the controller API always has: a boolean may come as a number or a text, a number as a text, and what
/// cannot be read is the default. Nothing here throws.
/// </summary>
internal static class LenientJson
{
    /// <summary>A field of an object. Of a name that occurs twice the last counts.</summary>
    public static bool TryGet(this JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out value);
    }

    public static bool AsBoolean(this JsonElement value, bool otherwise = false) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => value.AsUnsigned() > 0,
        JsonValueKind.String => value.AsText() is ['t' or 'T' or '1', ..],
        _ => otherwise,
    };

    /// <summary>A number of 64 bits: fractions are cut, negative numbers wrap.</summary>
    public static ulong AsUnsigned(this JsonElement value, ulong otherwise = 0)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Number:
                if (value.TryGetUInt64(out var unsigned))
                    return unsigned;
                if (value.TryGetInt64(out var signed))
                    return (ulong)signed;
                return value.TryGetDouble(out var real) && Math.Abs(real) < 9e18 ? (ulong)(long)real : otherwise;
            case JsonValueKind.String:
                var text = value.AsText();
                var digits = text.AsSpan().TrimStart();
                var length = 0;
                while (length < digits.Length && char.IsAsciiDigit(digits[length]))
                    length++;
                return ulong.TryParse(digits[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : 0;
            case JsonValueKind.True:
                return 1;
            case JsonValueKind.False:
                return 0;
            default:
                return otherwise;
        }
    }

    /// <summary>A number of milliseconds or the like: not negative.</summary>
    public static long AsCount(this JsonElement value) => (long)Math.Min(value.AsUnsigned(), long.MaxValue);

    public static string AsText(this JsonElement value, string otherwise = "")
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Unescaped(value, static value => value.GetString()!) ?? otherwise;
            case JsonValueKind.Number:
                return value.AsUnsigned().ToString(CultureInfo.InvariantCulture);
            case JsonValueKind.True:
                return "1";
            case JsonValueKind.False:
                return "0";
            default:
                return otherwise;
        }
    }

    /// <summary>A field's name, or <see langword="null"/> if it cannot be read.</summary>
    public static string? NameOrNull(this JsonProperty field) => Unescaped(field, static field => field.Name);

    /// <summary>An IP address in a text. What follows a '/' is left aside, as tools write addresses with it.</summary>
    public static bool TryAddress(this JsonElement value, out InetAddress address)
    {
        address = default;
        if (value.ValueKind != JsonValueKind.String)
            return false;
        var text = value.AsText();
        var cut = text.IndexOf('/', StringComparison.Ordinal);
        return InetAddress.TryParse(cut < 0 ? text : text[..cut], out address);
    }

    /// <summary>A field of an object that is a list.</summary>
    public static bool TryGetArray(this JsonElement element, string name, out JsonElement list) =>
        element.TryGet(name, out list) && list.ValueKind == JsonValueKind.Array;

    /// <summary>A number of 32 bits, which may be negative.</summary>
    public static bool TryGetSmallNumber(this JsonElement value, out int number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out number);
    }

    /// <summary>How much to trace, 0 to 30.</summary>
    public static int AsTraceLevel(this JsonElement value) => (int)Math.Min(value.AsUnsigned(), 30);

    /// <summary>A node's address in a text.</summary>
    public static NodeAddress AsNodeAddress(this JsonElement value) => NodeAddress.TryParse(value.AsText(), out var address) ? address : default;

    public static void WriteNodeOrNull(this Utf8JsonWriter writer, string name, NodeAddress node)
    {
        if (node.IsNone)
            writer.WriteNull(name);
        else
            writer.WriteString(name, node.ToString());
    }

    public static void WriteBooleanIfSaid(this Utf8JsonWriter writer, string name, bool? value)
    {
        if (value is { } said)
            writer.WriteBoolean(name, said);
    }

    // A text with half a character (an escape for one surrogate of two, or bytes that are not UTF-8) cannot be had.
    private static string? Unescaped<T>(T source, Func<T, string> read)
    {
        try
        {
            return read(source);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
