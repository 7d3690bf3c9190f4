namespace Lanyard;

/// <summary>Names as DNS messages hold them (RFC 1035 section 3.1): labels with their lengths in front, an empty one at the end. Here always in
/// small letters, so that equal names are equal bytes.</summary>
internal static class DnsName
{
    /// <summary>The longest name, lengths and end included (RFC 1035 section 2.3.4).</summary>
    public const int MaxBytes = 255;

    private const int MaxLabelBytes = 63;
    private const int PointerMark = 0xc0;

    /// <summary>Writes a name's labels. False for what is no host's name: empty or overlong labels, other characters than letters, digits, '-' and
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

    /// <summary>Reads a name, following pointers, which must lead backwards (RFC 1035 section 4.1.4).</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">Where the name is; afterwards where what follows it is.</param>
    /// <param name="name">Takes <see cref="MaxBytes"/> bytes.</param>
    /// <param name="length">How many were written.</param>
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
