using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>One statement of a <see cref="CertificateOfMembership"/>.</summary>
/// <param name="Id">The subject: see the constants of <see cref="CertificateOfMembership"/>.</param>
/// <param name="Value">The value.</param>
/// <param name="MaxDelta">The maximum difference of another member's value.</param>
public readonly record struct MembershipQualifier(ulong Id, ulong Value, ulong MaxDelta)
{
    /// <summary>The length on the wire in bytes.</summary>
    internal const int Size = 24;
}

/// <summary>
/// A controller's statement that a node is a member of its network. Two members may communicate if their certificates agree. Above all, the certificates must
/// have been issued at nearly the same time, so that a member that gets no new certificates is excluded.
/// </summary>
public sealed record CertificateOfMembership : ICredential
{
    /// <summary>Qualifier: the time of issue, in milliseconds since 1970.</summary>
    public const ulong TimestampId = 0;

    /// <summary>Qualifier: the network.</summary>
    public const ulong NetworkIdId = 1;

    /// <summary>Qualifier: the member's address.</summary>
    public const ulong IssuedToId = 2;

    /// <summary>Qualifier: the first eight bytes of the member's key hash; the next three qualifiers contain the other 24 bytes.</summary>
    public const ulong FirstKeyHashId = 3;

    private const int KeyHashQualifiers = 4;
    private const byte FormatOne = 1;

    /// <inheritdoc/>
    public CredentialType Type => CredentialType.Membership;

    /// <summary>The statements in ascending order of their identifiers: at most <see cref="NetworkLimits.MembershipQualifiers"/>.</summary>
    public required EquatableArray<MembershipQualifier> Qualifiers { get; init; }

    /// <inheritdoc/>
    public uint Id => 0;

    /// <inheritdoc/>
    public NetworkId NetworkId => new(ValueOf(NetworkIdId));

    /// <inheritdoc/>
    public long Timestamp => (long)ValueOf(TimestampId);

    /// <summary>The maximum difference of another member's certificate from <see cref="Timestamp"/>, in milliseconds.</summary>
    public ulong TimestampMaxDelta
    {
        get
        {
            foreach (ref readonly var qualifier in Qualifiers)
            {
                if (qualifier.Id == TimestampId)
                    return qualifier.MaxDelta;
            }

            return 0;
        }
    }

    /// <inheritdoc/>
    public NodeAddress IssuedTo => new(ValueOf(IssuedToId) & 0xff_ffff_ffff);

    /// <inheritdoc/>
    public NodeAddress SignedBy { get; init; }

    /// <summary>The signature: 96 bytes, or empty.</summary>
    public EquatableArray<byte> Signature { get; init; }

    /// <summary>Creates an unsigned certificate.</summary>
    /// <param name="network">The network.</param>
    /// <param name="timestamp">The time of issue, in milliseconds since 1970.</param>
    /// <param name="maxDelta">The maximum difference of the times of two members' certificates, in milliseconds.</param>
    /// <param name="member">The member; a hash of its keys goes into the certificate.</param>
    public static CertificateOfMembership Create(NetworkId network, long timestamp, long maxDelta, Identity member)
    {
        ArgumentNullException.ThrowIfNull(member);
        Span<byte> hash = stackalloc byte[Identity.FingerprintSize];
        member.WriteFingerprint(hash);
        var qualifiers = new MembershipQualifier[3 + KeyHashQualifiers];
        qualifiers[0] = new(TimestampId, (ulong)timestamp, (ulong)maxDelta);
        qualifiers[1] = new(NetworkIdId, network.Value, 0);
        qualifiers[2] = new(IssuedToId, member.Address.Value, ulong.MaxValue);
        for (var i = 0; i < KeyHashQualifiers; i++)
            qualifiers[3 + i] = new(FirstKeyHashId + (ulong)i, BinaryPrimitives.ReadUInt64BigEndian(hash[(8 * i)..]), ulong.MaxValue);
        return new CertificateOfMembership { Qualifiers = new(qualifiers) };
    }

    /// <summary>
    /// Whether another member's certificate has all qualifiers of this one, each within its maximum difference; and, if this certificate contains a hash of its
    /// member's keys, whether the other contains the hash of <paramref name="otherMember"/>. The other's signature is not checked.
    /// </summary>
    public bool AgreesWith(CertificateOfMembership other, Identity otherMember)
    {
        ArgumentNullException.ThrowIfNull(other);
        ArgumentNullException.ThrowIfNull(otherMember);
        if (Qualifiers.IsEmpty || other.Qualifiers.IsEmpty)
            return false;
        var hashed = false;
        foreach (var (id, value, maxDelta) in Qualifiers)
        {
            hashed |= id is >= FirstKeyHashId and < FirstKeyHashId + KeyHashQualifiers;
            if (!other.TryGetValue(id, out var otherValue) || (value >= otherValue ? value - otherValue : otherValue - value) > maxDelta)
                return false;
        }

        return !hashed || other.IsForKeysOf(otherMember);
    }

