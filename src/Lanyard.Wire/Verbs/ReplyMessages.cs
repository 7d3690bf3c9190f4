namespace Lanyard.Wire.Verbs;

/// <summary>A request succeeded: <see cref="Verb.Ok"/>. What the payload holds depends on the verb that it answers.</summary>
/// <remarks>Layout: 1 byte verb, 8 bytes packet ID, payload.</remarks>
public readonly ref struct OkMessage
{
    /// <summary>The bytes in front of the payload.</summary>
    public const int HeaderBytes = 9;

    /// <summary>The verb that this answers.</summary>
    public Verb InReVerb { get; init; }

    /// <summary>The packet that this answers, by its ID as it was on the wire.</summary>
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

/// <summary>A request failed: <see cref="Verb.Error"/>. What the payload holds depends on the verb that it answers and on the code.</summary>
/// <remarks>Layout: 1 byte verb, 8 bytes packet ID, 1 byte code, payload.</remarks>
public readonly ref struct ErrorMessage
{
    /// <summary>The bytes in front of the payload.</summary>
    public const int HeaderBytes = 10;

    /// <summary>The verb that this answers.</summary>
    public Verb InReVerb { get; init; }

    /// <summary>The packet that this answers, by its ID as it was on the wire.</summary>
    public ulong InRePacketId { get; init; }

    /// <summary>Why the request failed. It may be a code that <see cref="ErrorCode"/> does not name.</summary>
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

    /// <summary>A dictionary that says more, such as where to sign in; mostly empty.</summary>
    public ReadOnlySpan<byte> Details { get; init; }

    /// <summary>Bytes behind what is known here, from a version to come. Not written.</summary>
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

    /// <summary>Writes the payload of an ERROR; the length of the details is left out where there are none.</summary>
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
