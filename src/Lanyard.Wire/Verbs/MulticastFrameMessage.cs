using Lanyard.Primitives;

namespace Lanyard.Wire.Verbs;

/// <summary>The flags of a MULTICAST_FRAME and of its OK.</summary>
[Flags]
public enum MulticastFrameFlags : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A certificate of membership is attached, as in messages of nodes before 1.2.</summary>
    HasCertificate = 0x01,

    /// <summary>In a frame: the sender also requests listeners. In an OK: listeners follow.</summary>
    Gather = 0x02,

    /// <summary>The frame's source address is given; otherwise it follows from the sender's node address.</summary>
    HasSource = 0x04,

    /// <summary>The receiver, a replicator of the network, forwards the frame to the listeners.</summary>
    Replicate = 0x08,
}

/// <summary>A multicast Ethernet frame: <see cref="Verb.MulticastFrame"/>.</summary>
/// <remarks>
/// Layout: 8 bytes network, 1 flags; if the flags are set, a certificate, 4 gather limit, 6 source; 6 destination, 4 number, 2 EtherType, the
/// frame's payload.
/// </remarks>
public readonly ref struct MulticastFrameMessage
{
    /// <summary>The maximum length of the header before the frame's payload without a certificate, in bytes.</summary>
    public const int MaxHeaderBytes = 31;

    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The flags: which of the other fields are present, and the request.</summary>
    public MulticastFrameFlags Flags { get; init; }

    /// <summary>The certificate of membership, serialized, if <see cref="MulticastFrameFlags.HasCertificate"/> is set.</summary>
    public ReadOnlySpan<byte> Certificate { get; init; }

    /// <summary>The maximum number of listeners that the sender requests, if <see cref="MulticastFrameFlags.Gather"/> is set.</summary>
    public uint GatherLimit { get; init; }

    /// <summary>The frame's source, if <see cref="MulticastFrameFlags.HasSource"/> is set.</summary>
    public MacAddress Source { get; init; }

    /// <summary>The group that the frame goes to.</summary>
    public MulticastGroup Group { get; init; }

    /// <summary>The EtherType of the payload.</summary>
    public ushort EtherType { get; init; }

    /// <summary>The frame's payload. Empty when writing only the header.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out MulticastFrameMessage message)
    {
        var reader = new ByteReader(payload);
        var network = reader.ReadNetworkId();
        var flags = (MulticastFrameFlags)reader.ReadByte();
        message = new MulticastFrameMessage
        {
            NetworkId = network,
            Flags = flags,
            Certificate = (flags & MulticastFrameFlags.HasCertificate) != 0 ? AttachedCertificate.Read(ref reader) : default,
            GatherLimit = (flags & MulticastFrameFlags.Gather) != 0 ? reader.ReadUInt32() : 0,
            Source = (flags & MulticastFrameFlags.HasSource) != 0 ? reader.ReadMacAddress() : default,
            Group = MulticastGroup.Read(ref reader),
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
        if ((Flags & MulticastFrameFlags.HasCertificate) != 0)
            writer.WriteBytes(Certificate);
        if ((Flags & MulticastFrameFlags.Gather) != 0)
            writer.WriteUInt32(GatherLimit);
        if ((Flags & MulticastFrameFlags.HasSource) != 0)
            writer.WriteMacAddress(Source);
        Group.Write(ref writer);
        writer.WriteUInt16(EtherType);
        writer.WriteBytes(Data);
    }
}

/// <summary>The answer to a MULTICAST_FRAME with <see cref="MulticastFrameFlags.Gather"/>.</summary>
/// <remarks>
/// Layout: 8 bytes network, 6 address, 4 number, 1 flags; if the flags are set, a certificate; 4 total known, 2 count, 5 for
/// each listener.
/// </remarks>
public readonly ref struct OkMulticastFrameMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The group.</summary>
    public MulticastGroup Group { get; init; }

    /// <summary>The flags: which of the other fields are present.</summary>
    public MulticastFrameFlags Flags { get; init; }

    /// <summary>The answering node's certificate of membership, serialized, if <see cref="MulticastFrameFlags.HasCertificate"/> is set.</summary>
    public ReadOnlySpan<byte> Certificate { get; init; }

    /// <summary>The number of listeners that the answering node knows, if <see cref="MulticastFrameFlags.Gather"/> is set.</summary>
    public uint TotalKnown { get; init; }

    /// <summary>The listeners in this message.</summary>
    public NodeAddressList Members { get; private init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an OK.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkMulticastFrameMessage message)
    {
        var reader = new ByteReader(payload);
        var network = reader.ReadNetworkId();
        var group = MulticastGroup.Read(ref reader);
        var flags = (MulticastFrameFlags)reader.ReadByte();
        var gather = (flags & MulticastFrameFlags.Gather) != 0;
        message = new OkMulticastFrameMessage
        {
            NetworkId = network,
            Group = group,
            Flags = flags,
            Certificate = (flags & MulticastFrameFlags.HasCertificate) != 0 ? AttachedCertificate.Read(ref reader) : default,
            TotalKnown = gather ? reader.ReadUInt32() : 0,
            Members = gather ? GatherResults.Read(ref reader) : default,
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an OK.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="members">Some of the listeners, at most 65535; written if <see cref="MulticastFrameFlags.Gather"/> is set.</param>
    public void Write(ref ByteWriter writer, scoped ReadOnlySpan<NodeAddress> members)
    {
        writer.WriteNetworkId(NetworkId);
        Group.Write(ref writer);
        writer.WriteByte((byte)Flags);
        if ((Flags & MulticastFrameFlags.HasCertificate) != 0)
            writer.WriteBytes(Certificate);
        if ((Flags & MulticastFrameFlags.Gather) != 0)
            GatherResults.Write(ref writer, TotalKnown, members);
    }
}

/// <summary>The details of an ERROR with <see cref="ErrorCode.UnwantedMulticast"/>: the group that the answering node no longer listens to.</summary>
/// <remarks>Layout: 8 bytes network, 6 address, 4 number.</remarks>
public readonly ref struct UnwantedMulticastMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The group.</summary>
    public MulticastGroup Group { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an ERROR.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out UnwantedMulticastMessage message)
    {
        var reader = new ByteReader(payload);
        message = new UnwantedMulticastMessage
        {
            NetworkId = reader.ReadNetworkId(),
            Group = MulticastGroup.Read(ref reader),
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an ERROR.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        Group.Write(ref writer);
    }
}
