using System.Buffers.Binary;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The protocol's key derivation: the counter-mode function of NIST SP 800-108 with one block of HMAC-SHA-384. It derives the keys for each purpose from
/// the 48-byte key that two identities agree on.
/// </summary>
public static class KeyDerivation
{
    /// <summary>The length in bytes of the input key and of derived keys.</summary>
    public const int KeySize = 48;

    /// <summary>The purpose of the AES key that authenticates packets.</summary>
    public const byte LabelAesGmacSivKey0 = (byte)'0';

    /// <summary>The purpose of the AES key that encrypts packets.</summary>
    public const byte LabelAesGmacSivKey1 = (byte)'1';

    /// <summary>Derives a key.</summary>
    /// <param name="key">48 bytes.</param>
    /// <param name="label">The derived key's purpose.</param>
    /// <param name="context">The context; zero if the purpose has no contexts.</param>
    /// <param name="iteration">The number of the key among the keys of one purpose and context.</param>
    /// <param name="destination">Receives 48 bytes.</param>
    /// <exception cref="ArgumentException">The key or the destination has another length.</exception>
    public static void Derive(ReadOnlySpan<byte> key, byte label, byte context, uint iteration, Span<byte> destination)
    {
        if (key.Length != KeySize)
            throw new ArgumentException("The key to derive from has 48 bytes.", nameof(key));
        if (destination.Length != KeySize)
            throw new ArgumentException("A derived key has 48 bytes.", nameof(destination));
        Span<byte> message = stackalloc byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(message, iteration);
        message[4] = (byte)'Z';
        message[5] = (byte)'T';
        message[6] = label;
        message[7] = 0;
        message[8] = context;
        BinaryPrimitives.WriteInt32BigEndian(message[9..], KeySize * 8);
        Sha2.Hmac384(key, message, destination);
    }
}
