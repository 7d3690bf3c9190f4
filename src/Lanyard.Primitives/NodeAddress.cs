using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lanyard;

/// <summary>
/// A node's address on VL1: 40 bits, derived from its public key by a memory-hard hash. Zero is "none"; addresses that begin with the byte
/// 0xff are reserved and never belong to a node.
/// </summary>
/// <param name="Value">The address as a number, 0 to 0xffffffffff.</param>
public readonly record struct NodeAddress(ulong Value) : IComparable<NodeAddress>
{
    /// <summary>The length on the wire in bytes.</summary>
    public const int Size = 5;

    /// <summary>Whether this is the default value, no address.</summary>
    public bool IsNone => Value == 0;

    /// <summary>Whether no node may have this address: zero, or beginning with 0xff.</summary>
    public bool IsReserved => Value == 0 || Value >> 32 >= 0xff;

    /// <summary>Reads five bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="source"/> is shorter than five bytes.</exception>
    public static NodeAddress Read(ReadOnlySpan<byte> source)
    {
        source = source[..Size];
        return new(((ulong)source[0] << 32) | ((ulong)source[1] << 24) | ((ulong)source[2] << 16) | ((ulong)source[3] << 8) | source[4]);
    }

    /// <summary>Writes five bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is shorter than five bytes.</exception>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        for (var i = 0; i < Size; i++)
            destination[i] = (byte)(Value >> (32 - (8 * i)));
    }

    /// <summary>Parses ten hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeAddress address)
    {
        address = default;
        // .NET's number parsers skip trailing NUL characters.
        if (text is not { Length: 10 } || text[^1] == '\0' || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            return false;
        address = new NodeAddress(value);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, throwing where the text is not an address.</summary>
    /// <exception cref="FormatException">The text is not ten hexadecimal digits.</exception>
    public static NodeAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not a node address: it has ten hexadecimal digits.");

    /// <inheritdoc/>
    public int CompareTo(NodeAddress other) => Value.CompareTo(other.Value);

    /// <summary>Ten hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x10", CultureInfo.InvariantCulture);
}
