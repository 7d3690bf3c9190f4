using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lanyard.Primitives;

/// <summary>
/// An address with a prefix length: a network (<c>10.0.0.0/8</c>) or an address on one (<c>10.1.2.3/8</c>). <see langword="default"/> is "none".
/// </summary>
/// <param name="Address">The address; host bits are kept.</param>
/// <param name="Bits">The prefix length, 0 to 32 or 128.</param>
public readonly record struct InetPrefix(InetAddress Address, byte Bits)
{
    /// <summary>The network's first address.</summary>
    public InetAddress Network => Address.Mask(Bits);

    /// <summary>The network's last address: for IPv4 its broadcast address.</summary>
    public InetAddress Last => Address.LastOf(Bits);

    /// <summary>Whether <paramref name="address"/> lies in this network.</summary>
    public bool Contains(InetAddress address) => address.Family == Address.Family && address.Family != InetFamily.None
        && address.Mask(Bits) == Network;

    /// <summary>Parses <c>address/bits</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InetPrefix prefix)
    {
        prefix = default;
        var cut = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        // .NET's number parsers skip trailing NUL characters.
        if (cut <= 0 || text![^1] == '\0' || !InetAddress.TryParse(text[..cut], out var address)
            || !byte.TryParse(text.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits) || bits > address.Bits)
            return false;
        prefix = new InetPrefix(address, bits);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, throwing where the text is not a prefix.</summary>
    /// <exception cref="FormatException">The text is not a prefix.</exception>
    public static InetPrefix Parse(string text) =>
        TryParse(text, out var prefix) ? prefix : throw new FormatException($"'{text}' is not an address with a prefix length such as 10.0.0.0/8.");

    /// <summary><c>address/bits</c>; empty for the default value.</summary>
    public override string ToString() =>
        Address.Family == InetFamily.None ? "" : string.Create(CultureInfo.InvariantCulture, $"{Address}/{Bits}");
}
