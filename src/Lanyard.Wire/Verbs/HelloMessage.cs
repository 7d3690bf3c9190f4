using Lanyard.Primitives;

namespace Lanyard.Wire.Verbs;

/// <summary>The versions of a node's protocol and program.</summary>
/// <param name="Protocol">The protocol version: 4 to 12 in existing nodes.</param>
/// <param name="Major">The program's major version.</param>
/// <param name="Minor">The program's minor version.</param>
/// <param name="Revision">The program's revision.</param>
public readonly record struct NodeVersion(byte Protocol, byte Major, byte Minor, ushort Revision)
{
    /// <summary>The oldest protocol version that nodes still accept.</summary>
    public const byte MinProtocol = 4;

    /// <summary>The protocol version of this library.</summary>
    public const byte CurrentProtocol = 12;

    internal static NodeVersion Read(scoped ref ByteReader reader) =>
        new(reader.ReadByte(), reader.ReadByte(), reader.ReadByte(), reader.ReadUInt16());

    internal void Write(ref ByteWriter writer)
    {
        writer.WriteByte(Protocol);
        writer.WriteByte(Major);
        writer.WriteByte(Minor);
        writer.WriteUInt16(Revision);
    }
}

/// <summary>
/// Introduces a node: <see cref="Verb.Hello"/>. Sent with <see cref="Packets.CipherSuite.Poly1305"/>, because it contains the public keys that
/// all other packets need; only the list of moons at its end is encrypted (<see cref="Packets.SessionKey.CryptHelloTail"/>).
/// </summary>
/// <remarks>
/// Layout: 5 bytes version, 8 timestamp, identity, endpoint sent to, 8 planet's ID, 8 planet's timestamp; then, encrypted, 2 bytes count of
/// moons and for each 1 byte type, 8 ID, 8 timestamp. Versions before 1.1 end after the identity or the endpoint.
/// </remarks>
public readonly ref struct HelloMessage
{
    /// <summary>The sender's version.</summary>
    public NodeVersion Version { get; init; }

    /// <summary>The sender's time in milliseconds. The answer repeats it, for measuring the round-trip time.</summary>
    public long Timestamp { get; init; }

    /// <summary>The sender's public identity, serialized, for <see cref="Wire.Identity.TryRead"/>.</summary>
    public ReadOnlySpan<byte> Identity { get; init; }

    /// <summary>The physical endpoint that the packet was sent to, as seen by its sender; the default value if the packet is relayed.</summary>
    public InetEndpoint SentTo { get; init; }

    /// <summary>The planet that the sender uses; all zeros if it is not given.</summary>
    public WorldStamp Planet { get; init; }

    /// <summary>The offset of the encrypted end in the payload. The payload's length if there is none.</summary>
    public int TailStart { get; private init; }

    /// <summary>The end of the message: encrypted, or decrypted for <see cref="MoonStampList.TryParse"/>.</summary>
    public ReadOnlySpan<byte> Tail { get; private init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out HelloMessage message)
    {
        var reader = new ByteReader(payload);
        message = new HelloMessage
        {
            Version = NodeVersion.Read(ref reader),
            Timestamp = reader.ReadInt64(),
            Identity = IdentityList.ReadOne(ref reader),
            SentTo = reader.Remaining > 0 ? reader.ReadEndpoint() : default,
            Planet = reader.Remaining >= WorldStamp.PlanetBytes ? WorldStamp.ReadPlanet(ref reader) : default,
            TailStart = reader.Position,
            Tail = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>
    /// Writes the payload of a packet up to the encrypted end. Append the output of <see cref="MoonStampList.Write"/>, and
    /// encrypt it once the packet has its ID.
    /// </summary>
    public void Write(ref ByteWriter writer)
    {
        Version.Write(ref writer);
        writer.WriteInt64(Timestamp);
        writer.WriteBytes(Identity);
        writer.WriteEndpoint(SentTo);
        writer.WriteUInt64(Planet.Id);
        writer.WriteInt64(Planet.Timestamp);
    }
}

/// <summary>The answer to a HELLO.</summary>
/// <remarks>Layout: 8 bytes timestamp, 5 version, endpoint sent to, 2 length of worlds, worlds.</remarks>
public readonly ref struct OkHelloMessage
{
    /// <summary>The timestamp of the HELLO, repeated.</summary>
    public long Timestamp { get; init; }

    /// <summary>The version of the answering node.</summary>
    public NodeVersion Version { get; init; }

    /// <summary>The physical endpoint that the HELLO came from, as seen by the answering node.</summary>
    public InetEndpoint SentTo { get; init; }

    /// <summary>Newer editions of the worlds in the HELLO, one after another for <see cref="World.TryRead"/>; usually empty.</summary>
    public ReadOnlySpan<byte> Worlds { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of an OK.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkHelloMessage message)
    {
        var reader = new ByteReader(payload);
        message = new OkHelloMessage
        {
            Timestamp = reader.ReadInt64(),
            Version = NodeVersion.Read(ref reader),
            SentTo = reader.Remaining > 0 ? reader.ReadEndpoint() : default,
            Worlds = reader.Remaining > 0 ? reader.ReadBytes(reader.ReadUInt16()) : default,
            Trailing = reader.ReadRest(),
        };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of an OK.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.WriteInt64(Timestamp);
        Version.Write(ref writer);
        writer.WriteEndpoint(SentTo);
        if (Worlds.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteUInt16((ushort)Worlds.Length);
        writer.WriteBytes(Worlds);
    }
}
