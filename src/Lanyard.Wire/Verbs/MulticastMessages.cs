using Lanyard.Primitives;

namespace Lanyard.Wire.Verbs;

/// <summary>A group of a network that a node listens to.</summary>
/// <param name="NetworkId">The network.</param>
/// <param name="Group">The group.</param>
public readonly record struct MulticastSubscription(NetworkId NetworkId, MulticastGroup Group)
{
    internal const int Size = NetworkId.Size + MulticastGroup.Size;
}

/// <summary>Announces the multicast groups that the sender listens to: <see cref="Verb.MulticastLike"/>. No answer.</summary>
/// <remarks>Layout: 8 bytes network, 6 address, 4 number; as many as fit.</remarks>
public readonly ref struct MulticastLikeMessage
{
    private readonly ReadOnlySpan<byte> _items;

    private MulticastLikeMessage(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>The number of subscriptions.</summary>
    public int Count => _items.Length / MulticastSubscription.Size;

    /// <summary>Returns a subscription.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not less than <see cref="Count"/>.</exception>
    public MulticastSubscription this[int index]
    {
        get
        {
            var reader = new ByteReader(_items.Slice(index * MulticastSubscription.Size, MulticastSubscription.Size));
            return new MulticastSubscription(reader.ReadNetworkId(), MulticastGroup.Read(ref reader));
        }
    }

    /// <summary>Reads the payload of a packet, which must consist of complete subscriptions.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out MulticastLikeMessage message)
    {
        message = new MulticastLikeMessage(payload);
        return payload.Length % MulticastSubscription.Size == 0;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<MulticastSubscription> subscriptions)
    {
        foreach (var subscription in subscriptions)
        {
            writer.WriteNetworkId(subscription.NetworkId);
            subscription.Group.Write(ref writer);
        }
    }
}

/// <summary>Requests the listeners of a multicast group: <see cref="Verb.MulticastGather"/>.</summary>
/// <remarks>Layout: 8 bytes network, 1 flags (0x01: certificate attached), 6 address, 4 number, 4 limit, certificate.</remarks>
public readonly ref struct MulticastGatherMessage
{
    private const byte HasCertificateFlag = 0x01;

    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The group.</summary>
    public MulticastGroup Group { get; init; }

    /// <summary>The maximum number of listeners that the sender requests.</summary>
    public uint Limit { get; init; }

    /// <summary>The sender's certificate of membership, serialized, which authorizes the request to a node outside the network; may be empty.</summary>
    public ReadOnlySpan<byte> Certificate { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out MulticastGatherMessage message)
    {
        var reader = new ByteReader(payload);
        var network = reader.ReadNetworkId();
        var flags = reader.ReadByte();
        message = new MulticastGatherMessage
        {
            NetworkId = network,
            Group = MulticastGroup.Read(ref reader),
            Limit = reader.ReadUInt32(),
            Certificate = (flags & HasCertificateFlag) != 0 ? AttachedCertificate.Read(ref reader) : default,
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteNetworkId(NetworkId);
        writer.WriteByte(Certificate.IsEmpty ? (byte)0 : HasCertificateFlag);
        Group.Write(ref writer);
        writer.WriteUInt32(Limit);
        writer.WriteBytes(Certificate);
    }
}

/// <summary>The answer to MULTICAST_GATHER: some of the listeners.</summary>
/// <remarks>Layout: 8 bytes network, 6 address, 4 number, 4 total known, 2 count, 5 for each listener.</remarks>
public readonly ref struct OkMulticastGatherMessage
{
    /// <summary>The network.</summary>
    public NetworkId NetworkId { get; init; }

    /// <summary>The group.</summary>
    public MulticastGroup Group { get; init; }

    /// <summary>The number of listeners that the answering node knows.</summary>
    public uint TotalKnown { get; init; }

    /// <summary>The listeners in this message.</summary>
    public NodeAddressList Members { get; private init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an OK.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkMulticastGatherMessage message)
    {
        var reader = new ByteReader(payload);
        message = new OkMulticastGatherMessage
        {
            NetworkId = reader.ReadNetworkId(),
            Group = MulticastGroup.Read(ref reader),
            TotalKnown = reader.ReadUInt32(),
            Members = GatherResults.Read(ref reader),
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an OK.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="members">Some of the listeners, at most 65535.</param>
    public void Write(ref ByteWriter writer, scoped ReadOnlySpan<NodeAddress> members)
    {
        writer.WriteNetworkId(NetworkId);
        Group.Write(ref writer);
        GatherResults.Write(ref writer, TotalKnown, members);
    }
}

/// <summary>The list of listeners in two answers: 4 bytes total known, 2 count, 5 for each listener.</summary>
internal static class GatherResults
{
    internal static NodeAddressList Read(scoped ref ByteReader reader) => new(reader.ReadBytes(reader.ReadUInt16() * NodeAddress.Size));

    internal static void Write(ref ByteWriter writer, uint totalKnown, scoped ReadOnlySpan<NodeAddress> members)
    {
        if (members.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteUInt32(totalKnown);
        writer.WriteUInt16((ushort)members.Length);
        NodeAddressList.Write(ref writer, members);
    }
}
