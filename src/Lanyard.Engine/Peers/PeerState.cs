using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>
/// What is kept of a peer over restarts, in the reference's format (files <c>peers.d/ADDRESS.peer</c>): 1 byte version (2), identity, four
/// 16-bit numbers of its version, a 16-bit count and so many endpoints.
/// </summary>
internal sealed record PeerState(Identity Identity, NodeVersion Version, IReadOnlyList<InetEndpoint> Endpoints)
{
    private const byte FormatVersion = 2;
    private const int MaxEndpoints = 64;
    private const int MaxBytes = 2048;

    public static PeerState Of(Peer peer)
    {
        var endpoints = new List<InetEndpoint>();
        foreach (var path in peer.Paths)
            endpoints.Add(path.Endpoint);
        return new PeerState(peer.Identity, peer.Version, endpoints);
    }

    public static bool TryParse(ReadOnlySpan<byte> bytes, out PeerState state)
    {
        state = null!;
        var reader = new ByteReader(bytes);
        if (reader.ReadByte() != FormatVersion || !Identity.TryRead(bytes[1..], out var identity, out var identityBytes))
            return false;
        reader.Skip(identityBytes);
        var version = new NodeVersion((byte)reader.ReadUInt16(), (byte)reader.ReadUInt16(), (byte)reader.ReadUInt16(), reader.ReadUInt16());
        var count = Math.Min((int)reader.ReadUInt16(), MaxEndpoints);
        var endpoints = new List<InetEndpoint>();
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            if (reader.ReadEndpoint() is { IsNone: false } endpoint)
                endpoints.Add(endpoint);
        }

        if (reader.Failed)
            return false;
        state = new PeerState(identity, version, endpoints);
        return true;
    }

    public byte[] ToBytes()
    {
        var writer = new ByteWriter(new byte[MaxBytes]);
        writer.WriteByte(FormatVersion);
        Identity.Write(writer.Reserve(Identity.BinarySize));
        writer.WriteUInt16(Version.Protocol);
        writer.WriteUInt16(Version.Major);
        writer.WriteUInt16(Version.Minor);
        writer.WriteUInt16(Version.Revision);
        writer.WriteUInt16((ushort)Endpoints.Count);
        foreach (var endpoint in Endpoints)
            writer.WriteEndpoint(endpoint);
        return writer.Written.ToArray();
    }
}
