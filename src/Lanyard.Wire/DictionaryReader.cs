using System.Buffers.Text;
using System.Text;

namespace Lanyard.Wire;

/// <summary>
/// A view of the protocol's key=value text, the format of network configurations and of the metadata of their requests. A line is a key,
/// '=' and a value; a backslash escapes characters that a value must not contain. The text ends at its end or at a zero byte. If a key occurs twice,
/// the first value counts. The text is not validated in advance, and each lookup searches from the start: the format is meant for a few dozen keys.
/// </summary>
public readonly ref struct DictionaryReader
{
    private readonly ReadOnlySpan<byte> _text;

    /// <summary>Creates a view of <paramref name="text"/>.</summary>
    public DictionaryReader(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0);
        _text = end < 0 ? text : text[..end];
    }

    /// <summary>Finds a key's value in its escaped form.</summary>
    /// <param name="key">The key: ASCII without '=' and line ends.</param>
    /// <param name="escaped">The value, still escaped.</param>
    /// <returns>Whether the key exists.</returns>
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

    /// <summary>Whether a key exists.</summary>
    public bool Contains(string key) => TryGetEscaped(key, out _);

    /// <summary>Reads a value as bytes into the caller's buffer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="buffer">The buffer for the value.</param>
    /// <param name="value">The part of <paramref name="buffer"/> that contains the value.</param>
    /// <returns>Whether the key exists and its value fits the buffer.</returns>
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
    /// Reads a value as a hexadecimal number: the last sixteen of its leading hexadecimal digits. A value without leading hexadecimal
    /// digits reads as 0, as in the protocol's nodes.
    /// </summary>
    /// <returns>Whether the key exists and its value is not empty.</returns>
    public bool TryGetNumber(string key, out ulong value)
    {
        value = 0;
        if (!TryGetEscaped(key, out var digits) || digits.IsEmpty)
            return false;
        value = ParseHex(digits);
        return true;
    }

    /// <summary>Reads a value like <see cref="TryGetNumber"/>, with an optional leading minus.</summary>
    public bool TryGetSignedNumber(string key, out long value)
    {
        value = 0;
        if (!TryGetEscaped(key, out var digits) || digits.IsEmpty)
            return false;
        value = digits[0] == '-' ? -(long)ParseHex(digits[1..]) : (long)ParseHex(digits);
        return true;
    }

    /// <summary>Reads a value as a Boolean: true if it begins with '1', 't' or 'T'.</summary>
    public bool TryGetBoolean(string key, out bool value)
    {
        value = false;
        if (!TryGetEscaped(key, out var text))
            return false;
        value = !text.IsEmpty && text[0] is (byte)'1' or (byte)'t' or (byte)'T';
        return true;
    }

    /// <summary>Returns a number, or <paramref name="missing"/> if the key does not exist.</summary>
    public ulong GetNumber(string key, ulong missing = 0) => TryGetNumber(key, out var value) ? value : missing;

    /// <summary>Returns a signed number, or <paramref name="missing"/> if the key does not exist.</summary>
    public long GetSignedNumber(string key, long missing = 0) => TryGetSignedNumber(key, out var value) ? value : missing;

    /// <summary>Returns a Boolean, or <paramref name="missing"/> if the key does not exist.</summary>
    public bool GetBoolean(string key, bool missing = false) => TryGetBoolean(key, out var value) ? value : missing;

    /// <summary>
    /// Returns a UTF-8 text, empty if the key does not exist. Invalid UTF-8, and characters that could affect a display (control characters,
    /// line ends, changes of the writing direction), become replacement characters.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="limit">The maximum length of the text in bytes; the rest is cut off.</param>
    public string GetText(string key, int limit = int.MaxValue) => TryGetBytes(key, out var bytes) ? DecodeText(bytes, limit) : "";

    /// <summary>Decodes UTF-8 to a text of at most <paramref name="limit"/> bytes of UTF-8, including replacement characters.</summary>
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
            // Direction marks, line and paragraph separators, embeddings, overrides and isolates.
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
                // A backslash at the end of the text has no meaning.
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
