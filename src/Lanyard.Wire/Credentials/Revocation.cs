using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>Flags of a <see cref="Revocation"/>.</summary>
[Flags]
public enum RevocationFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Members forward the revocation to all members that they know.</summary>
    FastPropagate = 1,
}

/// <summary>A controller's statement that a member's credentials issued up to a certain time are invalid at once.</summary>
public sealed record Revocation : ControllerSigned<Revocation>
{
    /// <summary>The number of this revocation.</summary>
    public required uint Id { get; init; }

    /// <summary>The revoked credential's <see cref="ICredential.Id"/>; 0 for a certificate of membership.</summary>
    public required uint CredentialId { get; init; }

    /// <summary>Credentials issued up to this time are invalid: milliseconds since 1970 by the controller's clock.</summary>
    public required long Threshold { get; init; }

    /// <summary>Flags.</summary>
    public RevocationFlags Flags { get; init; }

    /// <summary>The member whose credentials are revoked.</summary>
    public required NodeAddress Target { get; init; }

    /// <summary>The kind of the revoked credential.</summary>
    public required CredentialType CredentialType { get; init; }

    /// <summary>Whether this revocation revokes a credential.</summary>
    public bool Revokes(ICredential credential)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return credential.Type == CredentialType && credential.Id == CredentialId && credential.NetworkId == NetworkId
            && credential.IssuedTo == Target && credential.Timestamp <= Threshold;
    }

    /// <summary>Reads a revocation; the signature is not checked.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out Revocation? revocation)
    {
        // Two reserved 32-bit fields, which are zero.
        reader.Skip(4);
        var id = reader.ReadUInt32();
        var network = reader.ReadNetworkId();
        reader.Skip(4);
        revocation = new Revocation
        {
            Id = id,
            NetworkId = network,
            CredentialId = reader.ReadUInt32(),
            Threshold = reader.ReadInt64(),
            Flags = (RevocationFlags)reader.ReadUInt64(),
            Target = reader.ReadNodeAddress(),
            SignedBy = reader.ReadNodeAddress(),
            CredentialType = (CredentialType)reader.ReadByte(),
            Signature = CredentialFormat.ReadSignature(ref reader),
        };
        CredentialFormat.SkipAdditionalFields(ref reader);
        if (reader.Failed)
            revocation = null;
        return revocation is not null;
    }

    private protected override void WriteBody(ref ByteWriter writer)
    {
        writer.WriteUInt32(0);
        writer.WriteUInt32(Id);
        writer.WriteNetworkId(NetworkId);
        writer.WriteUInt32(0);
        writer.WriteUInt32(CredentialId);
        writer.WriteInt64(Threshold);
        writer.WriteUInt64((ulong)Flags);
        writer.WriteNodeAddress(Target);
        writer.WriteNodeAddress(SignedBy);
        writer.WriteByte((byte)CredentialType);
    }
}
