using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The packet protection of cipher suites 0 and 1: the first 32 bytes of a Salsa20/12 keystream are the Poly1305 key, and the keystream
/// from block 1 on encrypts. The tag covers the bytes on the wire. Suite 0 leaves the payload unencrypted and only authenticates it.
/// </summary>
public static class Salsa20Poly1305
{
    // The maximum payload whose keystream is computed in one pass, together with the authenticator's key: two chunks of it.
    private const int OnePassSize = (2 * Salsa20.ChunkSize) - Salsa20.BlockSize;

    /// <summary>Encrypts in place and writes the tag (suite 1).</summary>
    /// <param name="key">32 bytes, already combined with the packet's header.</param>
    /// <param name="nonce">8 bytes: the packet's ID.</param>
    /// <param name="payload">From the verb to the end.</param>
    /// <param name="tag">Receives the first 8 to 16 bytes of the tag. Packets contain 8.</param>
    /// <exception cref="ArgumentException">The key, the nonce or the tag has an invalid length.</exception>
    [SkipLocalsInit]
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> payload, Span<byte> tag)
    {
        CheckTag(tag);
        Span<byte> keystream = stackalloc byte[2 * Salsa20.ChunkSize];
        FirstKeystream(key, nonce, payload.Length, keystream);
        Encrypt(key, nonce, payload, keystream);
        WriteTag(keystream, payload, tag);
    }

    /// <summary>Checks the tag and, if it is correct, decrypts in place (suite 1). If it is wrong, nothing is changed.</summary>
    /// <param name="key">32 bytes, already combined with the packet's header.</param>
    /// <param name="nonce">8 bytes: the packet's ID.</param>
    /// <param name="payload">From the verb to the end.</param>
    /// <param name="tag">The tag's first bytes, 8 to 16 of them.</param>
    /// <returns>Whether the tag is correct.</returns>
    /// <exception cref="ArgumentException">The key, the nonce or the tag has an invalid length.</exception>
    [SkipLocalsInit]
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> payload, ReadOnlySpan<byte> tag)
    {
        CheckTag(tag);
        Span<byte> keystream = stackalloc byte[2 * Salsa20.ChunkSize];
        FirstKeystream(key, nonce, payload.Length, keystream);
        if (!TagIs(keystream, payload, tag))
            return false;
        Encrypt(key, nonce, payload, keystream);
        return true;
    }

    /// <summary>Writes the tag of an unencrypted payload (suite 0).</summary>
    /// <inheritdoc cref="Seal"/>
    [SkipLocalsInit]
    public static void Authenticate(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload, Span<byte> tag)
    {
        CheckTag(tag);
        Span<byte> keystream = stackalloc byte[Salsa20.ChunkSize];
        FirstKeystream(key, nonce, 0, keystream);
        WriteTag(keystream, payload, tag);
    }

    /// <summary>Checks the tag of a payload as received (suites 0 and 1).</summary>
    /// <inheritdoc cref="TryOpen"/>
    [SkipLocalsInit]
    public static bool Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> tag)
    {
        CheckTag(tag);
        Span<byte> keystream = stackalloc byte[Salsa20.ChunkSize];
        FirstKeystream(key, nonce, 0, keystream);
        return TagIs(keystream, payload, tag);
    }

    /// <summary>
    /// Writes keystream from block 0 on: the block with the authenticator's key and, if it fits, the keystream for the payload.
    /// </summary>
    private static void FirstKeystream(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, int length, Span<byte> keystream)
    {
        Span<uint> state = stackalloc uint[Salsa20.StateWords];
        Salsa20.LoadState(key, nonce, 0, state);
        var covered = length <= OnePassSize ? length : 0;
        Salsa20.Blocks(Salsa20.PacketRounds, state, keystream, 1 + ((covered + Salsa20.BlockSize - 1) / Salsa20.BlockSize));
        state.Clear();
    }

    private static void Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, Span<byte> payload, ReadOnlySpan<byte> keystream)
    {
        if (payload.Length <= OnePassSize)
            ByteMath.Xor(payload, keystream[Salsa20.BlockSize..]);
        else
            Salsa20.Transform12(key, nonce, 1, payload);
    }

    private static void WriteTag(Span<byte> keystream, ReadOnlySpan<byte> payload, Span<byte> tag)
    {
        Span<byte> whole = stackalloc byte[Poly1305.TagSize];
        Poly1305.Compute(keystream[..Poly1305.KeySize], payload, whole);
        whole[..tag.Length].CopyTo(tag);
        keystream[..Poly1305.KeySize].Clear();
    }

    private static bool TagIs(Span<byte> keystream, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> tag)
    {
        Span<byte> expected = stackalloc byte[Poly1305.TagSize];
        WriteTag(keystream, payload, expected);
        return CryptographicOperations.FixedTimeEquals(expected[..tag.Length], tag);
    }

    private static void CheckTag(ReadOnlySpan<byte> tag)
    {
        if (tag.Length is < 8 or > Poly1305.TagSize)
            throw new ArgumentException("A packet's tag has 8 to 16 bytes.", nameof(tag));
    }
}
