namespace Lanyard.Wire.Verbs;

/// <summary>A request succeeded: <see cref="Verb.Ok"/>. The content of the payload depends on the verb of the request.</summary>
/// <remarks>Layout: 1 byte verb, 8 bytes packet ID, payload.</remarks>
public readonly ref struct OkMessage
{
    /// <summary>The length of the header before the payload, in bytes.</summary>
    public const int HeaderBytes = 9;

    /// <summary>The verb of the request.</summary>
    public Verb InReVerb { get; init; }

    /// <summary>The packet ID of the request, as it was on the wire.</summary>
    public ulong InRePacketId { get; init; }

    /// <summary>The answer. Empty when writing only the header.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkMessage message)
    {
        var reader = new ByteReader(payload);
        message = new OkMessage { InReVerb = (Verb)reader.ReadByte(), InRePacketId = reader.ReadUInt64(), Payload = reader.ReadRest() };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteByte((byte)InReVerb);
        writer.WriteUInt64(InRePacketId);
        writer.WriteBytes(Payload);
    }
}

/// <summary>A request failed: <see cref="Verb.Error"/>. The content of the payload depends on the verb of the request and on the code.</summary>
/// <remarks>Layout: 1 byte verb, 8 bytes packet ID, 1 byte code, payload.</remarks>
public readonly ref struct ErrorMessage
{
    /// <summary>The length of the header before the payload, in bytes.</summary>
    public const int HeaderBytes = 10;

    /// <summary>The verb of the request.</summary>
    public Verb InReVerb { get; init; }

    /// <summary>The packet ID of the request, as it was on the wire.</summary>
    public ulong InRePacketId { get; init; }

    /// <summary>The reason why the request failed, which may be unknown to <see cref="ErrorCode"/>.</summary>
    public ErrorCode Code { get; init; }

    /// <summary>Details, such as a <see cref="NetworkErrorMessage"/>. Empty when writing only the header.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out ErrorMessage message)
    {
        var reader = new ByteReader(payload);
        message = new ErrorMessage
        {
            InReVerb = (Verb)reader.ReadByte(),
            InRePacketId = reader.ReadUInt64(),
            Code = (ErrorCode)reader.ReadByte(),
            Payload = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteByte((byte)InReVerb);
        writer.WriteUInt64(InRePacketId);
        writer.WriteByte((byte)Code);
        writer.WriteBytes(Payload);
    }
}

/// <summary>
/// The details of an ERROR about a network: the answer to <see cref="Verb.NetworkConfigRequest"/> with any code, and
/// <see cref="ErrorCode.NeedMembershipCertificate"/> to a frame.
/// </summary>
/// <remarks>Layout: 8 bytes network; optionally a 16-bit length and so many bytes of dictionary (since 1.6, for sign-in elsewhere).</remarks>
public readonly ref struct NetworkErrorMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>A dictionary with details, such as the URL to sign in; usually empty.</summary>
    public ReadOnlySpan<byte> Details { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an ERROR.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out NetworkErrorMessage message)
    {
        var reader = new ByteReader(payload);
        message = new NetworkErrorMessage
        {
            NetworkId = reader.ReadNetworkId(),
            Details = reader.Remaining > 0 ? reader.ReadBytes(reader.ReadUInt16()) : default,
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an ERROR; the length of empty details is omitted.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        if (Details.IsEmpty)
            return;
        if (Details.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteUInt16((ushort)Details.Length);
        writer.WriteBytes(Details);
    }
}
