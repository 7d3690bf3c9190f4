using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>HELLO: the one packet that is read without knowing its sender, since it carries the identity that its key comes from.</summary>
internal sealed class HelloVerb(Node node)
{
    private const long CheckIntervalMs = 250;
    private const int CheckBurst = 4;
    private const int MaxSources = 4_096;

    // Agreeing on a key and hashing an identity cost milliseconds: each source address may cause it a few times a second, no more.
    private readonly Dictionary<InetAddress, TokenBucket> _checks = [];
    private readonly byte[] _worlds = new byte[PacketFormat.MaxPayloadBytes];

    /// <summary>Takes a HELLO whose sender is known or not.</summary>
    public void ReceiveInTheClear(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (!HelloMessage.TryParse(packet.Payload, out var hello) || !Identity.TryRead(hello.Identity, out var identity, out _) || identity.Address != packet.Source)
        {
            node.Counters.Drop(DropReason.Malformed);
            return;
        }

        if (hello.Version.Protocol < NodeVersion.MinProtocol)
        {
            node.Counters.Drop(DropReason.ProtocolTooOld);
            return;
        }

        var peer = node.Topology.Find(nowMs, packet.Source);
        if (peer is not null && peer.Identity.Equals(identity))
        {
            if (!peer.Key.TryDearmor(bytes))
            {
                node.Counters.Drop(DropReason.BadMac);
                return;
            }
        }
        else
        {
            if (!MayCheck(nowMs, endpoint.Address))
            {
                node.Counters.Drop(DropReason.RateLimited);
                return;
            }

            // The MAC first: it is cheaper to check than the identity.
            if (node.Topology.CreateKey(identity) is not { } key || !key.TryDearmor(bytes))
            {
                node.Counters.Drop(DropReason.BadMac);
                return;
            }

            if (peer is not null)
            {
                node.Counters.Drop(DropReason.IdentityCollision);
                RefuseCollision(identity, key, localSocket, endpoint, packet.PacketId);
                return;
            }

            if (!node.Options.ValidateIdentity(identity))
            {
                node.Counters.Drop(DropReason.InvalidIdentity);
                return;
            }

            peer = node.Topology.Add(identity, key);
        }

        node.Counters.PacketsReceived++;
        var incoming = new Incoming
        {
            NowMs = nowMs,
            Peer = peer,
            LocalSocket = localSocket,
            Endpoint = endpoint,
            Hops = packet.Hops,
            PacketId = packet.PacketId,
            Verb = Verb.Hello,
            Payload = packet.Payload,
            Packet = packet.Bytes,
        };
        if (hello.Tail.Length > 0)
            peer.Key.CryptHelloTail(bytes, PacketFormat.HeaderBytes + hello.TailStart);
        Answer(incoming, hello);
        node.PeerBecameKnown(nowMs, peer);
    }

    /// <summary>Takes a HELLO that came encrypted, as no node sends it but none may be refused for it.</summary>
    public bool ReceiveAuthenticated(in Incoming incoming)
    {
        if (!HelloMessage.TryParse(incoming.Payload, out var hello) || hello.Version.Protocol < NodeVersion.MinProtocol
            || !Identity.TryRead(hello.Identity, out var identity, out _) || !identity.Equals(incoming.Peer.Identity))
            return false;
        Answer(incoming, hello);
        return true;
    }

    private void Answer(in Incoming incoming, in HelloMessage hello)
    {
        if (!hello.SentTo.IsNone && incoming.IsDirect)
            node.NoteExternalAddress(incoming, hello.SentTo);
        incoming.Peer.SetVersion(hello.Version);

        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes, PacketFormat.MaxPayloadBytes));
        new OkMessage { InReVerb = Verb.Hello, InRePacketId = incoming.PacketId }.Write(ref writer);
        new OkHelloMessage
        {
            Timestamp = hello.Timestamp,
            Version = node.Version,
            SentTo = incoming.Endpoint,
            Worlds = _worlds.AsSpan(0, WriteNewerWorlds(hello)),
        }.Write(ref writer);
        if (!writer.Failed)
            node.Outbound.Reply(incoming, Verb.Ok, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
        node.NoteReceived(incoming);
    }

    // The planet and the moons of which the peer has an older version than this node.
    private int WriteNewerWorlds(in HelloMessage hello)
    {
        var writer = new ByteWriter(_worlds.AsSpan(0, _worlds.Length - 256));
        if (node.Topology.Planet is { } planet && hello.Planet.Id == planet.Id && hello.Planet.Timestamp < planet.Timestamp)
            planet.Write(ref writer);
        if (MoonStampList.TryParse(hello.Tail, out var stamps))
        {
            for (var i = 0; i < stamps.Count; i++)
            {
                var stamp = stamps[i];
                foreach (var moon in node.Topology.Moons)
                {
                    if (stamp.Type == WorldType.Moon && stamp.Id == moon.Id && stamp.Timestamp < moon.Timestamp)
                        moon.Write(ref writer);
                }
            }
        }

        return writer.Failed ? 0 : writer.Position;
    }

    private void RefuseCollision(Identity identity, SessionKey key, int localSocket, in InetEndpoint endpoint, ulong packetId)
    {
        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        new ErrorMessage { InReVerb = Verb.Hello, InRePacketId = packetId, Code = ErrorCode.IdentityCollision }.Write(ref writer);
        node.Outbound.SendTo(0, new Peer(identity, key, 1), localSocket, endpoint, Verb.Error, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
    }

    private bool MayCheck(long nowMs, InetAddress source)
    {
        // Roots relay for many: what comes through them counts as theirs, and they have their own say about rates.
        if (!_checks.TryGetValue(source, out var bucket))
        {
            if (_checks.Count >= MaxSources)
                _checks.Clear();
            bucket = new TokenBucket(CheckBurst, CheckIntervalMs);
        }

        var allowed = bucket.TryTake(nowMs);
        _checks[source] = bucket;
        return allowed;
    }
}
