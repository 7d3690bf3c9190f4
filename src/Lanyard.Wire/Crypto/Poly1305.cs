namespace Lanyard.Wire.Crypto;

/// <summary>The one-time authenticator Poly1305 (RFC 8439, section 2.5).</summary>
public static class Poly1305
{
    /// <summary>The length of a key in bytes. A key authenticates one message.</summary>
    public const int KeySize = 32;

    /// <summary>The length of a tag in bytes. Packets contain the first eight.</summary>
    public const int TagSize = 16;

    /// <summary>Computes the tag of one message.</summary>
    /// <param name="key">32 bytes, used for no other message.</param>
    /// <param name="message">Any length.</param>
    /// <param name="tag">Receives 16 bytes.</param>
    /// <exception cref="ArgumentException">The key or the tag has another length.</exception>
    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> tag) => Compute(key, message, default, tag);

    /// <summary>Computes the tag of the concatenation of two pieces.</summary>
    /// <param name="key">32 bytes, used for no other message.</param>
    /// <param name="first">The message's first piece, of any length.</param>
    /// <param name="second">The message's second piece, of any length.</param>
    /// <param name="tag">Receives 16 bytes.</param>
    /// <exception cref="ArgumentException">The key or the tag has another length.</exception>
    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> tag)
    {
        if (key.Length != KeySize)
            throw new ArgumentException("A Poly1305 key has 32 bytes.", nameof(key));
        if (tag.Length != TagSize)
            throw new ArgumentException("A Poly1305 tag has 16 bytes.", nameof(tag));
#if NET
        Poly1305Wide.Compute(key, first, second, tag);
#else
        Poly1305Portable.Compute(key, first, second, tag);
#endif
    }
}
