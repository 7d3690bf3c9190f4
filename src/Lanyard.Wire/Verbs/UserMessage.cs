namespace Lanyard.Wire.Verbs;

/// <summary>A message of an application to a node, outside any network: <see cref="Verb.UserMessage"/>. No answer.</summary>
/// <remarks>Layout: 8 bytes type, data.</remarks>
public readonly ref struct UserMessage
{
    /// <summary>The greatest type that is reserved for the authors of the protocol.</summary>
    public const ulong LastReservedType = 65535;

    /// <summary>The type of the message: a number above <see cref="LastReservedType"/> that the application's authors chose at random.</summary>
    public ulong Type { get; init; }

    /// <summary>The message.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out UserMessage message)
    {
        var reader = new ByteReader(payload);
        message = new UserMessage { Type = reader.ReadUInt64(), Data = reader.ReadRest() };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteUInt64(Type);
        writer.WriteBytes(Data);
    }
}
