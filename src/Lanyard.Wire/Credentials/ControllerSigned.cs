namespace Lanyard.Wire;

/// <summary>A credential that only a network's controller signs: a <see cref="Tag"/>, a <see cref="CertificateOfOwnership"/> or a <see cref="Revocation"/>.</summary>
/// <typeparam name="TSelf">The type of the credential.</typeparam>
public abstract record ControllerSigned<TSelf>
    where TSelf : ControllerSigned<TSelf>
{
    // A certificate of ownership is the longest of the three.
    private const int MaxSignedLength = 8 + CertificateOfOwnership.MaxBodyLength + 2 + 8;

    private protected ControllerSigned()
    {
    }

    /// <summary>The network.</summary>
    public required NetworkId NetworkId { get; init; }

    /// <summary>The signer; none before signing. For a valid credential, the network's controller.</summary>
    public NodeAddress SignedBy { get; init; }

    /// <summary>The signature: 96 bytes, or empty.</summary>
    public EquatableArray<byte> Signature { get; init; }

    /// <summary>Writes the wire format.</summary>
    public void Write(ref ByteWriter writer)
    {
        WriteBody(ref writer);
        CredentialFormat.WriteSignature(ref writer, Signature);
        CredentialFormat.WriteNoAdditionalFields(ref writer);
    }

    /// <summary>Returns the credential, signed.</summary>
    /// <exception cref="InvalidOperationException"><paramref name="signer"/> has no secret keys, or the credential has more parts than <see cref="NetworkLimits"/> allows.</exception>
    public TSelf Sign(Identity signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var signed = this with { SignedBy = signer.Address };
        if (!signed.TryWriteSigned(stackalloc byte[MaxSignedLength], out var message))
            throw new InvalidOperationException($"A {typeof(TSelf).Name} with more parts than {nameof(NetworkLimits)} allows cannot be signed. Remove some.");
        return (TSelf)(signed with { Signature = CredentialFormat.Sign(signer, message) });
    }

    /// <summary>Whether the credential is signed by the network's controller, which is <paramref name="controller"/>.</summary>
    public bool Verify(Identity controller)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return CredentialFormat.IsFromController(NetworkId, SignedBy, controller)
            && TryWriteSigned(stackalloc byte[MaxSignedLength], out var message) && CredentialFormat.Verify(controller, message, Signature);
    }

    /// <summary>Writes the fields before the signature.</summary>
    private protected abstract void WriteBody(ref ByteWriter writer);

    // Returns false if there are more parts than nodes accept.
    private bool TryWriteSigned(Span<byte> buffer, out ReadOnlySpan<byte> message)
    {
        var writer = new ByteWriter(buffer);
        CredentialFormat.BeginSigned(ref writer);
        WriteBody(ref writer);
        CredentialFormat.EndSigned(ref writer);
        message = writer.Written;
        return !writer.Failed;
    }
}
