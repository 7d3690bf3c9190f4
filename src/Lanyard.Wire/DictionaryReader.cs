using System.Buffers.Text;
using System.Text;

namespace Lanyard.Wire;

/// <summary>
/// A view of the protocol's key=value text, in which network configurations and the meta-data of their requests travel. A line is a key,
/// '=' and a value; a backslash escapes what may not stand in a value. The text ends at its end or at a zero byte. Of keys that occur twice
/// the first counts. Nothing is checked in advance, and a look-up reads from the start: it is made for some dozens of keys.
/// </summary>
public readonly ref struct DictionaryReader
{
    private readonly ReadOnlySpan<byte> _text;

    /// <summary>A view of <paramref name="text"/>.</summary>
    public DictionaryReader(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0);
        _text = end < 0 ? text : text[..end];
    }

    /// <summary>Finds a key's value in its escaped form.</summary>
    /// <param name="key">The key: ASCII without '=' and line ends.</param>
    /// <param name="escaped">The value as it stands in the text.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryGetEscaped(string key, out ReadOnlySpan<byte> escaped)
    {
        var rest = _text;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (line.Length <= key.Length || line[key.Length] != '=' || !IsKey(line, key))
                continue;
            escaped = line[(key.Length + 1)..];
            return true;
        }

        escaped = default;
        return false;
    }

    /// <summary>Whether there is such a key.</summary>
    public bool Contains(string key) => TryGetEscaped(key, out _);

    /// <summary>Reads a value as bytes, into a buffer of the caller's.</summary>
    /// <param name="key">The key.</param>
    /// <param name="buffer">Where to put the value.</param>
    /// <param name="value">The part of <paramref name="buffer"/> that holds the value.</param>
    /// <returns>Whether there is such a key and its value fits the buffer.</returns>
    public bool TryGetBytes(string key, Span<byte> buffer, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!TryGetEscaped(key, out var escaped) || !TryUnescape(escaped, buffer, out var length))
            return false;
        value = buffer[..length];
        return true;
    }

    /// <summary>Reads a value as bytes.</summary>
    public bool TryGetBytes(string key, out byte[] value)
    {
        value = [];
        if (!TryGetEscaped(key, out var escaped))
            return false;
        value = new byte[UnescapedLength(escaped)];
        return TryUnescape(escaped, value, out _);
    }

    /// <summary>
    /// Reads a value as a hexadecimal number: its leading hexadecimal digits, of which the last sixteen count. A value that begins with
    /// anything else reads as 0, as the protocol's nodes take it.
    /// </summary>
    /// <returns>Whether there is such a key and its value is not empty.</returns>
    public bool TryGetNumber(string key, out ulong value)
    {
        value = 0;
        if (!TryGetEscaped(key, out var digits) || digits.IsEmpty)
            return false;
        value = ParseHex(digits);
        return true;
    }

    /// <summary>As <see cref="TryGetNumber"/>, for a number that may have a leading minus.</summary>
    public bool TryGetSignedNumber(string key, out long value)
    {
        value = 0;
        if (!TryGetEscaped(key, out var digits) || digits.IsEmpty)
            return false;
        value = digits[0] == '-' ? -(long)ParseHex(digits[1..]) : (long)ParseHex(digits);
        return true;
    }

    /// <summary>Reads a value as a boolean: true where it begins with '1', 't' or 'T'.</summary>
    public bool TryGetBoolean(string key, out bool value)
    {
        value = false;
        if (!TryGetEscaped(key, out var text))
            return false;
        value = !text.IsEmpty && text[0] is (byte)'1' or (byte)'t' or (byte)'T';
        return true;
    }

    /// <summary>A number, or <paramref name="missing"/> where there is none.</summary>
    public ulong GetNumber(string key, ulong missing = 0) => TryGetNumber(key, out var value) ? value : missing;

    /// <summary>A number that may be negative, or <paramref name="missing"/> where there is none.</summary>
    public long GetSignedNumber(string key, long missing = 0) => TryGetSignedNumber(key, out var value) ? value : missing;

    /// <summary>A boolean, or <paramref name="missing"/> where there is none.</summary>
    public bool GetBoolean(string key, bool missing = false) => TryGetBoolean(key, out var value) ? value : missing;

    /// <summary>
    /// A UTF-8 text, empty where there is none. What is not UTF-8, and characters that would do something where the text is shown (control characters,
    /// line ends, changes of the writing direction), read as replacement characters.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="limit">How many bytes the text has at most; the rest is cut off.</param>
    public string GetText(string key, int limit = int.MaxValue) => TryGetBytes(key, out var bytes) ? DecodeText(bytes, limit) : "";

    /// <summary>Text from UTF-8, cut so that it has at most <paramref name="limit"/> bytes again, replacement characters included.</summary>
    internal static string DecodeText(ReadOnlySpan<byte> bytes, int limit)
    {
        var text = ReplaceControls(Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, limit)]));
        if (Encoding.UTF8.GetByteCount(text) <= limit)
            return text;
        Encoding.UTF8.GetEncoder().Convert(text.AsSpan(), new byte[limit], flush: false, out var fitting, out _, out _);
        return text[..fitting];
    }

    private static string ReplaceControls(string text)
    {
        char[]? replaced = null;
        for (var i = 0; i < text.Length; i++)
        {
            // Marks of direction, separators of lines and paragraphs, embeddings, overrides and isolates.
            if (!char.IsControl(text[i]) && text[i] is not ('\u200e' or '\u200f' or >= '\u2028' and <= '\u202e' or >= '\u2066' and <= '\u2069'))
                continue;
            replaced ??= text.ToCharArray();
            replaced[i] = '\ufffd';
        }

        return replaced is null ? text : new string(replaced);
    }

    private static bool IsKey(ReadOnlySpan<byte> line, string key)
    {
        for (var i = 0; i < key.Length; i++)
        {
            if (line[i] != key[i])
                return false;
        }

        return true;
    }

    private static ulong ParseHex(ReadOnlySpan<byte> text)
    {
        var end = 0;
        while (end < text.Length && IsHexDigit(text[end]))
            end++;
        return Utf8Parser.TryParse(text[Math.Max(0, end - 16)..end], out ulong value, out _, 'x') ? value : 0;
    }

    private static bool IsHexDigit(byte b) =>
        b is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f') or (>= (byte)'A' and <= (byte)'F');

    private static int UnescapedLength(ReadOnlySpan<byte> escaped)
    {
        var length = 0;
        for (var i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] != '\\')
                length++;
            else if (++i < escaped.Length)
                length++;
        }

        return length;
    }

    private static bool TryUnescape(ReadOnlySpan<byte> escaped, Span<byte> destination, out int length)
    {
        length = 0;
        for (var i = 0; i < escaped.Length; i++)
        {
            var b = escaped[i];
            if (b == '\\')
            {
                // A backslash at the very end stands for nothing.
                if (++i == escaped.Length)
                    return true;
                b = escaped[i] switch
                {
                    (byte)'r' => (byte)'\r',
                    (byte)'n' => (byte)'\n',
                    (byte)'0' => 0,
                    (byte)'e' => (byte)'=',
                    var other => other,
                };
            }

            if (length == destination.Length)
                return false;
            destination[length++] = b;
        }

        return true;
    }
}
