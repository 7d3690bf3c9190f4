namespace Lanyard.Wire;

/// <summary>What a network's controller says and signs: a <see cref="Tag"/>, a <see cref="CertificateOfOwnership"/> or a <see cref="Revocation"/>.</summary>
/// <typeparam name="TSelf">Which of them.</typeparam>
public abstract record ControllerSigned<TSelf>
    where TSelf : ControllerSigned<TSelf>
{
    // Of the three a certificate of ownership may be the longest.
    private const int MaxSignedLength = 8 + CertificateOfOwnership.MaxBodyLength + 2 + 8;

    private protected ControllerSigned()
    {
    }

    /// <summary>The network.</summary>
    public required NetworkId NetworkId { get; init; }

    /// <summary>Who signed it: none yet, or the network's controller if it is any good.</summary>
    public NodeAddress SignedBy { get; init; }

    /// <summary>The signature: 96 bytes, or empty.</summary>
    public EquatableArray<byte> Signature { get; init; }

    /// <summary>Writes the form that travels.</summary>
    public void Write(ref ByteWriter writer)
    {
        WriteBody(ref writer);
        CredentialFormat.WriteSignature(ref writer, Signature);
        CredentialFormat.WriteNoAdditionalFields(ref writer);
    }

    /// <summary>The same, signed.</summary>
    /// <exception cref="InvalidOperationException"><paramref name="signer"/> has no secret key, or this is longer than it may be.</exception>
    public TSelf Sign(Identity signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ThrowIfTooLong();
        var signed = this with { SignedBy = signer.Address };
        return (TSelf)(signed with { Signature = CredentialFormat.Sign(signer, signed.SignedBytes(stackalloc byte[MaxSignedLength])) });
    }

    /// <summary>Whether this is signed by the network's controller, and that is <paramref name="controller"/>.</summary>
    public bool Verify(Identity controller)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return CredentialFormat.IsFromController(NetworkId, SignedBy, controller)
            && CredentialFormat.Verify(controller, SignedBytes(stackalloc byte[MaxSignedLength]), Signature);
    }

    /// <summary>Writes all but the signature and what follows it.</summary>
    private protected abstract void WriteBody(ref ByteWriter writer);

    /// <summary>Throws an <see cref="InvalidOperationException"/> if there are more parts than nodes accept.</summary>
    private protected virtual void ThrowIfTooLong()
    {
    }

    private ReadOnlySpan<byte> SignedBytes(Span<byte> buffer)
    {
        var writer = new ByteWriter(buffer);
        CredentialFormat.BeginSigned(ref writer);
        WriteBody(ref writer);
        CredentialFormat.EndSigned(ref writer);
        return writer.Written;
    }
}
