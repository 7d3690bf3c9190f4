namespace Lanyard.Proxies;

/// <summary>
/// The validated head of an HTTP/1 request (RFC 9112 sections 2 to 5): the request line, and fields with tokens as names and without control characters in their values.
/// Lines end with CR LF and are not folded; ambiguous heads are refused.
/// </summary>
internal readonly ref struct HttpRequestHead
{
    private static ReadOnlySpan<byte> HeadEnd => "\r\n\r\n"u8;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary>The method.</summary>
    public ReadOnlySpan<byte> Method { get; private init; }

    /// <summary>The request target, in any of its forms.</summary>
    public ReadOnlySpan<byte> Target { get; private init; }

    /// <summary>Whether the request is HTTP/1.0, not 1.1.</summary>
    public bool IsVersion10 { get; private init; }

    /// <summary>The lines after the first; see <see cref="TryReadField"/>.</summary>
    public ReadOnlySpan<byte> Fields { get; private init; }

    /// <summary>Finds the end of a head.</summary>
    /// <param name="bytes">The bytes received so far.</param>
    /// <param name="known">The number of bytes that an earlier call has searched.</param>
    /// <returns>The length of the head; 0 if it is not complete.</returns>
    public static int FindEnd(ReadOnlySpan<byte> bytes, int known)
    {
        var from = Math.Max(known - HeadEnd.Length + 1, 0);
        var end = bytes[from..].IndexOf(HeadEnd);
        return end < 0 ? 0 : from + end + HeadEnd.Length;
    }

    /// <summary>Parses a head.</summary>
    /// <param name="bytes">The complete head.</param>
    /// <param name="head">The parsed head.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out HttpRequestHead head)
    {
        head = default;
        var lineEnd = bytes.IndexOf(LineEnd);
        if (lineEnd < 0 || !bytes.EndsWith(HeadEnd))
            return false;
        var line = bytes[..lineEnd];
        var first = line.IndexOf((byte)' ');
        var last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1)
            return false;
        var method = line[..first];
        var target = line[(first + 1)..last];
        var version = line[(last + 1)..];
        if (!IsToken(method) || !IsVisible(target) || !(version.SequenceEqual("HTTP/1.1"u8) || version.SequenceEqual("HTTP/1.0"u8)))
            return false;
        var fields = bytes[(lineEnd + LineEnd.Length)..^LineEnd.Length];
        var rest = fields;
        while (!rest.IsEmpty)
        {
            if (!TryReadField(ref rest, out var name, out var value) || !IsToken(name) || !IsValue(value))
                return false;
        }

        head = new HttpRequestHead { Method = method, Target = target, IsVersion10 = version[^1] == (byte)'0', Fields = fields };
        return true;
    }

    /// <summary>Reads the next field.</summary>
    /// <param name="rest">The remaining lines; afterwards the lines after the field.</param>
    /// <param name="name">The field's name.</param>
    /// <param name="value">The field's value, without surrounding white space.</param>
    /// <returns>False at the end.</returns>
    public static bool TryReadField(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        var end = rest.IndexOf(LineEnd);
        if (end <= 0)
            return false;
        var line = rest[..end];
        var colon = line.IndexOf((byte)':');
        if (colon <= 0)
            return false;
        name = line[..colon];
        value = Trim(line[(colon + 1)..]);
        rest = rest[(end + LineEnd.Length)..];
        return true;
    }

    /// <summary>Whether bytes equal a word, ignoring the case of ASCII letters. The word is in lower case.</summary>
    public static bool Is(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> word)
    {
        if (bytes.Length != word.Length)
            return false;
        for (var i = 0; i < word.Length; i++)
        {
            var letter = bytes[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(bytes[i] | 0x20) : bytes[i];
            if (letter != word[i])
                return false;
        }

        return true;
    }

    /// <summary>Reads the next element of a comma-separated list.</summary>
    /// <returns>False at the end.</returns>
    public static bool TryReadItem(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> item)
    {
        item = default;
        if (rest.IsEmpty)
            return false;
        var comma = rest.IndexOf((byte)',');
        item = Trim(comma < 0 ? rest : rest[..comma]);
        rest = comma < 0 ? default : rest[(comma + 1)..];
        return true;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && bytes[0] is (byte)' ' or (byte)'\t')
            bytes = bytes[1..];
        while (bytes.Length > 0 && bytes[^1] is (byte)' ' or (byte)'\t')
            bytes = bytes[..^1];
        return bytes;
    }

    // The token characters of RFC 9110 section 5.6.2.
    private static bool IsToken(ReadOnlySpan<byte> bytes)
    {
        foreach (var letter in bytes)
        {
            var isAlphanumeric = letter is >= (byte)'0' and <= (byte)'9' or >= (byte)'A' and <= (byte)'Z' or >= (byte)'a' and <= (byte)'z';
            if (!isAlphanumeric && "!#$%&'*+-.^_`|~"u8.IndexOf(letter) < 0)
                return false;
        }

        return !bytes.IsEmpty;
    }

    private static bool IsVisible(ReadOnlySpan<byte> bytes)
    {
        foreach (var letter in bytes)
        {
            if (letter is <= (byte)' ' or >= 0x7f)
                return false;
        }

        return true;
    }

    private static bool IsValue(ReadOnlySpan<byte> bytes)
    {
        foreach (var letter in bytes)
        {
            if (letter is < (byte)' ' and not (byte)'\t' or 0x7f)
                return false;
        }

        return true;
    }
}
