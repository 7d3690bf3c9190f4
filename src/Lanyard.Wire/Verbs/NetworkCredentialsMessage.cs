using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire.Verbs;

/// <summary>Sends signed credentials of any networks: <see cref="Verb.NetworkCredentials"/>. No answer. Signatures are not checked here.</summary>
/// <remarks>
/// Layout: certificates of membership, 1 zero byte; 2 bytes count and capabilities; 2 count and tags; 2 count and revocations; 2 count and
/// certificates of ownership. The message may end before any count, and then contains none of the later credentials.
/// </remarks>
public sealed record NetworkCredentialsMessage
{
    private delegate bool ItemReader<T>(ref ByteReader reader, [NotNullWhen(true)] out T? item) where T : class;

    private delegate void ItemWriter<T>(T item, ref ByteWriter writer);

    /// <summary>Certificates of membership.</summary>
    public EquatableArray<CertificateOfMembership> Memberships { get; init; }

    /// <summary>Capabilities.</summary>
    public EquatableArray<Capability> Capabilities { get; init; }

    /// <summary>Tags.</summary>
    public EquatableArray<Tag> Tags { get; init; }

    /// <summary>Revocations.</summary>
    public EquatableArray<Revocation> Revocations { get; init; }

    /// <summary>Certificates of ownership.</summary>
    public EquatableArray<CertificateOfOwnership> Ownerships { get; init; }

    /// <summary>The number of bytes after the known fields, from a future version. Not written.</summary>
    public int TrailingBytes { get; private init; }

    /// <summary>Reads the payload of a packet. Returns false if a credential is malformed.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out NetworkCredentialsMessage? message)
    {
        var reader = new ByteReader(payload);
        message = new NetworkCredentialsMessage
        {
            Memberships = ReadMemberships(ref reader, payload),
            Capabilities = ReadItems<Capability>(ref reader, Capability.TryRead),
            Tags = ReadItems<Tag>(ref reader, Tag.TryRead),
            Revocations = ReadItems<Revocation>(ref reader, Revocation.TryRead),
            Ownerships = ReadItems<CertificateOfOwnership>(ref reader, CertificateOfOwnership.TryRead),
            TrailingBytes = reader.Remaining,
        };
        if (reader.Failed)
            message = null;
        return message is not null;
    }

    /// <summary>Writes the payload of a packet. The caller ensures that it fits one packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        foreach (var membership in Memberships)
            membership.Write(ref writer);
        writer.WriteByte(0);
        WriteItems(ref writer, Capabilities, static (Capability item, ref ByteWriter to) => item.Write(ref to));
        WriteItems(ref writer, Tags, static (Tag item, ref ByteWriter to) => item.Write(ref to));
        WriteItems(ref writer, Revocations, static (Revocation item, ref ByteWriter to) => item.Write(ref to));
        WriteItems(ref writer, Ownerships, static (CertificateOfOwnership item, ref ByteWriter to) => item.Write(ref to));
    }

    // Certificates of membership have no count: each begins with its version, which is not zero.
    private static EquatableArray<CertificateOfMembership> ReadMemberships(ref ByteReader reader, ReadOnlySpan<byte> payload)
    {
        var memberships = new List<CertificateOfMembership>();
        while (reader.Remaining > 0 && payload[reader.Position] != 0 && CertificateOfMembership.TryRead(ref reader, out var membership))
            memberships.Add(membership);
        if (reader.Remaining > 0)
            reader.Skip(1);
        return memberships.ToEquatableArray();
    }

    private static EquatableArray<T> ReadItems<T>(ref ByteReader reader, ItemReader<T> read)
        where T : class, IEquatable<T>
    {
        if (reader.Remaining == 0)
            return default;
        int count = reader.ReadUInt16();
        var items = new List<T>();
        while (items.Count < count && read(ref reader, out var item))
            items.Add(item);
        if (items.Count < count)
            reader.Fail();
        return items.ToEquatableArray();
    }

    private static void WriteItems<T>(ref ByteWriter writer, EquatableArray<T> items, ItemWriter<T> write)
        where T : IEquatable<T>
    {
        if (items.Count > ushort.MaxValue)
            writer.Fail();
        writer.WriteUInt16((ushort)items.Count);
        foreach (var item in items)
            write(item, ref writer);
    }
}
