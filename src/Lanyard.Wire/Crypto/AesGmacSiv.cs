using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// AES-GMAC-SIV, the packet protection of cipher suite 3 (from protocol version 12 on). The GMAC under the first key, over the additional data and
/// the plaintext, is folded to 64 bits and appended to the message's 64-bit initialization vector. These sixteen bytes, encrypted under the
/// second key, are the tag. The tag, with the top bit of its last four bytes cleared, is also the first counter of AES-CTR under the second key.
/// Thread-safe.
/// </summary>
public sealed class AesGmacSiv : IDisposable
{
    /// <summary>The length of each of the two keys in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>The length of a message's initialization vector in bytes.</summary>
    public const int IVSize = 8;

    /// <summary>The length of a tag in bytes. Packets carry it as packet ID and MAC.</summary>
    public const int TagSize = 16;

    private readonly AesGmacSivCore _core;

    /// <summary>Creates a cipher with two keys. The caller clears its own copies.</summary>
    /// <param name="authenticationKey">32 bytes.</param>
    /// <param name="encryptionKey">32 bytes.</param>
    /// <exception cref="ArgumentException">A key has another length.</exception>
    public AesGmacSiv(ReadOnlySpan<byte> authenticationKey, ReadOnlySpan<byte> encryptionKey)
    {
        if (authenticationKey.Length != KeySize)
            throw new ArgumentException("An AES-GMAC-SIV key has 32 bytes.", nameof(authenticationKey));
        if (encryptionKey.Length != KeySize)
            throw new ArgumentException("An AES-GMAC-SIV key has 32 bytes.", nameof(encryptionKey));
#if NET10_0_OR_GREATER
        if (AesX86.IsSupported && GhashX86Wide.IsSupported)
            _core = new AesGmacSivHardware<AesX86, GhashX86Wide>(authenticationKey, encryptionKey);
        else
#endif
#if NET
        if (AesX86.IsSupported && GhashX86.IsSupported)
            _core = new AesGmacSivHardware<AesX86, GhashX86>(authenticationKey, encryptionKey);
        else if (AesArm.IsSupported && GhashArm.IsSupported)
            _core = new AesGmacSivHardware<AesArm, GhashArm>(authenticationKey, encryptionKey);
        else
#endif
            _core = new AesGmacSivPortable(authenticationKey, encryptionKey);
    }

    /// <summary>Creates the cipher for the packets of two nodes, with keys derived from the key that their identities agree on.</summary>
    /// <param name="agreedKey">48 bytes.</param>
    /// <exception cref="ArgumentException">The key has another length.</exception>
    public static AesGmacSiv FromAgreedKey(ReadOnlySpan<byte> agreedKey)
    {
        Span<byte> key0 = stackalloc byte[KeyDerivation.KeySize];
        Span<byte> key1 = stackalloc byte[KeyDerivation.KeySize];
        KeyDerivation.Derive(agreedKey, KeyDerivation.LabelAesGmacSivKey0, 0, 0, key0);
        KeyDerivation.Derive(agreedKey, KeyDerivation.LabelAesGmacSivKey1, 0, 0, key1);
        var cipher = new AesGmacSiv(key0[..KeySize], key1[..KeySize]);
        CryptographicOperations.ZeroMemory(key0);
        CryptographicOperations.ZeroMemory(key1);
        return cipher;
    }

    /// <summary>Encrypts in place.</summary>
    /// <param name="iv">8 bytes in wire order; repeating it only reveals whether two messages are equal.</param>
    /// <param name="additionalData">Data that are authenticated and not encrypted. Any length.</param>
    /// <param name="data">Any length below 2^31.</param>
    /// <param name="tag">Receives 16 bytes. May overlap <paramref name="iv"/>.</param>
    /// <exception cref="ArgumentException">The vector or the tag has another length.</exception>
    /// <exception cref="ObjectDisposedException">The keys have been zeroed.</exception>
    public void Encrypt(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> additionalData, Span<byte> data, Span<byte> tag)
    {
        if (iv.Length != IVSize)
            throw new ArgumentException("An initialization vector has 8 bytes.", nameof(iv));
        if (tag.Length != TagSize)
            throw new ArgumentException("A tag has 16 bytes.", nameof(tag));
        _core.Encrypt(iv, additionalData, data, tag);
    }

    /// <summary>Decrypts in place. If the tag is wrong, zeroes <paramref name="data"/>, so that no unauthenticated data are used.</summary>
    /// <param name="tag">16 bytes.</param>
    /// <param name="additionalData">The additional data of <see cref="Encrypt"/>.</param>
    /// <param name="data">Any length below 2^31.</param>
    /// <returns>Whether the tag is correct.</returns>
    /// <exception cref="ArgumentException">The tag has another length.</exception>
    /// <exception cref="ObjectDisposedException">The keys have been zeroed.</exception>
    public bool TryDecrypt(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> additionalData, Span<byte> data)
    {
        if (tag.Length != TagSize)
            throw new ArgumentException("A tag has 16 bytes.", nameof(tag));
        if (_core.TryDecrypt(tag, additionalData, data))
            return true;
        data.Clear();
        return false;
    }

    /// <summary>Zeroes the keys.</summary>
    public void Dispose() => _core.Dispose();
}
