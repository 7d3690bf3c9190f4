using System.Security.Cryptography;
using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>Key agreement on Curve25519 (RFC 7748). Takes the same time for all keys.</summary>
public static class X25519
{
    /// <summary>The length of secret keys, public keys and shared secrets in bytes.</summary>
    public const int KeySize = 32;

    private const int A24 = 121665;

    /// <summary>Computes the public key of a secret key.</summary>
    /// <param name="secretKey">Any 32 bytes; five bits of it are replaced as section 5 of the RFC specifies.</param>
    /// <param name="publicKey">Receives 32 bytes.</param>
    /// <exception cref="ArgumentException">A key has another length.</exception>
    public static void DerivePublicKey(ReadOnlySpan<byte> secretKey, Span<byte> publicKey)
    {
        Check(secretKey, nameof(secretKey));
        Check(publicKey, nameof(publicKey));
        Span<byte> scalar = stackalloc byte[KeySize];
        secretKey.CopyTo(scalar);
        Clamp(scalar);

        // Uses the Edwards form of the curve, for which multiples of the base point are precomputed; u = (1 + y) / (1 - y) (RFC 7748, section 4.1).
        var point = EdwardsTables.MultiplyBase(scalar);
        ((point.Z + point.Y) * (point.Z - point.Y).Inverted()).Encode(publicKey);
        CryptographicOperations.ZeroMemory(scalar);
    }

    /// <summary>Computes the shared secret of two key pairs.</summary>
    /// <param name="secretKey">This side's secret key, 32 bytes.</param>
    /// <param name="peerPublicKey">
    /// The other side's public key, 32 bytes; the highest bit is ignored and values from 2^255 - 19 on are reduced modulo it.
    /// </param>
    /// <param name="sharedSecret">Receives 32 bytes, to be hashed before use.</param>
    /// <returns>
    /// False if the public key is one of the few keys of small order: the "secret" is then zero and publicly
    /// known.
    /// </returns>
    /// <exception cref="ArgumentException">A key or the secret has another length.</exception>
    public static bool TryAgree(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
    {
        Check(secretKey, nameof(secretKey));
        Check(peerPublicKey, nameof(peerPublicKey));
        Check(sharedSecret, nameof(sharedSecret));
        Multiply(secretKey, peerPublicKey, sharedSecret);
        var bits = 0;
        foreach (var b in sharedSecret)
            bits |= b;
        return bits != 0;
    }

    /// <summary>Sets the bits of a secret key that RFC 7748, section 5, fixes; Ed25519 does the same to its hashed seed.</summary>
    internal static void Clamp(Span<byte> scalar)
    {
        scalar[0] &= 248;
        scalar[31] &= 127;
        scalar[31] |= 64;
    }

    private static void Check(ReadOnlySpan<byte> bytes, string parameter)
    {
        if (bytes.Length != KeySize)
            throw new ArgumentException("An X25519 key or secret has 32 bytes.", parameter);
    }

    /// <summary>The Montgomery ladder (RFC 7748, section 5).</summary>
    [MethodImpl(Optimize.AtOnce)]
    private static void Multiply(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> point, Span<byte> result)
    {
        Span<byte> scalar = stackalloc byte[KeySize];
        secretKey.CopyTo(scalar);
        Clamp(scalar);
        var x1 = Field25519.Decode(point);
        Field25519 x2 = Field25519.One, z2 = Field25519.Zero, x3 = x1, z3 = Field25519.One;
        ulong swapped = 0;
        for (var i = 254; i >= 0; i--)
        {
            var bit = 0UL - ((ulong)(scalar[i >> 3] >> (i & 7)) & 1);
            Field25519.SwapIf(swapped ^ bit, ref x2, ref x3);
            Field25519.SwapIf(swapped ^ bit, ref z2, ref z3);
            swapped = bit;
            var a = x2 + z2;
            var b = x2 - z2;
            var da = (x3 - z3) * a;
            var cb = (x3 + z3) * b;
            var aa = a.Squared();
            var bb = b.Squared();
            var e = aa - bb;
            x3 = (da + cb).Squared();
            z3 = (da - cb).Squared() * x1;
            x2 = aa * bb;
            z2 = (e.Times(A24) + aa) * e;
        }
        Field25519.SwapIf(swapped, ref x2, ref x3);
        Field25519.SwapIf(swapped, ref z2, ref z3);
        (x2 * z2.Inverted()).Encode(result);
        CryptographicOperations.ZeroMemory(scalar);
    }
}
