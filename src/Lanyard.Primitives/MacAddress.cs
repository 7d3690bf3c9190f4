using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lanyard.Primitives;

/// <summary>An Ethernet address: 48 bits, the first byte on the wire in the top bits of <see cref="Value"/>.</summary>
/// <param name="Value">The address as a number, 0 to 0xffffffffffff.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>The length on the wire in bytes.</summary>
    public const int Size = 6;

    /// <summary>ff:ff:ff:ff:ff:ff</summary>
    public static MacAddress Broadcast => new(0xffff_ffff_ffff);

    /// <summary>Whether all 48 bits are set.</summary>
    public bool IsBroadcast => Value == 0xffff_ffff_ffff;

    /// <summary>Whether the group bit is set: multicast or broadcast.</summary>
    public bool IsMulticast => (Value & 0x0100_0000_0000) != 0;

    /// <summary>Reads six bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="source"/> is shorter than six bytes.</exception>
    public static MacAddress Read(ReadOnlySpan<byte> source)
    {
        source = source[..Size];
        ulong value = 0;
        foreach (var b in source)
            value = (value << 8) | b;
        return new MacAddress(value);
    }

    /// <summary>Writes six bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is shorter than six bytes.</exception>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        for (var i = 0; i < Size; i++)
            destination[i] = (byte)(Value >> (40 - (8 * i)));
    }

    /// <summary>Parses twelve hexadecimal digits, with or without colons or hyphens between the bytes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out MacAddress address)
    {
        address = default;
        if (text is null)
            return false;
        var digits = text.Length == 17 ? text.Replace(":", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal) : text;
        // .NET's number parsers skip trailing NUL characters.
        if (digits.Length != 12 || digits[^1] == '\0' || !ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            return false;
        address = new MacAddress(value);
        return true;
    }

    /// <summary>Six hexadecimal bytes with colons between.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");
}
