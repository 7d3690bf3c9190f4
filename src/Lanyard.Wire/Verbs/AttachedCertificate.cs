namespace Lanyard.Wire.Verbs;

/// <summary>A certificate of membership inside another message, found by its length alone.</summary>
internal static class AttachedCertificate
{
    private const byte Version = 1;
    private const int QualifierBytes = 24;
    private const int SignatureBytes = 96;

    // 1 byte version, 2 count, 24 for each qualifier, 5 signer and, unless that is zero, 96 signature.
    internal static ReadOnlySpan<byte> Read(scoped ref ByteReader reader)
    {
        var start = reader.Position;
        if (reader.ReadByte() != Version)
            reader.Fail();
        reader.Skip(reader.ReadUInt16() * QualifierBytes);
        if (!reader.ReadNodeAddress().IsNone)
            reader.Skip(SignatureBytes);
        return reader.Since(start);
    }
}
