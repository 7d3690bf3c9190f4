namespace Lanyard.Wire;

/// <summary>Kinds of credential, as revocations name them.</summary>
public enum CredentialType : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><see cref="CertificateOfMembership"/></summary>
    Membership = 1,

    /// <summary><see cref="Wire.Capability"/></summary>
    Capability = 2,

    /// <summary><see cref="Wire.Tag"/></summary>
    Tag = 3,

    /// <summary><see cref="CertificateOfOwnership"/></summary>
    Ownership = 4,

    /// <summary><see cref="Wire.Revocation"/></summary>
    Revocation = 6,
}

/// <summary>Something that a network's controller attests to a member, and that the member shows to others.</summary>
public interface ICredential
{
    /// <summary>The kind.</summary>
    CredentialType Type { get; }

    /// <summary>The number by which this is told from others of its kind; 0 for a certificate of membership.</summary>
    uint Id { get; }

    /// <summary>The network.</summary>
    NetworkId NetworkId { get; }

    /// <summary>When it was issued, by the controller's clock: milliseconds since 1970.</summary>
    long Timestamp { get; }

    /// <summary>The member.</summary>
    NodeAddress IssuedTo { get; }

    /// <summary>Who signed it: none yet, or the network's controller if it is any good.</summary>
    NodeAddress SignedBy { get; }

    /// <summary>Whether this is signed by the network's controller, and that is <paramref name="controller"/>.</summary>
    bool Verify(Identity controller);

    /// <summary>Writes the form that travels.</summary>
    void Write(ref ByteWriter writer);
}

/// <summary>What the credentials' formats have in common.</summary>
internal static class CredentialFormat
{
    /// <summary>Stands before and after the bytes that are signed, so that a signature over one thing is never one over another.</summary>
    private const ulong SigningMark = 0x7f7f_7f7f_7f7f_7f7f;

    private const byte Ed25519 = 1;

    /// <summary>Reads a signature of any kind; of a kind other than Ed25519 nothing is kept.</summary>
    public static EquatableArray<byte> ReadSignature(ref ByteReader reader)
    {
        var kind = reader.ReadByte();
        var length = reader.ReadUInt16();
        if (kind == Ed25519 && length != Identity.SignatureSize)
            reader.Fail();
        var signature = reader.ReadBytes(length);
        return kind == Ed25519 ? EquatableArray.Create(signature) : default;
    }

    /// <summary>Writes a signature; one that is not there yet is zeros.</summary>
    public static void WriteSignature(ref ByteWriter writer, EquatableArray<byte> signature)
    {
        if (signature.Count is not (0 or Identity.SignatureSize))
            writer.Fail();
        writer.WriteByte(Ed25519);
        writer.WriteUInt16(Identity.SignatureSize);
        if (signature.IsEmpty)
            writer.WriteZeros(Identity.SignatureSize);
        else
            writer.WriteBytes(signature);
    }

    /// <summary>Passes over fields that later versions may add after those known here.</summary>
    public static void SkipAdditionalFields(ref ByteReader reader) => reader.Skip(reader.ReadUInt16());

    /// <summary>Writes that there are no additional fields.</summary>
    public static void WriteNoAdditionalFields(ref ByteWriter writer) => writer.WriteUInt16(0);

    /// <summary>Writes what stands before the body in the bytes that are signed.</summary>
    public static void BeginSigned(ref ByteWriter writer) => writer.WriteUInt64(SigningMark);

    /// <summary>Writes what follows the body in the bytes that are signed.</summary>
    public static void EndSigned(ref ByteWriter writer)
    {
        WriteNoAdditionalFields(ref writer);
        writer.WriteUInt64(SigningMark);
    }

    /// <summary>Whether a credential says that the network's controller signed it, and that is <paramref name="controller"/>.</summary>
    public static bool IsFromController(NetworkId network, NodeAddress signedBy, Identity controller) =>
        !signedBy.IsNone && signedBy == network.Controller && signedBy == controller.Address;

    /// <summary>A signature over <paramref name="message"/>.</summary>
    public static EquatableArray<byte> Sign(Identity signer, ReadOnlySpan<byte> message)
    {
        Span<byte> signature = stackalloc byte[Identity.SignatureSize];
        signer.Sign(message, signature);
        return EquatableArray.Create<byte>(signature);
    }

    /// <summary>Whether a signature is there and is one over <paramref name="message"/>.</summary>
    public static bool Verify(Identity signer, ReadOnlySpan<byte> message, EquatableArray<byte> signature) =>
        signature.Count == Identity.SignatureSize && signer.Verify(message, signature);
}
