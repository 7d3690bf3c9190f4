using System.Text;

namespace Lanyard.Cli.Dissect;

/// <summary>
/// What a payload says, in words, and whether all of it was understood. Text that comes from the network is made harmless for a terminal.
/// </summary>
internal sealed class Description
{
    private const int MaxShownBytes = 200;
    private readonly StringBuilder _text = new();

    /// <summary>Whether the whole payload was understood.</summary>
    public bool IsUnderstood { get; private set; } = true;

    /// <summary>Adds words.</summary>
    public Description Add(string words)
    {
        if (_text.Length > 0)
            _text.Append(' ');
        _text.Append(words);
        return this;
    }

    /// <summary>Says that something was not understood.</summary>
    public Description NotUnderstood(string what)
    {
        IsUnderstood = false;
        return Add($"[not understood: {what}]");
    }

    /// <summary>Says that there are bytes behind all that is known, if there are.</summary>
    public Description Trailing(int count) => count == 0 ? this : NotUnderstood($"{count} bytes at the end");

    /// <summary>Bytes as text in quotes: what is not printable ASCII as a dot, and no more than a line's worth.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes)
    {
        var shown = bytes[..Math.Min(bytes.Length, MaxShownBytes)];
        var text = new StringBuilder(shown.Length + 5).Append('"');
        foreach (var b in shown)
            text.Append(b is >= 0x20 and < 0x7f and not (byte)'"' ? (char)b : '.');
        return text.Append(shown.Length < bytes.Length ? "...\"" : "\"").ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
