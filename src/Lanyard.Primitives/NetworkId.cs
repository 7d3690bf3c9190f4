using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lanyard;

/// <summary>A virtual network's identifier: its controller's address (40 bits) and a number that the controller chose (24 bits).</summary>
/// <param name="Value">The identifier as a number. Zero is "none".</param>
public readonly record struct NetworkId(ulong Value) : IComparable<NetworkId>
{
    /// <summary>The length on the wire in bytes.</summary>
    public const int Size = 8;

    /// <summary>Whether this is the default value, no network.</summary>
    public bool IsNone => Value == 0;

    /// <summary>The controller that defines this network.</summary>
    public NodeAddress Controller => new(Value >> 24);

    /// <summary>The number that its controller gave the network, 0 to 0xffffff.</summary>
    public uint Number => (uint)(Value & 0xffffff);

    /// <summary>The identifier of a controller's network.</summary>
    public static NetworkId Create(NodeAddress controller, uint number) => new((controller.Value << 24) | (number & 0xffffff));

    /// <summary>Parses sixteen hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out NetworkId id)
    {
        id = default;
        // .NET's number parsers skip trailing NUL characters.
        if (text is not { Length: 16 } || text[^1] == '\0' || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            return false;
        id = new NetworkId(value);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, throwing where the text is not a network ID.</summary>
    /// <exception cref="FormatException">The text is not sixteen hexadecimal digits.</exception>
    public static NetworkId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a network ID: it has sixteen hexadecimal digits.");

    /// <inheritdoc/>
    public int CompareTo(NetworkId other) => Value.CompareTo(other.Value);

    /// <summary>Sixteen hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
