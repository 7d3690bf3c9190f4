namespace Lanyard.Wire.Packets;

/// <summary>
/// What two nodes share: the secret that their identities agree on and the keys made from it. Immutable, so one may be used from several
/// threads at once. Armoring and dearmoring work in place and allocate nothing.
/// </summary>
public sealed class SessionKey
{
    /// <summary>The length in bytes of the secret that two identities agree on.</summary>
    public const int SecretBytes = 48;

    /// <summary>The keys of an agreed secret.</summary>
    /// <param name="secret">The first <see cref="SecretBytes"/> of the SHA-512 of the two identities' X25519 agreement.</param>
    /// <exception cref="ArgumentException">The secret has another length.</exception>
    public SessionKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != SecretBytes)
            throw new ArgumentException($"A secret has {SecretBytes} bytes.", nameof(secret));
    }

    /// <summary>
    /// Protects a packet in place: sets its suite, encrypts it where the suite does, and writes its MAC. The packet must have no hops yet.
    /// With <see cref="CipherSuite.AesGmacSiv"/> the packet ID changes.
    /// </summary>
    /// <param name="packet">The whole packet, its fragmented flag already as it shall be.</param>
    /// <param name="suite">Any but <see cref="CipherSuite.TrustedPath"/> (see <see cref="PacketHeader.SetTrustedPath"/>).</param>
    /// <exception cref="ArgumentException">The packet is shorter than a header, or the suite is not one that takes a key.</exception>
    public void Armor(Span<byte> packet, CipherSuite suite) => throw new NotSupportedException();

    /// <summary>
    /// Authenticates a packet by its header's suite and decrypts it in place. False where it is not authentic (its content is then
    /// undefined), is shorter than a header, or has a suite that takes no key.
    /// </summary>
    /// <param name="packet">The whole packet, joined.</param>
    public bool TryDearmor(Span<byte> packet) => throw new NotSupportedException();

    /// <summary>
    /// Encrypts or decrypts the end of a HELLO, which is otherwise in the clear: its list of moons. Before <see cref="Armor"/>, and after
    /// <see cref="TryDearmor"/>. Never twice for one packet ID with different content.
    /// </summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="start">Where the encrypted part begins in the packet: <see cref="PacketFormat.HeaderBytes"/> and the clear payload.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie in the packet.</exception>
    public void CryptHelloTail(Span<byte> packet, int start) => throw new NotSupportedException();
}
