namespace Lanyard.Wire.Verbs;

/// <summary>The message of <see cref="Verb.Nop"/>: its payload is ignored.</summary>
public readonly ref struct NopMessage
{
    /// <summary>The payload; usually empty.</summary>
    public ReadOnlySpan<byte> Ignored { get; init; }

    /// <summary>Reads the payload of a packet; every payload is valid.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out NopMessage message)
    {
        message = new NopMessage { Ignored = payload };
        return true;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer) => writer.WriteBytes(Ignored);
}

/// <summary>Requests the same bytes back: <see cref="Verb.Echo"/>, and the OK that answers it.</summary>
/// <remarks>
/// Nodes answer <see cref="Verb.NetworkConfig"/> with an OK to this verb; its data is then an <see cref="OkNetworkConfigMessage"/>.
/// </remarks>
public readonly ref struct EchoMessage
{
    /// <summary>Any bytes, often none.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Reads the payload of a packet or of an OK; every payload is valid.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out EchoMessage message)
    {
        message = new EchoMessage { Data = payload };
        return true;
    }

    /// <summary>Writes the payload of a packet or of an OK.</summary>
    public void Write(ref ByteWriter writer) => writer.WriteBytes(Data);
}
