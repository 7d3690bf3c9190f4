using System.Collections.Concurrent;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Tests.Shared;

/// <summary>Creates packets from one identity to another, honest or hostile, and decrypts them.</summary>
internal static class PacketForge
{
    private const int MaxKeys = 256;

    private static readonly ConcurrentDictionary<(Identity, Identity), SessionKey> Keys = new();
    private static long _nextPacketId = 0x0102_0304_0000_0001;

    /// <summary>Writes a payload.</summary>
    public delegate void Writing(ref ByteWriter writer);

    /// <summary>The key that two identities share; the first has its secret.</summary>
    public static SessionKey Key(Identity own, Identity other)
    {
        // Tests that measure memory make thousands of identities, each for one packet.
        if (Keys.Count > MaxKeys)
            Keys.Clear();
        return Keys.GetOrAdd((own, other),
            static pair => SessionKey.TryAgree(pair.Item1, pair.Item2, out var key) ? key : throw new InvalidOperationException("The identities agree on no key."));
    }

    /// <summary>An authentic packet.</summary>
    public static byte[] Packet(Identity from, Identity to, Verb verb, Writing write, int hops = 0, CipherSuite? suite = null)
    {
        var buffer = new byte[PacketFormat.MaxPacketBytes];
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        write(ref writer);
        return writer.Failed ? throw new ArgumentException("The payload is too long.", nameof(write)) : Seal(from, to, verb, buffer, writer.Position, hops, suite, tail: null);
    }

    /// <summary>A HELLO, with moons in its encrypted end.</summary>
    public static byte[] Hello(Identity from, Identity to, long nowMs, World planet, InetEndpoint sentTo = default, WorldStamp[]? moons = null, int hops = 0)
    {
        var buffer = new byte[PacketFormat.MaxPacketBytes];
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        var identity = new byte[Identity.BinarySize];
        from.Write(identity);
        new HelloMessage
        {
            Version = new NodeVersion(NodeVersion.CurrentProtocol, 1, 14, 1),
            Timestamp = nowMs,
            Identity = identity,
            SentTo = sentTo,
            Planet = new WorldStamp(WorldType.Planet, planet.Id, planet.Timestamp),
        }.Write(ref writer);
        var tail = writer.Position;
        MoonStampList.Write(ref writer, moons ?? []);
        return Seal(from, to, Verb.Hello, buffer, writer.Position, hops, CipherSuite.Poly1305, tail);
    }

    /// <summary>Authenticates and decrypts a packet in place.</summary>
    public static bool TryOpen(Identity reader, Identity sender, Span<byte> packet) => Key(reader, sender).TryDearmor(packet);

    private static byte[] Seal(Identity from, Identity to, Verb verb, byte[] buffer, int payloadBytes, int hops, CipherSuite? suite, int? tail)
    {
        var id = (ulong)Interlocked.Add(ref _nextPacketId, 0x0001_0003_0000_0001);
        var packet = new PacketBuilder(buffer, PacketFormat.HeaderBytes, payloadBytes).Seal(id, to.Address, from.Address, verb, PacketFormat.MaxPacketBytes);
        var key = Key(from, to);
        if (tail is { } start)
            key.CryptHelloTail(packet, PacketFormat.HeaderBytes + start);
        key.Armor(packet, suite ?? (verb == Verb.Hello ? CipherSuite.Poly1305 : CipherSuite.Salsa2012Poly1305));
        var bytes = packet.ToArray();
        for (var i = 0; i < hops; i++)
            PacketHeader.TryIncrementHops(bytes, PacketFormat.MaxHops);
        return bytes;
    }
}
