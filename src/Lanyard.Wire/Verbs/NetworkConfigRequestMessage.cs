namespace Lanyard.Wire.Verbs;

/// <summary>
/// Requests a network's configuration from a controller: <see cref="Verb.NetworkConfigRequest"/>. The OK contains a <see cref="NetworkConfigMessage"/>.
/// </summary>
/// <remarks>Layout: 8 bytes network, 2 length of dictionary, dictionary, 8 revision, 8 timestamp. Old nodes end after any of these.</remarks>
public readonly ref struct NetworkConfigRequestMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The metadata of the requesting node: a dictionary.</summary>
    public ReadOnlySpan<byte> Metadata { get; init; }

    /// <summary>The revision of the configuration that the node has, or 0.</summary>
    public ulong Revision { get; init; }

    /// <summary>The timestamp of the configuration that the node has, in milliseconds, or 0.</summary>
    public long Timestamp { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out NetworkConfigRequestMessage message)
    {
        var reader = new ByteReader(payload);
        message = new NetworkConfigRequestMessage
        {
            NetworkId = reader.ReadNetworkId(),
            Metadata = reader.Remaining > 0 ? reader.ReadBytes(reader.ReadUInt16()) : default,
            Revision = reader.Remaining > 0 ? reader.ReadUInt64() : 0,
            Timestamp = reader.Remaining > 0 ? reader.ReadInt64() : 0,
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        if (Metadata.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteNetworkId(NetworkId);
        writer.WriteUInt16((ushort)Metadata.Length);
        writer.WriteBytes(Metadata);
        writer.WriteUInt64(Revision);
        writer.WriteInt64(Timestamp);
    }
}
