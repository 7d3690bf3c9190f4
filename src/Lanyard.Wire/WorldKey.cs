using System.Security.Cryptography;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire;

/// <summary>The keys that sign a <see cref="World"/>: the keys of an identity, without an address.</summary>
public sealed class WorldKey : IDisposable
{
    /// <summary>The length of the public keys in bytes: 32 for agreement, which a world does not use, and 32 for signatures.</summary>
    public const int PublicKeySize = Identity.PublicKeySize;

    /// <summary>The length of the secret keys in bytes, in the same order.</summary>
    public const int SecretKeySize = Identity.SecretKeySize;

    /// <summary>The length of a signature in bytes.</summary>
    public const int SignatureSize = Identity.SignatureSize;

    // An identity with an arbitrary address that is not reserved.
    private readonly Identity _identity;

    /// <summary>Creates an instance from existing keys.</summary>
    /// <param name="publicKey">The public keys: 64 bytes.</param>
    /// <param name="secretKey">The secret keys: 64 bytes.</param>
    /// <exception cref="ArgumentException">A key has another length.</exception>
    public WorldKey(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secretKey)
    {
        if (secretKey.Length != SecretKeySize)
            throw new ArgumentException($"The secret keys must be {SecretKeySize} bytes long.", nameof(secretKey));
        _identity = ToIdentity(publicKey, secretKey);
    }

    /// <summary>The public keys: 64 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _identity.PublicKey;

    /// <summary>Generates new keys.</summary>
    /// <param name="random">Fills 64 bytes with random numbers; called once.</param>
    public static WorldKey Generate(RandomFill random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> secretKey = stackalloc byte[SecretKeySize];
        Span<byte> publicKey = stackalloc byte[PublicKeySize];
        random(secretKey);
        X25519.DerivePublicKey(secretKey[..X25519.KeySize], publicKey[..X25519.KeySize]);
        Ed25519.DerivePublicKey(secretKey[X25519.KeySize..], publicKey[X25519.KeySize..]);
        var key = new WorldKey(publicKey, secretKey);
        CryptographicOperations.ZeroMemory(secretKey);
        return key;
    }

    /// <summary>Writes the secret keys, for the owner's file.</summary>
    /// <param name="destination">Receives 64 bytes. The caller clears them after use.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public void CopySecretKey(Span<byte> destination)
    {
        Span<byte> binary = stackalloc byte[Identity.SecretBinarySize];
        _identity.WriteWithSecret(binary);
        binary[Identity.BinarySize..].CopyTo(destination);
        CryptographicOperations.ZeroMemory(binary);
    }

    /// <summary>Signs a message; the signature has 96 bytes.</summary>
    internal byte[] Sign(ReadOnlySpan<byte> message) => _identity.Sign(message);

    /// <summary>Whether a signature of a message is valid for public keys. False if one of them has the wrong length.</summary>
    internal static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        publicKey.Length == PublicKeySize && ToIdentity(publicKey, default).Verify(message, signature);

    /// <summary>Zeroes the secret keys.</summary>
    public void Dispose() => _identity.Dispose();

    private static Identity ToIdentity(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secretKey)
    {
        Span<byte> binary = stackalloc byte[Identity.SecretBinarySize];
        var writer = new ByteWriter(binary);
        writer.WriteNodeAddress(new NodeAddress(1));
        writer.WriteByte(0);
        writer.WriteBytes(publicKey);
        writer.WriteByte((byte)secretKey.Length);
        writer.WriteBytes(secretKey);
        var isIdentity = Identity.TryRead(writer.Written, out var identity, out var length) && length == writer.Position;
        CryptographicOperations.ZeroMemory(binary);
        return isIdentity ? identity! : throw new ArgumentException($"The public keys must be {PublicKeySize} bytes long.", nameof(publicKey));
    }
}
