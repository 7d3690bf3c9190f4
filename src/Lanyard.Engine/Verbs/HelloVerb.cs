using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>
/// Answers HELLO, the one packet that is read without knowing its sender: it carries the identity that its key is derived from. <see cref="PeerAdmission"/> checks the
/// identity first.
/// </summary>
internal sealed class HelloVerb(
    NodeContext context, RootTable roots, PacketSender sender, OwnEndpoints endpoints, PathKeeper paths, AnsweredRequests answered)
{
    // What an OK has in front of the worlds, at most.
    private const int MaxOkBytes = OkMessage.HeaderBytes + 48;
    private const int MaxMoonStamps = 64;

    private readonly byte[] _worlds = new byte[PacketFormat.MaxPayloadBytes];

    /// <summary>Refuses a HELLO because another identity has the sender's address (ERROR, IDENTITY_COLLISION).</summary>
    public void RefuseCollision(long nowMs, Peer stranger, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> bytes)
    {
        if (!PacketView.TryParse(bytes, out var packet))
            return;
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ErrorMessage { InReVerb = Verb.Hello, InRePacketId = packet.PacketId, Code = ErrorCode.IdentityCollision }.Write(ref writer);
        sender.SendTo(nowMs, stranger, localSocket, endpoint, buffer.Complete(Verb.Error, writer));
    }

    /// <summary>Answers a HELLO that is encrypted. Nodes send none, but the protocol permits it.</summary>
    public VerbOutcome ReceiveAuthenticated(in IncomingPacket incoming)
    {
        if (!HelloMessage.TryParse(incoming.Payload, out var hello) || hello.Version.Protocol < NodeVersion.MinProtocol
            || !Identity.TryRead(hello.Identity, out var identity, out _) || !identity.Equals(incoming.Peer.Identity))
            return VerbOutcome.Malformed;
        Answer(incoming, hello);
        return VerbOutcome.Accepted;
    }

    /// <summary>Processes and answers an authentic HELLO.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The sender; it need not be in the table of peers.</param>
    /// <param name="localSocket">The local socket that received it.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="bytes">The packet. Its encrypted part is decrypted in place.</param>
    /// <returns>False if it is malformed or a duplicate.</returns>
    public bool TryAnswer(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Span<byte> bytes)
    {
        if (!PacketView.TryParse(bytes, out var packet) || !HelloMessage.TryParse(packet.Payload, out var hello))
            return false;
        peer.NoteReceivedBytes(bytes.Length);
        context.Counters.NoteReceived(Verb.Hello);
        var incoming = IncomingPacket.Of(nowMs, peer, localSocket, endpoint, packet, packet.Payload);
        if (!answered.TryAdd(peer.Address, packet.PacketId))
        {
            context.Counters.Drop(DropReason.DuplicateRequest);
            return false;
        }

        if (hello.Tail.Length > 0)
            peer.Key.CryptHelloTail(bytes, PacketFormat.HeaderBytes + hello.TailStart);
        Answer(incoming, hello);
        paths.NoteReceived(incoming, isMember: false);
        return true;
    }

    private void Answer(in IncomingPacket incoming, in HelloMessage hello)
    {
        if (!hello.SentTo.IsNone && incoming.IsDirect)
            endpoints.Report(incoming, hello.SentTo);
        incoming.Peer.SetVersion(hello.Version);

        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.Hello, InRePacketId = incoming.PacketId }.Write(ref writer);
        new OkHelloMessage
        {
            Timestamp = hello.Timestamp,
            Version = context.Version,
            SentTo = incoming.Endpoint,
            Worlds = _worlds.AsSpan(0, WriteNewerWorlds(hello, sender.MaxReplyBytes(incoming) - MaxOkBytes)),
        }.Write(ref writer);
        if (!writer.Failed)
            sender.Reply(incoming, buffer.Complete(Verb.Ok, writer));
    }

    // The planet and the moons of which the peer has an older version than this node, as far as there is room.
    private int WriteNewerWorlds(in HelloMessage hello, int room)
    {
        var writer = new ByteWriter(_worlds.AsSpan(0, Math.Clamp(room, 0, _worlds.Length)));
        var written = 0;
        if (roots.Planet is { } planet && hello.Planet.Id == planet.Id && hello.Planet.Timestamp < planet.Timestamp)
        {
            planet.Write(ref writer);
            written = writer.Failed ? 0 : writer.Position;
        }

        if (writer.Failed || !MoonStampList.TryParse(hello.Tail, out var stamps))
            return written;
        foreach (var moon in roots.Moons)
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
