using System.Text;

namespace Lanyard.Dissector;

/// <summary>
/// A description of a packet in words, and whether all of the packet was understood. Text from the network is reduced to printable ASCII.
/// </summary>
public sealed class Description
{
    private const int MaxShownBytes = 200;
    private readonly StringBuilder _text = new();

    internal Description()
    {
    }

    /// <summary>Whether the payload could be read, and was understood to its end.</summary>
    public bool IsUnderstood { get; private set; } = true;

    /// <summary>Creates a description without a readable payload.</summary>
    internal static Description Unread(string words) => new Description { IsUnderstood = false }.Add(words);

    /// <summary>Adds words.</summary>
    internal Description Add(string words)
    {
        if (_text.Length > 0)
            _text.Append(' ');
        _text.Append(words);
        return this;
    }

    /// <summary>Adds that a part was not understood.</summary>
    internal Description NotUnderstood(string what)
    {
        IsUnderstood = false;
        return Add($"[not understood: {what}]");
    }

    /// <summary>Adds the number of bytes after the known fields, if there are any.</summary>
    internal Description Trailing(int count) => count == 0 ? this : NotUnderstood($"{count} bytes at the end");

    /// <summary>Quotes at most 200 bytes as text, with a dot for each byte that is not printable ASCII.</summary>
    internal static string Quote(ReadOnlySpan<byte> bytes)
    {
        var shown = bytes[..Math.Min(bytes.Length, MaxShownBytes)];
        var text = new StringBuilder(shown.Length + 5).Append('"');
        foreach (var b in shown)
            text.Append(b is >= 0x20 and < 0x7f and not (byte)'"' ? (char)b : '.');
        return text.Append(shown.Length < bytes.Length ? "...\"" : "\"").ToString();
    }

    /// <summary>Returns the description as one line.</summary>
    public override string ToString() => _text.ToString();
}
