using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>
/// A number that a network's controller gives a member, for rules to match. A tag describes the member; a capability describes what the member may send.
/// </summary>
public sealed record Tag : ControllerSigned<Tag>, ICredential
{
    /// <inheritdoc/>
    public CredentialType Type => CredentialType.Tag;

    /// <inheritdoc/>
    public required long Timestamp { get; init; }

    /// <inheritdoc/>
    public required uint Id { get; init; }

    /// <summary>The number.</summary>
    public required uint Value { get; init; }

    /// <inheritdoc/>
    public required NodeAddress IssuedTo { get; init; }

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

    private protected override void WriteBody(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteInt64(Timestamp);
        writer.WriteUInt32(Id);
        writer.WriteUInt32(Value);
        writer.WriteNodeAddress(IssuedTo);
        writer.WriteNodeAddress(SignedBy);
    }
}
