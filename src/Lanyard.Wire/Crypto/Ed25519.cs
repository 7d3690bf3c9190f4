using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>Ed25519 signatures (RFC 8032 section 5.1). Signing takes the same time for every key.</summary>
public static class Ed25519
{
    /// <summary>The length in bytes of a seed, the secret from which a key pair is derived.</summary>
    public const int SeedSize = 32;

    /// <summary>The length of a public key in bytes.</summary>
    public const int PublicKeySize = 32;

    /// <summary>The length of a signature in bytes.</summary>
    public const int SignatureSize = 64;

    private const int PointSize = EdwardsPoint.Size;

    /// <summary>Computes the public key of a seed.</summary>
    /// <param name="seed">Any 32 bytes.</param>
    /// <param name="publicKey">Receives 32 bytes.</param>
    /// <exception cref="ArgumentException">The seed or the key has another length.</exception>
    public static void DerivePublicKey(ReadOnlySpan<byte> seed, Span<byte> publicKey)
    {
        Check(seed, SeedSize, nameof(seed));
        Check(publicKey, PublicKeySize, nameof(publicKey));
        Span<byte> expanded = stackalloc byte[Sha2.Size512];
        Expand(seed, expanded);
        EdwardsTables.MultiplyBase(expanded[..Scalar25519.Size]).Encode(publicKey);
        CryptographicOperations.ZeroMemory(expanded);
    }

    /// <summary>Signs a message.</summary>
    /// <param name="seed">32 bytes.</param>
    /// <param name="publicKey">The seed's public key, 32 bytes. With any other key, the signature would reveal the seed.</param>
    /// <param name="message">Any length.</param>
    /// <param name="signature">Receives 64 bytes.</param>
    /// <exception cref="ArgumentException">The seed, the key or the signature has another length.</exception>
    public static void Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        Check(seed, SeedSize, nameof(seed));
        Check(publicKey, PublicKeySize, nameof(publicKey));
        Check(signature, SignatureSize, nameof(signature));
        Span<byte> expanded = stackalloc byte[Sha2.Size512];
        Span<byte> hash = stackalloc byte[Sha2.Size512];
        Span<byte> nonce = stackalloc byte[Scalar25519.Size];
        Span<byte> pointAndKey = stackalloc byte[PointSize + PublicKeySize];
        Expand(seed, expanded);

        Sha2.Hash512(expanded[Scalar25519.Size..], message, hash);
        Scalar25519.Reduce(hash, nonce);
        EdwardsTables.MultiplyBase(nonce).Encode(pointAndKey);

        publicKey.CopyTo(pointAndKey[PointSize..]);
        Sha2.Hash512(pointAndKey, message, hash);
        Scalar25519.Reduce(hash, hash);
        pointAndKey[..PointSize].CopyTo(signature);
        Scalar25519.MultiplyAdd(hash[..Scalar25519.Size], expanded[..Scalar25519.Size], nonce, signature[PointSize..]);
        CryptographicOperations.ZeroMemory(expanded);
        CryptographicOperations.ZeroMemory(nonce);
    }

    /// <summary>
    /// Checks a signature: without the cofactor, with a second half below the group's order and with canonical encodings of points only.
    /// </summary>
    /// <param name="publicKey">32 bytes.</param>
    /// <param name="message">Any length.</param>
    /// <param name="signature">64 bytes.</param>
    /// <returns>Whether the signature is valid for the key and the message. False if a length is wrong.</returns>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeySize || signature.Length != SignatureSize)
            return false;
        if (!Scalar25519.IsCanonical(signature[PointSize..]) || !EdwardsPoint.TryDecode(publicKey, out var key))
            return false;
        Span<byte> hash = stackalloc byte[Sha2.Size512];
        Span<byte> pointAndKey = stackalloc byte[PointSize + PublicKeySize];
        signature[..PointSize].CopyTo(pointAndKey);
        publicKey.CopyTo(pointAndKey[PointSize..]);
        Sha2.Hash512(pointAndKey, message, hash);
        Scalar25519.Reduce(hash, hash);
        var expected = EdwardsTables.MultiplyAddBaseVariableTime(hash[..Scalar25519.Size], key.Negated(), signature[PointSize..]);
        expected.Encode(pointAndKey);
        return pointAndKey[..PointSize].SequenceEqual(signature[..PointSize]);
    }

    /// <summary>The hash of the seed: a secret scalar, and a prefix for the nonce of each message.</summary>
    private static void Expand(ReadOnlySpan<byte> seed, Span<byte> expanded)
    {
        Sha2.Hash512(seed, expanded);
        X25519.Clamp(expanded);
    }

    private static void Check(ReadOnlySpan<byte> bytes, int length, string parameter)
    {
        if (bytes.Length != length)
            throw new ArgumentException($"The value has {bytes.Length} bytes instead of {length}.", parameter);
    }
}
