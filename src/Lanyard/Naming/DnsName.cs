namespace Lanyard;

/// <summary>Encodes and reads the names of DNS messages (RFC 1035 section 3.1): labels preceded by their lengths, and an empty label at the end. All letters are
/// lower case, so that equal names are equal bytes.</summary>
internal static class DnsName
{
    /// <summary>The length of the longest encoded name in bytes (RFC 1035 section 2.3.4).</summary>
    public const int MaxBytes = 255;

    private const int MaxLabelBytes = 63;
    private const int PointerMark = 0xc0;

    /// <summary>Encodes a name. Returns false if it is not a host name: if it has empty or overlong labels, or other characters than letters, digits, '-' and
    /// '_'.</summary>
    public static bool TryEncode(string text, out byte[] name)
    {
        name = [];
        if (text.Length is 0 or > MaxBytes - 2)
            return false;
        var encoded = new byte[text.Length + 2];
        var labelStart = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] != '.')
            {
                var letter = text[i];
                if (letter is >= 'A' and <= 'Z')
                    letter = (char)(letter | 0x20);
                if (letter is not (>= 'a' and <= 'z' or >= '0' and <= '9' or '-' or '_'))
                    return false;
                encoded[i + 1] = (byte)letter;
                continue;
            }

            var length = i - labelStart;
            if (length is 0 or > MaxLabelBytes)
                return false;
            encoded[labelStart] = (byte)length;
            labelStart = i + 1;
        }

        name = encoded;
        return true;
    }

    /// <summary>Reads a name. Follows pointers, which must point backwards (RFC 1035 section 4.1.4).</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">The offset of the name; afterwards the offset behind it.</param>
    /// <param name="name">A buffer of <see cref="MaxBytes"/> bytes.</param>
    /// <param name="length">The length of the name in bytes.</param>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, Span<byte> name, out int length)
    {
        length = 0;
        var at = offset;
        var isBehindPointer = false;
        var earliest = offset;
        while (true)
        {
            if (at >= message.Length)
                return false;
            var label = message[at];
            if ((label & PointerMark) == PointerMark)
            {
                if (at + 1 >= message.Length)
                    return false;
                if (!isBehindPointer)
                    offset = at + 2;
                isBehindPointer = true;
                at = ((label & ~PointerMark) << 8) | message[at + 1];
                if (at >= earliest)
                    return false;
                earliest = at;
                continue;
            }

            if (label > MaxLabelBytes || at + 1 + label > message.Length || length + 1 + label > MaxBytes)
                return false;
            name[length++] = label;
            if (label == 0)
            {
                if (!isBehindPointer)
                    offset = at + 1;
                return true;
            }

            foreach (var letter in message.Slice(at + 1, label))
                name[length++] = letter is >= (byte)'A' and <= (byte)'Z' ? (byte)(letter | 0x20) : letter;
            at += 1 + label;
        }
    }
}
