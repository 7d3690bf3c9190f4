namespace Lanyard.Wire.Verbs;

/// <summary>
/// A part of a network's configuration, signed by the controller: <see cref="Verb.NetworkConfig"/>, and the OK to
/// <see cref="Verb.NetworkConfigRequest"/>. The joined parts of one update are a dictionary.
/// </summary>
/// <remarks>
/// Layout: 8 bytes network, 2 length, part; 1 flags (0x01: members forward it), 8 update, 4 total length, 4 offset of the part; 1 kind
/// of signature (1: Ed25519), 2 length, signature. Controllers before 1.2 answer a request with only the first three fields.
/// </remarks>
public readonly ref struct NetworkConfigMessage
{
    /// <summary>The <see cref="SignatureKind"/> of Ed25519.</summary>
    public const byte Ed25519 = 1;

    /// <summary>The maximum number of bytes of a message in addition to the part.</summary>
    public const int OverheadBytes = 8 + 2 + 1 + 8 + 4 + 4 + 1 + 2 + Identity.SignatureSize;

    private const byte FastPropagateFlag = 0x01;

    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The part.</summary>
    public ReadOnlySpan<byte> Chunk { get; init; }

    /// <summary>Whether this is the old form: the complete configuration, without update and signature. Only in an OK of the controller itself.</summary>
    public bool IsUnsigned { get; private init; }

    /// <summary>Whether members forward the part to others.</summary>
    public bool FastPropagate { get; init; }

    /// <summary>The number of the update that the part belongs to; never 0.</summary>
    public ulong UpdateId { get; init; }

    /// <summary>The length in bytes of all parts joined, as claimed by the sender: check it against a limit.</summary>
    public uint TotalLength { get; init; }

    /// <summary>The offset of the part, as claimed by the sender: check that the part fits.</summary>
    public uint ChunkIndex { get; init; }

    /// <summary>The kind of the signature; <see cref="Ed25519"/> is the only known kind.</summary>
    public byte SignatureKind { get; init; }

    /// <summary>The controller's signature over <see cref="Signed"/>.</summary>
    public ReadOnlySpan<byte> Signature { get; init; }

    /// <summary>The signed bytes: the message up to the kind of signature.</summary>
    public ReadOnlySpan<byte> Signed { get; private init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet or of an OK.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out NetworkConfigMessage message)
    {
        var reader = new ByteReader(payload);
        var network = reader.ReadNetworkId();
        var chunk = reader.ReadBytes(reader.ReadUInt16());
        if (reader.IsAtEnd)
        {
            message = new NetworkConfigMessage { NetworkId = network, Chunk = chunk, TotalLength = (uint)chunk.Length, IsUnsigned = true };
            return true;
        }

        message = new NetworkConfigMessage
        {
            NetworkId = network,
            Chunk = chunk,
            FastPropagate = (reader.ReadByte() & FastPropagateFlag) != 0,
            UpdateId = reader.ReadUInt64(),
            TotalLength = reader.ReadUInt32(),
            ChunkIndex = reader.ReadUInt32(),
            Signed = reader.Since(0),
            SignatureKind = reader.ReadByte(),
            Signature = reader.ReadBytes(reader.ReadUInt16()),
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the signed part of the message. Sign the written bytes, then call <see cref="WriteSignature"/>.</summary>
    public void WriteSigned(ref ByteWriter writer)
    {
        if (Chunk.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteNetworkId(NetworkId);
        writer.WriteUInt16((ushort)Chunk.Length);
        writer.WriteBytes(Chunk);
        writer.WriteByte(FastPropagate ? FastPropagateFlag : (byte)0);
        writer.WriteUInt64(UpdateId);
        writer.WriteUInt32(TotalLength);
        writer.WriteUInt32(ChunkIndex);
    }

    /// <summary>Writes the end of the message.</summary>
    /// <param name="writer">The writer that <see cref="WriteSigned"/> wrote to.</param>
    /// <param name="signature">The controller's Ed25519 signature.</param>
    public static void WriteSignature(ref ByteWriter writer, scoped ReadOnlySpan<byte> signature)
    {
        writer.WriteByte(Ed25519);
        writer.WriteUInt16((ushort)signature.Length);
        writer.WriteBytes(signature);
    }
}

/// <summary>The answer to <see cref="Verb.NetworkConfig"/>: the update is complete. Existing nodes send it as an OK to ECHO.</summary>
/// <remarks>Layout: 8 bytes network, 8 update.</remarks>
public readonly ref struct OkNetworkConfigMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The update that was completed.</summary>
    public ulong UpdateId { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an OK.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkNetworkConfigMessage message)
    {
        var reader = new ByteReader(payload);
        message = new OkNetworkConfigMessage
        {
            NetworkId = reader.ReadNetworkId(),
            UpdateId = reader.ReadUInt64(),
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an OK.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteUInt64(UpdateId);
    }
}
