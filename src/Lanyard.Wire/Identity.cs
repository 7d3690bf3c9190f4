using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire;

/// <summary>Fills a span with random bytes that are suitable for keys, such as <see cref="RandomNumberGenerator.Fill"/>.</summary>
/// <param name="destination">The span, which is overwritten completely.</param>
public delegate void RandomFill(Span<byte> destination);

/// <summary>
/// The identity of a node: two public keys (Curve25519 for agreement, Ed25519 for signatures), the address that a memory-hard hash derives from
/// them, and, for the node's own identity, the secret keys. This is the protocol's identity type 0. Reading and parsing check only the form;
/// <see cref="Validate"/> checks that the address belongs to the keys. Immutable and therefore thread-safe, except for
/// <see cref="Dispose"/>.
/// </summary>
public sealed class Identity : IEquatable<Identity>, IDisposable
{
    /// <summary>The length of the public keys in bytes: 32 for agreement, 32 for signatures.</summary>
    public const int PublicKeySize = X25519.KeySize + Ed25519.PublicKeySize;

    /// <summary>The length of the secret keys in bytes, in the same order.</summary>
    public const int SecretKeySize = X25519.KeySize + Ed25519.SeedSize;

    /// <summary>
    /// The length of a signature in bytes: 64 bytes of Ed25519 over the first 32 bytes of the message's SHA-512, followed by those 32 bytes.
    /// </summary>
    public const int SignatureSize = Ed25519.SignatureSize + SignedDigestSize;

    /// <summary>The length in bytes of the key that two identities agree on: the beginning of the SHA-512 of their X25519 secret.</summary>
    public const int AgreedKeySize = 48;

    /// <summary>The length of a fingerprint in bytes.</summary>
    public const int FingerprintSize = Sha2.Size384;

    /// <summary>The length of the binary form without secret keys in bytes.</summary>
    public const int BinarySize = NodeAddress.Size + 1 + PublicKeySize + 1;

    /// <summary>The length of the binary form with secret keys in bytes.</summary>
    public const int SecretBinarySize = BinarySize + SecretKeySize;

    private const int SignedDigestSize = 32;
    private const int AddressDigits = NodeAddress.Size * 2;
    private const int TextSize = AddressDigits + 3 + (PublicKeySize * 2);
    private const int SecretTextSize = TextSize + 1 + (SecretKeySize * 2);
    private const byte TypeCurve25519 = 0;

    // An address is valid only if the hash of its keys begins with a byte below this value.
    private const int HashBound = 17;

    private readonly byte[] _publicKey;
    private readonly SecretBytes? _secret;
    private bool _disposed;

    private Identity(NodeAddress address, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secret)
    {
        Address = address;
        _publicKey = publicKey.ToArray();
        _secret = secret.IsEmpty ? null : new SecretBytes(secret);
    }

    /// <summary>The node's address.</summary>
    public NodeAddress Address { get; }

    /// <summary>The public keys, 64 bytes: Curve25519, then Ed25519.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>Whether the identity contains the secret keys, so that it can sign and agree on keys.</summary>
    public bool HasSecret => _secret is not null && !_disposed;

