using Lanyard.Primitives;

namespace Lanyard.Wire.Verbs;

/// <summary>An Ethernet frame from one member to another, whose MAC addresses follow from the node addresses: <see cref="Verb.Frame"/>.</summary>
/// <remarks>Layout: 8 bytes network, 2 EtherType, the frame's payload.</remarks>
public readonly ref struct FrameMessage
{
    /// <summary>The length of the header before the frame's payload, in bytes.</summary>
    public const int HeaderBytes = 10;

    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The EtherType of the payload.</summary>
    public ushort EtherType { get; init; }

    /// <summary>The frame's payload. Empty when writing only the header.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out FrameMessage message)
    {
        var reader = new ByteReader(payload);
        message = new FrameMessage { NetworkId = reader.ReadNetworkId(), EtherType = reader.ReadUInt16(), Data = reader.ReadRest() };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteUInt16(EtherType);
        writer.WriteBytes(Data);
    }
}

/// <summary>The flags of an EXT_FRAME. Bits 0x02 to 0x08 together give the reason why the frame was sent.</summary>
[Flags]
public enum ExtFrameFlags : byte
{
    /// <summary>An ordinary frame.</summary>
    None = 0,

    /// <summary>A certificate of membership precedes the addresses, as in messages of nodes before 1.2.</summary>
    HasCertificate = 0x01,

    /// <summary>A rule copied a frame that the sender sent (with <see cref="AckWanted"/>: watches it).</summary>
    TeeOutbound = 0x02,

    /// <summary>A rule redirected a frame that the sender sent.</summary>
    RedirectOutbound = 0x04,

    /// <summary>A rule copied a frame that the sender received.</summary>
    TeeInbound = 0x08,

    /// <summary>A rule redirected a frame that the sender received.</summary>
    RedirectInbound = 0x0a,

    /// <summary>The bits that give the reason why the frame was sent.</summary>
    ReasonMask = 0x0e,

    /// <summary>Requests an OK.</summary>
    AckWanted = 0x10,
}

/// <summary>An Ethernet frame with its addresses: <see cref="Verb.ExtFrame"/>. For bridges, and for frames that rules copy or redirect.</summary>
/// <remarks>
/// Layout: 8 bytes network, 1 flags, a certificate if the flag is set, 6 destination, 6 source, 2 EtherType, the frame's payload.
/// </remarks>
public readonly ref struct ExtFrameMessage
{
    /// <summary>The length of the header before the frame's payload without a certificate, in bytes.</summary>
    public const int HeaderBytes = 23;

    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The flags, with the reason why the frame was sent.</summary>
    public ExtFrameFlags Flags { get; init; }

    /// <summary>The certificate of membership, serialized, if <see cref="ExtFrameFlags.HasCertificate"/> is set.</summary>
    public ReadOnlySpan<byte> Certificate { get; init; }

    /// <summary>The frame's destination.</summary>
    public MacAddress Destination { get; init; }

    /// <summary>The frame's source.</summary>
    public MacAddress Source { get; init; }

    /// <summary>The EtherType of the payload.</summary>
    public ushort EtherType { get; init; }

    /// <summary>The frame's payload. Empty when writing only the header.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out ExtFrameMessage message)
    {
        var reader = new ByteReader(payload);
        var network = reader.ReadNetworkId();
        var flags = (ExtFrameFlags)reader.ReadByte();
        message = new ExtFrameMessage
        {
            NetworkId = network,
            Flags = flags,
            Certificate = (flags & ExtFrameFlags.HasCertificate) != 0 ? AttachedCertificate.Read(ref reader) : default,
            Destination = reader.ReadMacAddress(),
            Source = reader.ReadMacAddress(),
            EtherType = reader.ReadUInt16(),
            Data = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteByte((byte)Flags);
        writer.WriteBytes(Certificate);
        writer.WriteMacAddress(Destination);
        writer.WriteMacAddress(Source);
        writer.WriteUInt16(EtherType);
        writer.WriteBytes(Data);
    }
}

/// <summary>The answer to an EXT_FRAME with <see cref="ExtFrameFlags.AckWanted"/>.</summary>
/// <remarks>Layout: 8 bytes network.</remarks>
public readonly ref struct OkExtFrameMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an OK.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkExtFrameMessage message)
    {
        var reader = new ByteReader(payload);
        message = new OkExtFrameMessage { NetworkId = reader.ReadNetworkId(), Trailing = reader.ReadRest() };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an OK.</summary>
    public void Write(ref ByteWriter writer) => writer.WriteNetworkId(NetworkId);
}
