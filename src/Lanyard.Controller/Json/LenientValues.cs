using System.Globalization;
using System.Text.Json;

namespace Lanyard.Controller;

/// <summary>
/// Reads JSON values of an unexpected type if existing nodes read the same value from them: a number or a string for a Boolean, a string for a number.
/// Rejects values that existing nodes silently replace with a default. No member throws.
/// </summary>
public static class LenientValues
{
    // The maximum number of digits of any setting.
    private const int MaxDigits = 20;

    /// <summary>
    /// Reads a Boolean: true, false, 0 (off), a positive number (on), or a string that starts with t, T, f or F, or is 1 or 0. An empty string is off.
    /// </summary>
    public static bool TryReadSwitch(JsonElement value, out bool isOn)
    {
        isOn = value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.Number => value.TryGetDouble(out var number) && number > 0,
            JsonValueKind.String => TryReadText(value) is ['t' or 'T' or '1', ..],
            _ => false,
        };
        return value.ValueKind switch
        {
            JsonValueKind.True or JsonValueKind.False => true,
            JsonValueKind.Number => value.TryGetDouble(out var number) && number >= 0,
            JsonValueKind.String => TryReadText(value) is "" or "0" or "1" or ['t' or 'T' or 'f' or 'F', ..],
            _ => false,
        };
    }

    /// <summary>Reads an integer: a number, whose fraction is truncated, or a string of decimal digits with optional sign and surrounding white space.</summary>
    public static bool TryReadNumber(JsonElement value, out decimal number)
    {
        number = 0;
        if (value.ValueKind == JsonValueKind.String)
        {
            return TryReadText(value) is { Length: <= MaxDigits } text
                && decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out number);
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out number))
            return false;
        number = decimal.Truncate(number);
        return true;
    }

    /// <summary>Reads a string: a string of valid Unicode, or the literal text of a number. Returns null for any other value.</summary>
    public static string? TryReadText(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Number => value.GetRawText(),
                _ => null,
            };
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate, or bytes that are not UTF-8.
            return null;
        }
    }
}
