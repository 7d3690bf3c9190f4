using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Packets;

/// <summary>
/// The shared keys of two nodes: the secret that their identities agree on, and the keys derived from it. Thread-safe. Armoring and dearmoring work
/// in place and allocate nothing.
/// </summary>
/// <remarks>
/// Suites 0 and 1 use the secret's first 32 bytes, combined with the packet's header and length, so that every direction, suite and length has
/// its own key; the packet ID is the nonce. Suite 3 uses two keys that are derived from the complete secret; packet ID and MAC together are the
/// tag. The tag also authenticates the header from destination to flags, with a hop count of 0.
/// </remarks>
public sealed class SessionKey : IDisposable
{
    /// <summary>The length in bytes of the secret that two identities agree on.</summary>
    public const int SecretBytes = Identity.AgreedKeySize;

    private const int MacBytes = 8;
    private const int AuthenticatedHeaderBytes = PacketFormat.MacOffset - PacketFormat.DestinationOffset;

    // Nodes encrypt the end of a HELLO before they set the last bits of the packet ID, so its nonce does not contain these bits.
    private const byte HelloNonceMask = 0xf8;

    private readonly Crypto.SecretBytes _salsaKey;
    private readonly AesGmacSiv _aes;

    /// <summary>Creates the keys from an agreed secret. The caller clears its own copy.</summary>
    /// <param name="secret">The result of <see cref="Identity.TryAgree"/>: <see cref="SecretBytes"/> bytes.</param>
    /// <exception cref="ArgumentException">The secret has another length.</exception>
    public SessionKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != SecretBytes)
            throw new ArgumentException($"An agreed secret has {SecretBytes} bytes.", nameof(secret));
        _salsaKey = new Crypto.SecretBytes(secret[..Salsa20.KeySize]);
        _aes = AesGmacSiv.FromAgreedKey(secret);
    }

    /// <summary>Creates the keys that two nodes share.</summary>
    /// <param name="own">An identity with its secret keys.</param>
    /// <param name="peer">The other identity.</param>
    /// <param name="key">The keys.</param>
    /// <returns>False if <paramref name="own"/> has no secret keys, or the public key of <paramref name="peer"/> permits no agreement.</returns>
    public static bool TryAgree(Identity own, Identity peer, [NotNullWhen(true)] out SessionKey? key)
    {
        ArgumentNullException.ThrowIfNull(own);
        Span<byte> secret = stackalloc byte[SecretBytes];
        key = own.TryAgree(peer, secret) ? new SessionKey(secret) : null;
        CryptographicOperations.ZeroMemory(secret);
        return key is not null;
    }

    /// <summary>
    /// Protects a packet in place: sets its suite, encrypts it if the suite encrypts, and writes its MAC. The hop count must be 0.
    /// With <see cref="CipherSuite.AesGmacSiv"/>, the packet ID changes.
    /// </summary>
    /// <param name="packet">The complete packet, with its final fragmented flag.</param>
    /// <param name="suite">Any suite except <see cref="CipherSuite.TrustedPath"/> (see <see cref="PacketHeader.SetTrustedPath"/>).</param>
    /// <exception cref="ArgumentException">The packet is shorter than a header, or the suite has no key.</exception>
    public void Armor(Span<byte> packet, CipherSuite suite)
    {
        if (packet.Length < PacketFormat.HeaderBytes)
            throw new ArgumentException($"A packet has at least {PacketFormat.HeaderBytes} bytes.", nameof(packet));
        PacketHeader.SetSuite(packet, suite);
        var body = packet[PacketFormat.VerbOffset..];
        switch (suite)
        {
            case CipherSuite.AesGmacSiv:
                Span<byte> tag = stackalloc byte[AesGmacSiv.TagSize];
                Span<byte> authenticated = stackalloc byte[AuthenticatedHeaderBytes];
                CopyAuthenticatedHeader(packet, authenticated);
                _aes.Encrypt(packet[..AesGmacSiv.IVSize], authenticated, body, tag);
                tag[..AesGmacSiv.IVSize].CopyTo(packet);
                tag[AesGmacSiv.IVSize..].CopyTo(packet[PacketFormat.MacOffset..]);
                break;
            case CipherSuite.Poly1305 or CipherSuite.Salsa2012Poly1305:
                Span<byte> key = stackalloc byte[Salsa20.KeySize];
                MixKey(packet, key);
                var nonce = packet[..Salsa20.NonceSize];
                var mac = packet.Slice(PacketFormat.MacOffset, MacBytes);
                if (suite == CipherSuite.Poly1305)
                    Salsa20Poly1305.Authenticate(key, nonce, body, mac);
                else
                    Salsa20Poly1305.Seal(key, nonce, body, mac);
                CryptographicOperations.ZeroMemory(key);
                break;
            default:
                throw new ArgumentException($"Cipher suite {(int)suite} has no key.", nameof(suite));
        }
    }

    /// <summary>
    /// Authenticates a packet by its header's suite and decrypts it in place. Returns false if it is not authentic (its payload is then undefined),
    /// is shorter than a header, or has a suite without a key. The MACs are compared in constant time.
    /// </summary>
    /// <param name="packet">The complete packet, joined.</param>
    public bool TryDearmor(Span<byte> packet)
    {
        if (!PacketView.TryParse(packet, out var view))
            return false;
        var body = packet[PacketFormat.VerbOffset..];
        switch (view.Suite)
        {
            case CipherSuite.AesGmacSiv:
                Span<byte> tag = stackalloc byte[AesGmacSiv.TagSize];
                Span<byte> authenticated = stackalloc byte[AuthenticatedHeaderBytes];
                packet[..AesGmacSiv.IVSize].CopyTo(tag);
                packet.Slice(PacketFormat.MacOffset, MacBytes).CopyTo(tag[AesGmacSiv.IVSize..]);
                CopyAuthenticatedHeader(packet, authenticated);
                return _aes.TryDecrypt(tag, authenticated, body);
            case CipherSuite.Poly1305 or CipherSuite.Salsa2012Poly1305:
                Span<byte> key = stackalloc byte[Salsa20.KeySize];
                MixKey(packet, key);
                var nonce = packet[..Salsa20.NonceSize];
                var mac = packet.Slice(PacketFormat.MacOffset, MacBytes);
                var authentic = view.Suite == CipherSuite.Poly1305
                    ? Salsa20Poly1305.Verify(key, nonce, body, mac)
                    : Salsa20Poly1305.TryOpen(key, nonce, body, mac);
                CryptographicOperations.ZeroMemory(key);
                return authentic;
            default:
                return false;
        }
    }

    /// <summary>
    /// Encrypts or decrypts the list of moons at the end of a HELLO, which is otherwise not encrypted. Call it before <see cref="Armor"/>, and after
    /// <see cref="TryDearmor"/>, and never twice for one packet ID with different content.
    /// </summary>
    /// <param name="packet">The complete packet.</param>
    /// <param name="start">The offset of the encrypted part in the packet: <see cref="PacketFormat.HeaderBytes"/> and the length of the unencrypted payload.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not in the packet.</exception>
    public void CryptHelloTail(Span<byte> packet, int start)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(start, PacketFormat.HeaderBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, packet.Length);
        Span<byte> nonce = stackalloc byte[Salsa20.NonceSize];
        packet[..Salsa20.NonceSize].CopyTo(nonce);
        nonce[^1] &= HelloNonceMask;
        Salsa20.Transform12(_salsaKey.Span, nonce, 0, packet[start..]);
    }

    /// <summary>Zeroes the keys.</summary>
    public void Dispose()
    {
        _salsaKey.Dispose();
        _aes.Dispose();
    }

    private static void CopyAuthenticatedHeader(ReadOnlySpan<byte> packet, Span<byte> destination)
    {
        packet.Slice(PacketFormat.DestinationOffset, AuthenticatedHeaderBytes).CopyTo(destination);
        destination[^1] &= PacketFormat.HopsMask ^ byte.MaxValue;
    }

    // The key XOR the header up to the flags (with a hop count of 0) and the packet's length, little-endian.
    private void MixKey(ReadOnlySpan<byte> packet, Span<byte> key)
    {
        _salsaKey.Span.CopyTo(key);
        for (var i = 0; i < PacketFormat.FlagsOffset; i++)
            key[i] ^= packet[i];
        key[PacketFormat.FlagsOffset] ^= (byte)(packet[PacketFormat.FlagsOffset] & ~PacketFormat.HopsMask);
        var length = key.Slice(PacketFormat.FlagsOffset + 1, sizeof(ushort));
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(length) ^ packet.Length));
    }
}
