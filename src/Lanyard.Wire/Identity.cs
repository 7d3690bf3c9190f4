using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire;

/// <summary>Fills a span with random bytes fit for keys, such as <see cref="RandomNumberGenerator.Fill"/>.</summary>
/// <param name="destination">All of it is overwritten.</param>
public delegate void RandomFill(Span<byte> destination);

/// <summary>
/// Who a node is: a pair of public keys (Curve25519 for agreement, Ed25519 for signatures), the address that a memory-hard hash makes of
/// them, and, for one's own identity, the secret keys. This is the protocol's identity type 0. Reading and parsing check the form only;
/// whether the address belongs to the keys is what <see cref="Validate"/> says. Immutable, so usable from several threads, except for
/// <see cref="Dispose"/>.
/// </summary>
public sealed class Identity : IEquatable<Identity>, IDisposable
{
    /// <summary>The length of the public keys in bytes: 32 for agreement, 32 for signatures.</summary>
    public const int PublicKeySize = X25519.KeySize + Ed25519.PublicKeySize;

    /// <summary>The length of the secret keys in bytes, in the same order.</summary>
    public const int SecretKeySize = X25519.KeySize + Ed25519.SeedSize;

    /// <summary>
    /// The length of a signature in bytes: 64 of Ed25519, over the first 32 bytes of the message's SHA-512, and those 32 bytes.
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

    // An address counts only if its key's hash begins with a byte below this.
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

    /// <summary>Whether the secret keys are there, so that this identity can sign and agree.</summary>
    public bool HasSecret => _secret is not null && !_disposed;

    private ReadOnlySpan<byte> Secret
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _secret is not null
                ? _secret.Span
                : throw new InvalidOperationException($"The identity of {Address} holds no secret key: only its owner can do this.");
        }
    }

    /// <summary>
    /// Makes a new identity. Takes about fifteen attempts on average, each as long as one <see cref="Validate"/>, with no upper bound.
    /// </summary>
    /// <param name="random">Gives 64 bytes; called once.</param>
    /// <param name="progress">Is told how many attempts have been made, after each.</param>
    /// <param name="cancellation">Is looked at between attempts.</param>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
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
    /// Whether the address is the one that belongs to the public key and, where there are secret keys, whether those belong to it as
    /// well. Costs milliseconds, by design: do it once for each identity that a stranger presents.
    /// </summary>
    public bool Validate()
    {
        Span<byte> digest = stackalloc byte[IdentityHash.Size];
        return SecretMatches() && TryHash(_publicKey, digest, out var address) && address == Address;
    }

    /// <summary>
    /// Parses the text form, <c>address:0:public</c> or <c>address:0:public:secret</c> in hexadecimal digits, with white space around it
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

    /// <summary>As <see cref="TryParse"/>, throwing where the text is not an identity.</summary>
    /// <exception cref="FormatException">The text is not an identity. The message does not repeat it: it might hold a secret.</exception>
    public static Identity Parse(string text) =>
        TryParse(text, out var identity)
            ? identity
            : throw new FormatException("The text is not an identity: it reads address:0:public key[:secret key] in hexadecimal digits.");

    /// <summary>Reads the binary form, as HELLO carries it.</summary>
    /// <param name="source">Begins with the identity; what follows it is left.</param>
    /// <param name="identity">The identity.</param>
    /// <param name="bytesRead">The identity's length in bytes.</param>
    /// <returns>False where it is cut short, of an unknown type, has a secret key of another length, or a reserved address.</returns>
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
    /// <exception cref="InvalidOperationException">There is no secret.</exception>
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
    /// <exception cref="InvalidOperationException">There is no secret.</exception>
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
    /// <exception cref="InvalidOperationException">There is no secret.</exception>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[SignatureSize];
        Sign(message, signature);
        return signature;
    }

    /// <summary>Whether a signature is this identity's for a message. False where its length is not <see cref="SignatureSize"/>.</summary>
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

    /// <summary>Computes the key that this node shares with another.</summary>
    /// <param name="other">The other node's identity.</param>
    /// <param name="key">Receives the key: <see cref="AgreedKeySize"/> bytes, or its beginning.</param>
    /// <returns>
    /// Whether there is a key: not if there is no secret here, nor if the other's public key is one of those that make every agreement
    /// come out the same.
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

    /// <summary>Writes the SHA-384 of address and public keys, which names this identity beyond doubt.</summary>
    /// <param name="destination">Receives <see cref="FingerprintSize"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public void WriteFingerprint(Span<byte> destination)
    {
        Span<byte> address = stackalloc byte[NodeAddress.Size];
        Address.Write(address);
        Sha2.Hash384(address, _publicKey, destination);
    }

    /// <summary>This identity as others know it.</summary>
    public Identity WithoutSecret() => _secret is null ? this : new Identity(Address, _publicKey, default);

    /// <summary>Zeroes the secret keys; <see cref="HasSecret"/> is false from then on.</summary>
    public void Dispose()
    {
        _disposed = true;
        _secret?.Dispose();
    }

    /// <summary>Whether address and public keys are the same. Secret keys are not compared.</summary>
    public bool Equals(Identity? other) => other is not null && Address == other.Address && PublicKey.SequenceEqual(other.PublicKey);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Identity);

    /// <inheritdoc/>
    public override int GetHashCode() => Address.GetHashCode();

    /// <summary>The text form without secret keys, as in <c>identity.public</c>.</summary>
    public override string ToString() => $"{Address}:0:{ToHex(_publicKey)}";

    /// <summary>The text form with secret keys, as in <c>identity.secret</c>.</summary>
    /// <exception cref="InvalidOperationException">There is no secret.</exception>
    public string ToSecretString() => $"{this}:{ToHex(Secret)}";

    private static bool TryHash(ReadOnlySpan<byte> publicKey, Span<byte> digest, out NodeAddress address)
    {
        IdentityHash.Compute(publicKey, digest);
        address = NodeAddress.Read(digest[^NodeAddress.Size..]);
        return digest[0] < HashBound && !address.IsReserved;
    }

    /// <summary>The next secret to try: still as random as the first, since that it is random is all that one knows of it.</summary>
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
