using Lanyard.Primitives;

namespace Lanyard.Wire.Verbs;

/// <summary>From a root: the endpoint of another node, which gets the endpoint of this node: <see cref="Verb.Rendezvous"/>. No answer.</summary>
/// <remarks>Layout: 1 byte flags, 5 node, 2 port, 1 length of address (4 or 16), address.</remarks>
public readonly ref struct RendezvousMessage
{
    /// <summary>Unused, zero.</summary>
    public byte Flags { get; init; }

    /// <summary>The other node.</summary>
    public NodeAddress Peer { get; init; }

    /// <summary>The endpoint at which the other node may be reachable.</summary>
    public InetEndpoint Endpoint { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet. Also returns false if the address is neither IPv4 nor IPv6.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out RendezvousMessage message)
    {
        message = default;
        var reader = new ByteReader(payload);
        var flags = reader.ReadByte();
        var peer = reader.ReadNodeAddress();
        var port = reader.ReadUInt16();
        var address = reader.ReadBytes(reader.ReadByte());
        if (reader.Failed || address.Length is not (4 or 16))
            return false;
        message = new RendezvousMessage
        {
            Flags = flags,
            Peer = peer,
            Endpoint = new InetEndpoint(InetAddress.FromBytes(address), port),
            Trailing = reader.ReadRest(),
        };
        return true;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteByte(Flags);
        writer.WriteNodeAddress(Peer);
        writer.WriteUInt16(Endpoint.Port);
        writer.WriteByte((byte)Endpoint.Address.Length);
        var room = writer.Reserve(Endpoint.Address.Length);
        if (!writer.Failed)
            Endpoint.Address.Write(room);
    }
}