    private ReadOnlySpan<byte> Secret
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _secret is not null
                ? _secret.Span
                : throw new InvalidOperationException($"The identity of {Address} has no secret keys, which this operation needs.");
        }
    }

    /// <summary>
    /// Generates an identity. Takes about fifteen attempts on average, without an upper bound. Each attempt takes as long as one <see cref="Validate"/>.
    /// </summary>
    /// <param name="random">Fills 64 bytes with random numbers; called once.</param>
    /// <param name="progress">Receives the number of attempts, after each attempt.</param>
    /// <param name="cancellation">Cancels the operation between attempts.</param>
    /// <exception cref="OperationCanceledException">The operation was canceled.</exception>
    public static Identity Generate(RandomFill random, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> secret = stackalloc byte[SecretKeySize];
        Span<byte> publicKey = stackalloc byte[PublicKeySize];
        Span<byte> digest = stackalloc byte[IdentityHash.Size];
        try
        {
            random(secret);
            Ed25519.DerivePublicKey(secret[X25519.KeySize..], publicKey[X25519.KeySize..]);
            for (var attempts = 1; ; attempts++)
            {
                cancellation.ThrowIfCancellationRequested();
                X25519.DerivePublicKey(secret[..X25519.KeySize], publicKey[..X25519.KeySize]);
                var found = TryHash(publicKey, digest, out var address);
                progress?.Report(attempts);
                if (found)
                    return new Identity(address, publicKey, secret);
                NextSecret(secret[..X25519.KeySize]);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>
    /// Whether the address belongs to the public keys and, if there are secret keys, whether they belong to the public keys.
    /// Takes milliseconds by design: call it once for each identity that a stranger presents.
    /// </summary>
    public bool Validate()
    {
        Span<byte> digest = stackalloc byte[IdentityHash.Size];
        return SecretMatches() && TryHash(_publicKey, digest, out var address) && address == Address;
    }

    /// <summary>
    /// Parses the text form, <c>address:0:public</c> or <c>address:0:public:secret</c> in hexadecimal digits. Surrounding white space is
    /// ignored.
    /// </summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Identity? identity)
    {
        identity = null;
        var trimmed = (text ?? "").AsSpan().Trim();
        Span<byte> publicKey = stackalloc byte[PublicKeySize];
        Span<byte> secret = stackalloc byte[SecretKeySize];
        if (trimmed.Length is not (TextSize or SecretTextSize) || !trimmed[AddressDigits..].StartsWith(":0:".AsSpan()))
            return false;
        if (!NodeAddress.TryParse(trimmed[..AddressDigits].ToString(), out var address) || address.IsReserved)
            return false;
        if (!TryReadHex(trimmed[(AddressDigits + 3)..TextSize], publicKey))
            return false;
        if (trimmed.Length == TextSize)
        {
            identity = new Identity(address, publicKey, default);
            return true;
        }
        if (trimmed[TextSize] != ':' || !TryReadHex(trimmed[(TextSize + 1)..], secret))
            return false;
        identity = new Identity(address, publicKey, secret);
        CryptographicOperations.ZeroMemory(secret);
        return true;
    }

    /// <summary>Parses like <see cref="TryParse"/>, but throws if the text is not an identity.</summary>
    /// <exception cref="FormatException">The text is not an identity. The message does not repeat the text, which may contain a secret key.</exception>
    public static Identity Parse(string text) =>
        TryParse(text, out var identity)
            ? identity
            : throw new FormatException("The text is not an identity. The form is address:0:public key[:secret key] in hexadecimal digits.");

    /// <summary>Reads the binary form of HELLO.</summary>
    /// <param name="source">Bytes that begin with the identity; later bytes are ignored.</param>
    /// <param name="identity">The identity.</param>
    /// <param name="bytesRead">The identity's length in bytes.</param>
    /// <returns>False if the identity is truncated, of an unknown type, has a secret key of another length, or a reserved address.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, [NotNullWhen(true)] out Identity? identity, out int bytesRead)
    {
        identity = null;
        bytesRead = 0;
        if (source.Length < BinarySize || source[NodeAddress.Size] != TypeCurve25519)
            return false;
        var address = NodeAddress.Read(source);
        if (address.IsReserved)
            return false;
        var secretSize = source[BinarySize - 1];
        if (secretSize is not (0 or SecretKeySize) || source.Length < BinarySize + secretSize)
            return false;
        bytesRead = BinarySize + secretSize;
        identity = new Identity(address, source.Slice(NodeAddress.Size + 1, PublicKeySize), source.Slice(BinarySize, secretSize));
        return true;
    }

    /// <summary>Writes the binary form without secret keys.</summary>
    /// <param name="destination">At least <see cref="BinarySize"/> bytes.</param>
    /// <returns>The number of bytes written, <see cref="BinarySize"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is too short.</exception>
    public int Write(Span<byte> destination)
    {
        destination = destination[..BinarySize];
        Address.Write(destination);
        destination[NodeAddress.Size] = TypeCurve25519;
        _publicKey.CopyTo(destination[(NodeAddress.Size + 1)..]);
        destination[BinarySize - 1] = 0;
        return BinarySize;
    }

    /// <summary>Writes the binary form with secret keys.</summary>
    /// <param name="destination">At least <see cref="SecretBinarySize"/> bytes.</param>
    /// <returns>The number of bytes written, <see cref="SecretBinarySize"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="InvalidOperationException">The identity has no secret keys.</exception>
    public int WriteWithSecret(Span<byte> destination)
    {
        var secret = Secret;
        destination = destination[..SecretBinarySize];
        Write(destination);
        destination[BinarySize - 1] = SecretKeySize;
        secret.CopyTo(destination[BinarySize..]);
        return SecretBinarySize;
    }

    /// <summary>Signs a message.</summary>
    /// <param name="message">Any length.</param>
    /// <param name="signature">Receives <see cref="SignatureSize"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="signature"/> has another length.</exception>
    /// <exception cref="InvalidOperationException">The identity has no secret keys.</exception>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        if (signature.Length != SignatureSize)
            throw new ArgumentException("A signature has 96 bytes.", nameof(signature));
        var seed = Secret[X25519.KeySize..];
        Span<byte> digest = stackalloc byte[Sha2.Size512];
        Sha2.Hash512(message, digest);
        digest = digest[..SignedDigestSize];
        Ed25519.Sign(seed, PublicKey[X25519.KeySize..], digest, signature[..Ed25519.SignatureSize]);
        digest.CopyTo(signature[Ed25519.SignatureSize..]);
    }

    /// <summary>Signs a message.</summary>
    /// <param name="message">Any length.</param>
    /// <returns>The signature, <see cref="SignatureSize"/> bytes.</returns>
    /// <exception cref="InvalidOperationException">The identity has no secret keys.</exception>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[SignatureSize];
        Sign(message, signature);
        return signature;
    }

    /// <summary>Whether a signature of a message is valid for this identity. False if its length is not <see cref="SignatureSize"/>.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureSize)
            return false;
        Span<byte> digest = stackalloc byte[Sha2.Size512];
        Sha2.Hash512(message, digest);
        digest = digest[..SignedDigestSize];
        return digest.SequenceEqual(signature[Ed25519.SignatureSize..])
            && Ed25519.Verify(PublicKey[X25519.KeySize..], digest, signature[..Ed25519.SignatureSize]);
    }

    /// <summary>Computes the key that this node shares with another node.</summary>
    /// <param name="other">The other node's identity.</param>
    /// <param name="key">Receives the key: <see cref="AgreedKeySize"/> bytes, or the first bytes of it.</param>
    /// <returns>
    /// False if this identity has no secret keys, or if the other node's public key is of small order: every agreement with such a key has the
    /// same result.
    /// </returns>
    /// <exception cref="ArgumentException"><paramref name="key"/> is longer than 64 bytes.</exception>
    public bool TryAgree(Identity other, Span<byte> key)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (key.Length > Sha2.Size512)
            throw new ArgumentException("An agreed key has at most 64 bytes.", nameof(key));
        if (!HasSecret)
            return false;
        Span<byte> shared = stackalloc byte[X25519.KeySize];
        Span<byte> digest = stackalloc byte[Sha2.Size512];
        if (!X25519.TryAgree(Secret[..X25519.KeySize], other.PublicKey[..X25519.KeySize], shared))
            return false;
        Sha2.Hash512(shared, digest);
        digest[..key.Length].CopyTo(key);
        CryptographicOperations.ZeroMemory(shared);
        CryptographicOperations.ZeroMemory(digest);
        return true;
    }

    /// <summary>Writes the SHA-384 of the address and public keys, which identifies this identity uniquely.</summary>
    /// <param name="destination">Receives <see cref="FingerprintSize"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public void WriteFingerprint(Span<byte> destination)
    {
        Span<byte> address = stackalloc byte[NodeAddress.Size];
        Address.Write(address);
        Sha2.Hash384(address, _publicKey, destination);
    }

    /// <summary>Returns this identity without its secret keys.</summary>
    public Identity WithoutSecret() => _secret is null ? this : new Identity(Address, _publicKey, default);

    /// <summary>Zeroes the secret keys; <see cref="HasSecret"/> is false afterwards.</summary>
    public void Dispose()
    {
        _disposed = true;
        _secret?.Dispose();
    }

    /// <summary>Whether the address and public keys are equal. Secret keys are not compared.</summary>
    public bool Equals(Identity? other) => other is not null && Address == other.Address && PublicKey.SequenceEqual(other.PublicKey);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Identity);

    /// <inheritdoc/>
    public override int GetHashCode() => Address.GetHashCode();

    /// <summary>Returns the text form without secret keys, as in <c>identity.public</c>.</summary>
    public override string ToString() => $"{Address}:0:{ToHex(_publicKey)}";

    /// <summary>Returns the text form with secret keys, as in <c>identity.secret</c>.</summary>
    /// <exception cref="InvalidOperationException">The identity has no secret keys.</exception>
    public string ToSecretString() => $"{this}:{ToHex(Secret)}";

    private static bool TryHash(ReadOnlySpan<byte> publicKey, Span<byte> digest, out NodeAddress address)
    {
        IdentityHash.Compute(publicKey, digest);
        address = NodeAddress.Read(digest[^NodeAddress.Size..]);
        return digest[0] < HashBound && !address.IsReserved;
    }

    /// <summary>Returns the next secret key to try. It is as random as the first, because nothing else is known of the first.</summary>
    private static void NextSecret(Span<byte> secret)
    {
        for (var i = 8; i < 16 && ++secret[i] == 0; i++)
        {
        }
    }

    private bool SecretMatches()
    {
        if (!HasSecret)
            return true;
        Span<byte> derived = stackalloc byte[PublicKeySize];
        X25519.DerivePublicKey(Secret[..X25519.KeySize], derived[..X25519.KeySize]);
        Ed25519.DerivePublicKey(Secret[X25519.KeySize..], derived[X25519.KeySize..]);
        return derived.SequenceEqual(_publicKey);
    }

    private static bool TryReadHex(ReadOnlySpan<char> text, Span<byte> destination)
    {
        // .NET's number parsers skip trailing NUL characters.
        if (text.Length != destination.Length * 2 || text.IndexOf('\0') >= 0)
            return false;
        for (var i = 0; i < destination.Length; i++)
        {
            if (!byte.TryParse(text.Slice(2 * i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out destination[i]))
                return false;
        }
        return true;
    }

    private static string ToHex(ReadOnlySpan<byte> bytes)
    {
        const string Digits = "0123456789abcdef";
        Span<char> text = stackalloc char[bytes.Length * 2];
        for (var i = 0; i < bytes.Length; i++)
        {
            text[2 * i] = Digits[bytes[i] >> 4];
            text[(2 * i) + 1] = Digits[bytes[i] & 15];
        }
        return text.ToString();
    }
}
