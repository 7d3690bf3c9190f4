using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>
/// A number that a network's controller gives a member, for rules to match: who the member is, where capabilities say what it may do.
/// </summary>
public sealed record Tag : ICredential
{
    private const int SignedLength = 8 + BodyLength + 2 + 8;
    private const int BodyLength = 8 + 8 + 4 + 4 + NodeAddress.Size + NodeAddress.Size;

    /// <inheritdoc/>
    public CredentialType Type => CredentialType.Tag;

    /// <inheritdoc/>
    public required NetworkId NetworkId { get; init; }

    /// <inheritdoc/>
    public required long Timestamp { get; init; }

    /// <inheritdoc/>
    public required uint Id { get; init; }

    /// <summary>The number.</summary>
    public required uint Value { get; init; }

    /// <inheritdoc/>
    public required NodeAddress IssuedTo { get; init; }

    /// <inheritdoc/>
    public NodeAddress SignedBy { get; init; }

    /// <summary>The signature: 96 bytes, or empty.</summary>
    public EquatableArray<byte> Signature { get; init; }

    /// <summary>Reads a tag; the signature is not checked.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out Tag? tag)
    {
        tag = new Tag
        {
            NetworkId = reader.ReadNetworkId(),
            Timestamp = reader.ReadInt64(),
            Id = reader.ReadUInt32(),
            Value = reader.ReadUInt32(),
            IssuedTo = reader.ReadNodeAddress(),
            SignedBy = reader.ReadNodeAddress(),
            Signature = CredentialFormat.ReadSignature(ref reader),
        };
        CredentialFormat.SkipAdditionalFields(ref reader);
        if (reader.Failed)
            tag = null;
        return tag is not null;
    }

    /// <inheritdoc/>
    public void Write(ref ByteWriter writer)
    {
        WriteBody(ref writer);
        CredentialFormat.WriteSignature(ref writer, Signature);
        CredentialFormat.WriteNoAdditionalFields(ref writer);
    }

    /// <summary>The same tag, signed.</summary>
    /// <exception cref="InvalidOperationException"><paramref name="signer"/> has no secret key.</exception>
    public Tag Sign(Identity signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var signed = this with { SignedBy = signer.Address };
        return signed with { Signature = CredentialFormat.Sign(signer, signed.SignedBytes(stackalloc byte[SignedLength])) };
    }

    /// <inheritdoc/>
    public bool Verify(Identity controller)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return CredentialFormat.IsFromController(NetworkId, SignedBy, controller)
            && CredentialFormat.Verify(controller, SignedBytes(stackalloc byte[SignedLength]), Signature);
    }

    private ReadOnlySpan<byte> SignedBytes(Span<byte> buffer)
    {
        var writer = new ByteWriter(buffer);
        writer.WriteUInt64(CredentialFormat.SigningMark);
        WriteBody(ref writer);
        CredentialFormat.WriteNoAdditionalFields(ref writer);
        writer.WriteUInt64(CredentialFormat.SigningMark);
        return writer.Written;
    }

    private void WriteBody(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteInt64(Timestamp);
        writer.WriteUInt32(Id);
        writer.WriteUInt32(Value);
        writer.WriteNodeAddress(IssuedTo);
        writer.WriteNodeAddress(SignedBy);
    }
}
