using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>
/// HELLO: the one packet that is read without knowing its sender, since it carries the identity that its key comes from. What it says is believed once the
/// identity was checked, outside of the node (<see cref="IdentityChecks"/>).
/// </summary>
internal sealed class HelloVerb(Node node)
{
    // What an OK has in front of the worlds, at most.
    private const int MaxOkBytes = OkMessage.HeaderBytes + 48;
    private const int MaxMoonStamps = 64;

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

        if (node.Topology.FindKnown(packet.Source) is { } peer && peer.Identity.Equals(identity))
        {
            if (peer.Key.TryDearmor(bytes))
                Receive(nowMs, peer, localSocket, endpoint, bytes, packet, hello);
            else
                node.Counters.Drop(DropReason.BadMac);
            return;
        }

        // The same HELLO often comes twice, over two paths; the second waits for what is found of the first.
        if (node.Checks.IsPending(identity))
        {
            node.Waiting.Add(nowMs, packet.Source, localSocket, endpoint, bytes, isAuthenticated: false);
            return;
        }

        PeerState? saved = null;
        if (node.Topology.TryLoad(packet.Source, out var found) && found.Identity.Equals(identity))
            saved = found;
        if (!node.Checks.TryAddHello(nowMs, identity, saved, packet.Hops > 0, localSocket, endpoint, bytes))
            node.Counters.Drop(DropReason.RateLimited);
    }

    /// <summary>Takes a HELLO that the check of its identity found authentic.</summary>
    public void ReceiveChecked(long nowMs, Peer peer, IdentityCheck check)
    {
        if (PacketView.TryParse(check.Packet, out var packet) && HelloMessage.TryParse(packet.Payload, out var hello))
            Receive(nowMs, peer, check.LocalSocket, check.Endpoint, check.Packet, packet, hello);
    }

    /// <summary>Answers a HELLO that is authentic and whose identity was not compared with its hash yet: its sender is no peer, and has to answer in turn.</summary>
    public void AnswerUnchecked(long nowMs, Peer candidate, IdentityCheck check)
    {
        if (PacketView.TryParse(check.Packet, out var packet) && HelloMessage.TryParse(packet.Payload, out var hello))
            TryAnswer(nowMs, candidate, check.LocalSocket, check.Endpoint, check.Packet, packet, hello);
    }

    /// <summary>Tells the sender of a HELLO that another node has its address.</summary>
    public void RefuseCollision(long nowMs, IdentityCheck check)
    {
        if (!PacketView.TryParse(check.Packet, out var packet))
            return;
        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ErrorMessage { InReVerb = Verb.Hello, InRePacketId = packet.PacketId, Code = ErrorCode.IdentityCollision }.Write(ref writer);
        var stranger = node.Topology.NewPeer(check.Identity, check.Key!);
        node.Outbound.SendTo(nowMs, stranger, check.LocalSocket, check.Endpoint, buffer.Complete(Verb.Error, writer));
    }

    /// <summary>Takes a HELLO that came encrypted, as no node sends it but none may be refused for it.</summary>
    public VerbOutcome ReceiveAuthenticated(in IncomingPacket incoming)
    {
        if (!HelloMessage.TryParse(incoming.Payload, out var hello) || hello.Version.Protocol < NodeVersion.MinProtocol
            || !Identity.TryRead(hello.Identity, out var identity, out _) || !identity.Equals(incoming.Peer.Identity))
            return VerbOutcome.Malformed;
        Answer(incoming, hello);
        return VerbOutcome.Accepted;
    }

    // Its sender is known and it is authentic.
    private void Receive(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet, in HelloMessage hello)
    {
        if (TryAnswer(nowMs, peer, localSocket, endpoint, bytes, packet, hello))
            node.PeerBecameKnown(nowMs, peer);
    }

    private bool TryAnswer(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet, in HelloMessage hello)
    {
        peer.NoteReceivedBytes(bytes.Length);
        node.Counters.NoteReceived(Verb.Hello);
        var incoming = new IncomingPacket
        {
            NowMs = nowMs,
            Peer = peer,
            LocalSocket = localSocket,
            Endpoint = endpoint,
            Path = packet.Hops == 0 ? peer.FindPath(localSocket, endpoint) : null,
            Hops = packet.Hops,
            PacketId = packet.PacketId,
            Verb = Verb.Hello,
            Payload = packet.Payload,
            Packet = packet.Bytes,
        };
        if (!node.Answered.TryAdd(peer.Address, packet.PacketId))
        {
            node.Counters.Drop(DropReason.DuplicateRequest);
            return false;
        }

        if (hello.Tail.Length > 0)
            peer.Key.CryptHelloTail(bytes, PacketFormat.HeaderBytes + hello.TailStart);
        Answer(incoming, hello);
        node.Paths.NoteReceived(incoming, isMember: false);
        return true;
    }

    private void Answer(in IncomingPacket incoming, in HelloMessage hello)
    {
        if (!hello.SentTo.IsNone && incoming.IsDirect)
            node.Endpoints.Report(incoming, hello.SentTo);
        incoming.Peer.SetVersion(hello.Version);

        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.Hello, InRePacketId = incoming.PacketId }.Write(ref writer);
        new OkHelloMessage
        {
            Timestamp = hello.Timestamp,
            Version = node.Version,
            SentTo = incoming.Endpoint,
            Worlds = _worlds.AsSpan(0, WriteNewerWorlds(hello, node.Outbound.MaxReplyBytes(incoming) - MaxOkBytes)),
        }.Write(ref writer);
        if (!writer.Failed)
            node.Outbound.Reply(incoming, buffer.Complete(Verb.Ok, writer));
    }

    // The planet and the moons of which the peer has an older version than this node, as far as there is room.
    private int WriteNewerWorlds(in HelloMessage hello, int room)
    {
        var writer = new ByteWriter(_worlds.AsSpan(0, Math.Clamp(room, 0, _worlds.Length)));
        var written = 0;
        if (node.Topology.Planet is { } planet && hello.Planet.Id == planet.Id && hello.Planet.Timestamp < planet.Timestamp)
        {
            planet.Write(ref writer);
            written = writer.Failed ? 0 : writer.Position;
        }

        if (writer.Failed || !MoonStampList.TryParse(hello.Tail, out var stamps))
            return written;
        foreach (var moon in node.Topology.Moons)
        {
            if (!IsOlder(stamps, moon))
                continue;
            moon.Write(ref writer);
            if (writer.Failed)
                break;
            written = writer.Position;
        }

        return written;
    }

    // Whether the first mention of a moon, if there is one, is older than what this node has.
    private static bool IsOlder(in MoonStampList stamps, World moon)
    {
        for (var i = 0; i < Math.Min(stamps.Count, MaxMoonStamps); i++)
        {
            if (stamps[i].Type == WorldType.Moon && stamps[i].Id == moon.Id)
                return stamps[i].Timestamp < moon.Timestamp;
        }

        return false;
    }
}