    /// <summary>Reads a certificate; the signature is not checked. A certificate with qualifiers out of order, duplicate or too many qualifiers is malformed.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out CertificateOfMembership? certificate)
    {
        certificate = null;
        if (reader.ReadByte() != FormatOne)
            reader.Fail();
        var qualifiers = ReadQualifiers(ref reader);
        var signedBy = reader.ReadNodeAddress();
        var signature = signedBy.IsNone ? default : EquatableArray.Create(reader.ReadBytes(Identity.SignatureSize));
        if (reader.Failed)
            return false;
        certificate = new CertificateOfMembership { Qualifiers = qualifiers, SignedBy = signedBy, Signature = signature };
        return true;
    }

    /// <inheritdoc/>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteByte(FormatOne);
        writer.WriteUInt16((ushort)Qualifiers.Count);
        WriteQualifiers(ref writer);
        writer.WriteNodeAddress(SignedBy);
        if (SignedBy.IsNone)
            return;
        if (Signature.Count != Identity.SignatureSize)
            writer.Fail();
        writer.WriteBytes(Signature);
    }

    /// <summary>Returns the certificate, signed.</summary>
    /// <exception cref="InvalidOperationException">
    /// <paramref name="signer"/> has no secret keys, or there are too many qualifiers.
    /// </exception>
    public CertificateOfMembership Sign(Identity signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (Qualifiers.Count > NetworkLimits.MembershipQualifiers)
        {
            throw new InvalidOperationException(
                $"A certificate of membership has at most {NetworkLimits.MembershipQualifiers} qualifiers, not {Qualifiers.Count}.");
        }

        var writer = new ByteWriter(stackalloc byte[NetworkLimits.MembershipQualifiers * MembershipQualifier.Size]);
        WriteQualifiers(ref writer);
        return this with { SignedBy = signer.Address, Signature = CredentialFormat.Sign(signer, writer.Written) };
    }

    /// <inheritdoc/>
    public bool Verify(Identity controller)
    {
        ArgumentNullException.ThrowIfNull(controller);
        var writer = new ByteWriter(stackalloc byte[NetworkLimits.MembershipQualifiers * MembershipQualifier.Size]);
        WriteQualifiers(ref writer);
        return !writer.Failed && CredentialFormat.IsFromController(NetworkId, SignedBy, controller)
            && CredentialFormat.Verify(controller, writer.Written, Signature);
    }

    private bool IsForKeysOf(Identity member)
    {
        Span<byte> hash = stackalloc byte[Identity.FingerprintSize];
        member.WriteFingerprint(hash);
        for (var i = 0; i < KeyHashQualifiers; i++)
        {
            if (!TryGetValue(FirstKeyHashId + (ulong)i, out var value) || value != BinaryPrimitives.ReadUInt64BigEndian(hash[(8 * i)..]))
                return false;
        }

        return true;
    }

    private ulong ValueOf(ulong id) => TryGetValue(id, out var value) ? value : 0;

    private bool TryGetValue(ulong id, out ulong value)
    {
        foreach (ref readonly var qualifier in Qualifiers)
        {
            if (qualifier.Id != id)
                continue;
            value = qualifier.Value;
            return true;
        }

        value = 0;
        return false;
    }

    private static EquatableArray<MembershipQualifier> ReadQualifiers(ref ByteReader reader)
    {
        var count = reader.ReadUInt16();
        if (count > NetworkLimits.MembershipQualifiers || count * MembershipQualifier.Size > reader.Remaining)
        {
            reader.Fail();
            return default;
        }

        var qualifiers = new MembershipQualifier[count];
        for (var i = 0; i < count; i++)
        {
            qualifiers[i] = new MembershipQualifier(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64());
            if (i > 0 && qualifiers[i].Id <= qualifiers[i - 1].Id)
                reader.Fail();
        }

        return new EquatableArray<MembershipQualifier>(qualifiers);
    }

    private void WriteQualifiers(ref ByteWriter writer)
    {
        foreach (var (id, value, maxDelta) in Qualifiers)
        {
            writer.WriteUInt64(id);
            writer.WriteUInt64(value);
            writer.WriteUInt64(maxDelta);
        }
    }
}
