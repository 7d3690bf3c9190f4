using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>Flags of a <see cref="Revocation"/>.</summary>
[Flags]
public enum RevocationFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Members pass the revocation on to all the members they know.</summary>
    FastPropagate = 1,
}

/// <summary>A controller's word that a member's credentials from before a certain time are void at once.</summary>
public sealed record Revocation
{
    private const int SignedLength = 8 + 4 + 4 + 8 + 4 + 4 + 8 + 8 + NodeAddress.Size + NodeAddress.Size + 1 + 2 + 8;

    /// <summary>A number by which this is told from other revocations.</summary>
    public required uint Id { get; init; }

    /// <summary>The network.</summary>
    public required NetworkId NetworkId { get; init; }

    /// <summary>The revoked credential's <see cref="ICredential.Id"/>; 0 for a certificate of membership.</summary>
    public required uint CredentialId { get; init; }

    /// <summary>Credentials issued up to this time are void: milliseconds since 1970 by the controller's clock.</summary>
    public required long Threshold { get; init; }

    /// <summary>Flags.</summary>
    public RevocationFlags Flags { get; init; }

    /// <summary>The member whose credentials are void.</summary>
    public required NodeAddress Target { get; init; }

    /// <summary>Who signed it: none yet, or the network's controller if it is any good.</summary>
    public NodeAddress SignedBy { get; init; }

    /// <summary>The kind of credential that is void.</summary>
    public required CredentialType CredentialType { get; init; }

    /// <summary>The signature: 96 bytes, or empty.</summary>
    public EquatableArray<byte> Signature { get; init; }

    /// <summary>Whether a credential of the target's is void.</summary>
    public bool Revokes(ICredential credential)
    {
        ArgumentNullException.ThrowIfNull(credential);
        return credential.Type == CredentialType && credential.Id == CredentialId && credential.NetworkId == NetworkId
            && credential.IssuedTo == Target && credential.Timestamp <= Threshold;
    }

    /// <summary>Reads a revocation; the signature is not checked.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out Revocation? revocation)
    {
        // Two 32-bit fields are reserved and zero.
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

    /// <summary>Writes the form that travels.</summary>
    public void Write(ref ByteWriter writer)
    {
        WriteBody(ref writer);
        CredentialFormat.WriteSignature(ref writer, Signature);
        CredentialFormat.WriteNoAdditionalFields(ref writer);
    }

    /// <summary>The same revocation, signed.</summary>
    /// <exception cref="InvalidOperationException"><paramref name="signer"/> has no secret key.</exception>
    public Revocation Sign(Identity signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var signed = this with { SignedBy = signer.Address };
        return signed with { Signature = CredentialFormat.Sign(signer, signed.SignedBytes(stackalloc byte[SignedLength])) };
    }

    /// <summary>Whether this is signed by the network's controller, and that is <paramref name="controller"/>.</summary>
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
