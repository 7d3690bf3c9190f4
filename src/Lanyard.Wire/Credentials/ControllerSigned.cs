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
    /// <exception cref="InvalidOperationException"><paramref name="signer"/> has no secret key, or this has more parts than <see cref="NetworkLimits"/> allows.</exception>
    public TSelf Sign(Identity signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var signed = this with { SignedBy = signer.Address };
        if (!signed.TryWriteSigned(stackalloc byte[MaxSignedLength], out var message))
            throw new InvalidOperationException($"A {typeof(TSelf).Name} with more parts than {nameof(NetworkLimits)} allows cannot be signed: leave some out.");
        return (TSelf)(signed with { Signature = CredentialFormat.Sign(signer, message) });
    }

    /// <summary>Whether this is signed by the network's controller, and that is <paramref name="controller"/>.</summary>
    public bool Verify(Identity controller)
    {
        ArgumentNullException.ThrowIfNull(controller);
        return CredentialFormat.IsFromController(NetworkId, SignedBy, controller)
            && TryWriteSigned(stackalloc byte[MaxSignedLength], out var message) && CredentialFormat.Verify(controller, message, Signature);
    }

    /// <summary>Writes all but the signature and what follows it.</summary>
    private protected abstract void WriteBody(ref ByteWriter writer);

    // False if there are more parts than nodes accept.
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
