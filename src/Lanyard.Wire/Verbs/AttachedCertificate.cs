namespace Lanyard.Wire.Verbs;

/// <summary>Finds the end of a certificate of membership inside another message.</summary>
internal static class AttachedCertificate
{
    private const byte Version = 1;

    // 1 byte version, 2 count, the qualifiers, 5 signer and, unless that is zero, the signature.
    internal static ReadOnlySpan<byte> Read(scoped ref ByteReader reader)
    {
        var start = reader.Position;
        if (reader.ReadByte() != Version)
            reader.Fail();
        reader.Skip(reader.ReadUInt16() * MembershipQualifier.Size);
        if (!reader.ReadNodeAddress().IsNone)
            reader.Skip(Identity.SignatureSize);
        return reader.Since(start);
    }
}
