using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The packet protection of cipher suites 0 and 1: the first 32 bytes of a Salsa20/12 keystream are the Poly1305 key, and the keystream from
/// block 1 on encrypts. The tag is over the bytes as they travel. Suite 0 leaves the payload in the clear and only authenticates it.
/// </summary>
public static class Salsa20Poly1305
{
    /// <summary>Encrypts in place and writes the tag (suite 1).</summary>
    /// <param name="key">32 bytes, already mixed with the packet's header.</param>
    /// <param name="nonce">8 bytes: the packet's ID.</param>
    /// <param name="payload">From the verb to the end.</param>
    /// <param name="tag">Receives the first bytes of the tag, as many as there is room for, up to 16. Packets carry 8.</param>
    /// <exception cref="ArgumentException">The key, the nonce or the tag has a length that cannot be.</exception>
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> payload, Span<byte> tag)
    {
        Span<byte> authenticatorKey = stackalloc byte[Poly1305.KeySize];
        Salsa20.Keystream12(key, nonce, 0, authenticatorKey);
        Salsa20.Transform12(key, nonce, 1, payload);
        WriteTag(authenticatorKey, payload, tag);
    }

    /// <summary>Checks the tag and, if it is right, decrypts in place (suite 1). If it is wrong nothing is changed.</summary>
    /// <param name="key">32 bytes, already mixed with the packet's header.</param>
    /// <param name="nonce">8 bytes: the packet's ID.</param>
    /// <param name="payload">From the verb to the end.</param>
    /// <param name="tag">The tag's first bytes, 8 to 16 of them.</param>
    /// <returns>Whether the tag is right.</returns>
    /// <exception cref="ArgumentException">The key, the nonce or the tag has a length that cannot be.</exception>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> payload, ReadOnlySpan<byte> tag)
    {
        if (!Verify(key, nonce, payload, tag))
            return false;
        Salsa20.Transform12(key, nonce, 1, payload);
        return true;
    }

    /// <summary>Writes the tag of a payload that travels in the clear (suite 0).</summary>
    /// <inheritdoc cref="Seal"/>
    public static void Authenticate(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload, Span<byte> tag)
    {
        Span<byte> authenticatorKey = stackalloc byte[Poly1305.KeySize];
        Salsa20.Keystream12(key, nonce, 0, authenticatorKey);
        WriteTag(authenticatorKey, payload, tag);
    }

    /// <summary>Checks the tag of a payload as it travels (suites 0 and 1).</summary>
    /// <inheritdoc cref="TryOpen"/>
    public static bool Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> tag)
    {
        if (tag.Length is < 8 or > Poly1305.TagSize)
            throw new ArgumentException("A packet's tag has 8 to 16 bytes.", nameof(tag));
        Span<byte> expected = stackalloc byte[Poly1305.TagSize];
        Authenticate(key, nonce, payload, expected[..tag.Length]);
        return CryptographicOperations.FixedTimeEquals(expected[..tag.Length], tag);
    }

    private static void WriteTag(Span<byte> authenticatorKey, ReadOnlySpan<byte> payload, Span<byte> tag)
    {
        if (tag.Length is < 8 or > Poly1305.TagSize)
            throw new ArgumentException("A packet's tag has 8 to 16 bytes.", nameof(tag));
        Span<byte> whole = stackalloc byte[Poly1305.TagSize];
        Poly1305.Compute(authenticatorKey, payload, whole);
        whole[..tag.Length].CopyTo(tag);
        authenticatorKey.Clear();
    }
}
