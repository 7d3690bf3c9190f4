namespace Lanyard.Wire;

/// <summary>The kinds of credentials, as in revocations.</summary>
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

/// <summary>A statement of a network's controller about a member, which the member shows to others.</summary>
public interface ICredential
{
    /// <summary>The kind.</summary>
    CredentialType Type { get; }

    /// <summary>The number of this credential among credentials of its kind; 0 for a certificate of membership.</summary>
    uint Id { get; }

    /// <summary>The network.</summary>
    NetworkId NetworkId { get; }

    /// <summary>The time of issue, by the controller's clock: milliseconds since 1970.</summary>
    long Timestamp { get; }

    /// <summary>The member.</summary>
    NodeAddress IssuedTo { get; }

    /// <summary>The signer; none before signing. For a valid credential, the network's controller.</summary>
    NodeAddress SignedBy { get; }

    /// <summary>Whether the credential is signed by the network's controller, which is <paramref name="controller"/>.</summary>
    bool Verify(Identity controller);

    /// <summary>Writes the wire format.</summary>
    void Write(ref ByteWriter writer);
}

/// <summary>The common parts of the credentials' formats.</summary>
internal static class CredentialFormat
{
    /// <summary>The marker before and after the signed bytes, which keeps a signature from being valid for another kind of data.</summary>
    private const ulong SigningMark = 0x7f7f_7f7f_7f7f_7f7f;

    private const byte Ed25519 = 1;

    /// <summary>Reads a signature of any kind. A signature of a kind other than Ed25519 is skipped.</summary>
    public static EquatableArray<byte> ReadSignature(ref ByteReader reader)
    {
        var kind = reader.ReadByte();
        var length = reader.ReadUInt16();
        if (kind == Ed25519 && length != Identity.SignatureSize)
            reader.Fail();
        var signature = reader.ReadBytes(length);
        return kind == Ed25519 ? EquatableArray.Create(signature) : default;
    }

    /// <summary>Writes a signature; a missing signature is written as zeros.</summary>
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

    /// <summary>Skips fields that later versions may add after the known fields.</summary>
    public static void SkipAdditionalFields(ref ByteReader reader) => reader.Skip(reader.ReadUInt16());

    /// <summary>Writes an empty list of additional fields.</summary>
    public static void WriteNoAdditionalFields(ref ByteWriter writer) => writer.WriteUInt16(0);

    /// <summary>Writes the signed bytes before the body.</summary>
    public static void BeginSigned(ref ByteWriter writer) => writer.WriteUInt64(SigningMark);

    /// <summary>Writes the signed bytes after the body.</summary>
    public static void EndSigned(ref ByteWriter writer)
    {
        WriteNoAdditionalFields(ref writer);
        writer.WriteUInt64(SigningMark);
    }

    /// <summary>Whether a credential names the network's controller as its signer, and that is <paramref name="controller"/>.</summary>
    public static bool IsFromController(NetworkId network, NodeAddress signedBy, Identity controller) =>
        !signedBy.IsNone && signedBy == network.Controller && signedBy == controller.Address;

    /// <summary>Returns a signature over <paramref name="message"/>.</summary>
    public static EquatableArray<byte> Sign(Identity signer, ReadOnlySpan<byte> message)
    {
        Span<byte> signature = stackalloc byte[Identity.SignatureSize];
        signer.Sign(message, signature);
        return EquatableArray.Create<byte>(signature);
    }

    /// <summary>Whether a signature is present and is valid for <paramref name="message"/>.</summary>
    public static bool Verify(Identity signer, ReadOnlySpan<byte> message, EquatableArray<byte> signature) =>
        signature.Count == Identity.SignatureSize && signer.Verify(message, signature);
}
