using System.Buffers;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>
/// Gets packets to their destination: directly where there is a good path, else through the best root, else, for a while, into a queue.
/// Packets are built and encrypted in the buffer that the payload lies in, whose content is lost.
/// </summary>
internal sealed class Outbound(Node node)
{
    private const long QueueLifeMs = 5_000;
    private const long OldPathProbeMs = 1_000;

    private readonly LinkedList<QueuedPacket> _queue = new();
    private readonly byte[] _compression = new byte[PacketFormat.MaxPacketBytes];
    private readonly byte[] _identity = PublicBytes(node.Identity);
    private readonly PacketIds _packetIds = new(node.Secrets.PacketIdKey, node.Secrets.FirstPacket);
    private int _multicastQueued;

    /// <summary>
    /// Sends a payload that lies in a buffer with at least <see cref="PacketFormat.HeaderBytes"/> in front of it and
    /// <see cref="PacketSplitter.MaxAddedBytes"/> behind it.
    /// </summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="destination">The receiver.</param>
    /// <param name="verb">The verb.</param>
    /// <param name="buffer">The buffer.</param>
    /// <param name="start">Where the payload begins in it.</param>
    /// <param name="length">The payload's length.</param>
    /// <param name="compress">Whether to compress where that helps.</param>
    /// <param name="subject">The <see cref="OutstandingRequest.Subject"/> of a request; 0 otherwise.</param>
    /// <param name="reason">Why the receiver's identity is wanted where it is not known.</param>
    public void Send(long nowMs, NodeAddress destination, Verb verb, Span<byte> buffer, int start, int length, bool compress = false, ulong subject = 0,
        WhoisReason reason = WhoisReason.Own)
    {
        if (destination == node.Address)
        {
            node.Counters.Drop(DropReason.OwnAddress);
            return;
        }

        var packet = new OutgoingPayload(verb, length, compress, subject, IsForStranger: false);
        var peer = node.Topology.Find(nowMs, destination);
        if (peer is null)
        {
            Enqueue(nowMs, destination, packet, buffer.Slice(start, length), reason == WhoisReason.Multicast);
            node.Whois.Request(nowMs, destination, reason);
            return;
        }

        if (!TrySend(nowMs, peer, packet, buffer, start))
            Enqueue(nowMs, destination, packet, buffer.Slice(start, length), reason == WhoisReason.Multicast);
    }

    /// <summary>Sends a packet to a known peer.</summary>
    public void Send(long nowMs, Peer peer, Verb verb, Span<byte> buffer, int start, int length, bool compress = false)
    {
        var packet = new OutgoingPayload(verb, length, compress, Subject: 0, IsForStranger: false);
        if (!TrySend(nowMs, peer, packet, buffer, start))
            Enqueue(nowMs, peer.Address, packet, buffer.Slice(start, length), isMulticast: false);
    }

    /// <summary>Sends a request to a peer that is known, if there is a way to it; it is not queued.</summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="peer">The receiver.</param>
    /// <param name="verb">The verb.</param>
    /// <param name="buffer">The buffer.</param>
    /// <param name="start">Where the payload begins in it.</param>
    /// <param name="length">The payload's length.</param>
    /// <param name="subject">The <see cref="OutstandingRequest.Subject"/> of the request.</param>
    /// <param name="isForStranger">Whether a stranger caused it.</param>
    public void SendRequest(long nowMs, Peer peer, Verb verb, Span<byte> buffer, int start, int length, ulong subject, bool isForStranger) =>
        TrySend(nowMs, peer, new OutgoingPayload(verb, length, Compress: false, subject, isForStranger), buffer, start);

    /// <summary>
    /// Sends a payload the way that a packet came: to where it came from, relayed if it was. Where no path confirms that endpoint, at most three bytes go there
    /// for each that came from the peer; more is dropped.
    /// </summary>
    public void Reply(in Incoming incoming, Verb verb, Span<byte> buffer, int start, int length)
    {
        if (!TryCharge(incoming.Peer, incoming.Peer, incoming.Endpoint, PacketFormat.HeaderBytes + length))
            return;
        SendTo(incoming.NowMs, incoming.Peer, incoming.LocalSocket, incoming.Endpoint, verb, buffer, start, length);
        incoming.Peer.FindPath(incoming.LocalSocket, incoming.Endpoint)?.NoteReplied(incoming.NowMs);
    }

    /// <summary>How long a reply's payload may be at most.</summary>
    public int MaxReplyBytes(in Incoming incoming)
    {
        if (node.Topology.IsConfirmed(incoming.Peer, incoming.Endpoint))
            return PacketFormat.MaxPayloadBytes;
        return Math.Clamp(incoming.Peer.UnprovenBytes - PacketFormat.HeaderBytes, 0, PacketFormat.MaxPayloadBytes);
    }

    /// <summary>Sends a payload to a physical endpoint: one of the peer's paths, or one that its own packets have paid for.</summary>
    public void SendTo(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Verb verb, Span<byte> buffer, int start, int length)
    {
        var builder = new PacketBuilder(buffer, start, length);
        var packet = builder.Seal(_packetIds.Next(), peer.Address, node.Address, verb, node.MtuTo(endpoint.Address));
        peer.Key.Armor(packet, CipherSuites.For(verb, peer.Protocol));
        NoteRequest(nowMs, peer, localSocket, endpoint, new OutgoingPayload(verb, length, Compress: false, Subject: 0, IsStranger(nowMs, peer)), packet);
        Emit(localSocket, endpoint, buffer[builder.Start..], packet.Length);
    }

    /// <summary>Introduces this node to a peer: at an endpoint, or through a root where none is given.</summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="endpoint">Where to; none for the way through a root.</param>
    /// <param name="chargedTo">Whose packets caused it, and must permit it; null where this node does it on its own account.</param>
    public void SendHello(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Peer? chargedTo = null)
    {
        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        new HelloMessage
        {
            Version = node.Version,
            Timestamp = nowMs,
            Identity = _identity,
            SentTo = endpoint,
            Planet = new WorldStamp(WorldType.Planet, node.Topology.Planet?.Id ?? 0, node.Topology.Planet?.Timestamp ?? 0),
        }.Write(ref writer);
        var tail = writer.Position;
        WriteMoons(ref writer);
        if (!endpoint.IsNone && !TryCharge(chargedTo, peer, endpoint, PacketFormat.HeaderBytes + writer.Position))
        {
            node.ReturnBuffer(buffer);
            return;
        }

        var packet = new PacketBuilder(buffer, PacketFormat.HeaderBytes, writer.Position)
            .Seal(_packetIds.Next(), peer.Address, node.Address, Verb.Hello, node.MtuTo(endpoint.Address));
        peer.Key.CryptHelloTail(packet, PacketFormat.HeaderBytes + tail);
        peer.Key.Armor(packet, CipherSuite.Poly1305);
        var payload = new OutgoingPayload(Verb.Hello, writer.Position, Compress: false, Subject: 0, IsStranger(nowMs, peer));
        if (!endpoint.IsNone)
        {
            NoteRequest(nowMs, peer, localSocket, endpoint, payload, packet);
            Emit(localSocket, endpoint, buffer, packet.Length);
            if (peer.FindPath(localSocket, endpoint) is { } path)
                NoteSent(nowMs, peer, path);
        }
        else if (FindRoute(nowMs, peer) is { } route)
        {
            NoteRequest(nowMs, peer, route.Path.LocalSocket, route.Path.Endpoint, payload, packet);
            Emit(route.Path.LocalSocket, route.Path.Endpoint, buffer, packet.Length);
            NoteSent(nowMs, route.Via, route.Path);
        }

        peer.LastHelloMs = nowMs;
        node.ReturnBuffer(buffer);
    }

    /// <summary>Asks a peer at an endpoint for a sign of life: an ECHO, or a HELLO where its version is not known.</summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="endpoint">Where to.</param>
    /// <param name="chargedTo">Whose packets caused it, and must permit it; null where this node does it on its own account.</param>
    public void Probe(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Peer? chargedTo = null)
    {
        if (peer.Protocol == 0)
        {
            SendHello(nowMs, peer, localSocket, endpoint, chargedTo);
            return;
        }

        if (!TryCharge(chargedTo, peer, endpoint, PacketFormat.HeaderBytes + sizeof(long)))
            return;

        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        writer.WriteInt64(nowMs);
        SendTo(nowMs, peer, localSocket, endpoint, Verb.Echo, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
    }

    /// <summary>Asks a peer over a known path for a sign of life.</summary>
    public void Probe(long nowMs, Peer peer, Path path) => Probe(nowMs, peer, path.LocalSocket, path.Endpoint);

    /// <summary>Passes on a datagram as it is.</summary>
    public void Relay(long nowMs, Peer via, Path path, ReadOnlySpan<byte> datagram)
    {
        SendDatagram(path.LocalSocket, path.Endpoint, datagram);
        node.Counters.PacketsRelayed++;
        NoteSent(nowMs, via, path);
    }

    /// <summary>Sends what waits for a peer that is known now, or reachable now.</summary>
    public void Flush(long nowMs, Peer peer)
    {
        for (var entry = _queue.First; entry is not null;)
        {
            var next = entry.Next;
            if (entry.Value.Destination == peer.Address && TrySendQueued(nowMs, peer, entry.Value))
                Remove(entry);
            entry = next;
        }
    }

    /// <summary>Tries all that waits, and gives up what waited too long.</summary>
    public void Poll(long nowMs)
    {
        for (var entry = _queue.First; entry is not null;)
        {
            var next = entry.Next;
            if (node.Topology.FindKnown(entry.Value.Destination) is { } peer && TrySendQueued(nowMs, peer, entry.Value))
            {
                Remove(entry);
            }
            else if (nowMs - entry.Value.QueuedMs > QueueLifeMs)
            {
                node.Counters.Drop(peerKnown(entry.Value) ? DropReason.NoPath : DropReason.QueueExpired);
                Remove(entry);
            }

            entry = next;
        }

        bool peerKnown(QueuedPacket packet) => node.Topology.FindKnown(packet.Destination) is not null;
    }

    public bool HasQueued => _queue.Count > 0;

    /// <summary>The way to a peer now: one of its own paths, or one to a root that relays.</summary>
    public PeerRoute? FindRoute(long nowMs, Peer peer)
    {
        if (peer.BestPath(nowMs) is { } path)
            return new PeerRoute(peer, path);

        // A path that has been silent may be gone: what is sent goes by relay until it has answered, which takes a round trip.
        if (peer.PathCount > 0 && peer.OldPathProbe.TryPass(nowMs, OldPathProbeMs))
        {
            foreach (var old in peer.Paths)
                Probe(nowMs, peer, old);
        }

        if (node.Topology.BestRoot(nowMs, except: peer.Address) is { } root && root.BestPath(nowMs) is { } relay)
            return new PeerRoute(root, relay);
        return peer.BestPathOfAll(nowMs) is { } last ? new PeerRoute(peer, last) : null;
    }

    private bool TrySend(long nowMs, Peer peer, in OutgoingPayload payload, Span<byte> buffer, int start)
    {
        var found = FindRoute(nowMs, peer);
        var isDirect = found is { } way && ReferenceEquals(way.Via, peer);
        if (!isDirect && node.Options.PeerHints.Count > 0)
            node.Contacts.TryHints(nowMs, peer);
        if (found is not { } route)
            return false;

        // A peer that has never heard of us cannot read what we send. A HELLO in front spares it asking a root who we are.
        if (peer.LastReceivedMs < 0 && peer.FirstHello.TryPass(nowMs, 1_000))
            SendHello(nowMs, peer, -1, default);

        var builder = new PacketBuilder(buffer, start, payload.Length);
        if (payload.Compress)
            builder.TryCompress(_compression);
        var packet = builder.Seal(_packetIds.Next(), peer.Address, node.Address, payload.Verb, node.MtuTo(route.Path.Endpoint.Address));
        if (isDirect && node.TrustedPathTo(route.Path.Endpoint.Address) is var trusted and not 0)
            PacketHeader.SetTrustedPath(packet, trusted);
        else
            peer.Key.Armor(packet, CipherSuites.For(payload.Verb, peer.Protocol));
        NoteRequest(nowMs, peer, route.Path.LocalSocket, route.Path.Endpoint, payload, packet);
        if (isDirect && peer.Newcomer.TryTake(nowMs, route.Path, packet.Length, out var socket, out var endpoint))
            Emit(route.Path.LocalSocket, route.Path.Endpoint, buffer[builder.Start..], packet.Length, (socket, endpoint));
        else
            Emit(route.Path.LocalSocket, route.Path.Endpoint, buffer[builder.Start..], packet.Length);
        NoteSent(nowMs, route.Via, route.Path);
        return true;
    }

    private bool TrySendQueued(long nowMs, Peer peer, QueuedPacket packet)
    {
        var buffer = node.RentBuffer();
        packet.Bytes.AsSpan(0, packet.Payload.Length).CopyTo(buffer.AsSpan(PacketFormat.HeaderBytes));
        var sent = TrySend(nowMs, peer, packet.Payload, buffer, PacketFormat.HeaderBytes);
        node.ReturnBuffer(buffer);
        return sent;
    }

    // Copies of multicast frames to nodes that others named have half of the queue at most, and make way for one another only.
    private void Enqueue(long nowMs, NodeAddress destination, in OutgoingPayload payload, ReadOnlySpan<byte> bytes, bool isMulticast)
    {
        if (isMulticast && _multicastQueued >= node.Options.MaxQueuedPackets / 2)
            DropFirst(ofMulticast: true);
        else if (_queue.Count >= node.Options.MaxQueuedPackets)
            DropFirst(ofMulticast: _multicastQueued > 0);
        var copy = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(copy);
        _queue.AddLast(new QueuedPacket(destination, payload, copy, isMulticast, nowMs));
        _multicastQueued += isMulticast ? 1 : 0;
    }

    private void DropFirst(bool ofMulticast)
    {
        node.Counters.Drop(DropReason.QueueExpired);
        for (var entry = _queue.First; entry is not null; entry = entry.Next)
        {
            if (entry.Value.IsMulticast == ofMulticast)
            {
                Remove(entry);
                return;
            }
        }
    }

    // Whether a datagram may go to an endpoint: one that answered, or one for which the packets of whoever caused it pay.
    private bool TryCharge(Peer? chargedTo, Peer peer, in InetEndpoint endpoint, int bytes)
    {
        if (chargedTo is null || node.Topology.IsConfirmed(peer, endpoint) || chargedTo.TrySpendUnproven(bytes))
            return true;
        node.Counters.Drop(DropReason.UnprovenEndpoint);
        return false;
    }

    private bool IsStranger(long nowMs, Peer peer) =>
        !peer.SharesNetwork(nowMs) && !peer.IsInUse(nowMs) && !node.Topology.IsRoot(peer.Address) && !node.IsController(peer.Address);

    private static byte[] PublicBytes(Identity identity)
    {
        var bytes = new byte[Identity.BinarySize];
        identity.Write(bytes);
        return bytes;
    }

    private void Remove(LinkedListNode<QueuedPacket> entry)
    {
        ArrayPool<byte>.Shared.Return(entry.Value.Bytes);
        _multicastQueued -= entry.Value.IsMulticast ? 1 : 0;
        _queue.Remove(entry);
    }

    private void WriteMoons(ref ByteWriter writer)
    {
        var moons = node.Topology.Moons;
        var stamps = new WorldStamp[moons.Count + node.Topology.WantedMoons.Count];
        var count = 0;
        foreach (var moon in moons)
            stamps[count++] = new WorldStamp(WorldType.Moon, moon.Id, moon.Timestamp);
        foreach (var wanted in node.Topology.WantedMoons.Keys)
            stamps[count++] = new WorldStamp(WorldType.Moon, wanted, 0);
        MoonStampList.Write(ref writer, stamps);
    }

    // Only what is answered is remembered: the packet ID is what it is on the wire, after encryption.
    private void NoteRequest(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, in OutgoingPayload payload, ReadOnlySpan<byte> packet)
    {
        node.Counters.NoteSent(payload.Verb);
        if (payload.Verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.NetworkConfigRequest or Verb.MulticastGather or Verb.NetworkConfig)
        {
            node.Requests.Add(PacketHeader.GetPacketId(packet),
                new OutstandingRequest(payload.Verb, peer.Address, localSocket, endpoint, nowMs, payload.Subject), payload.IsForStranger);
        }
    }

    private void NoteSent(long nowMs, Peer peer, Path path)
    {
        if (!path.NoteSent(nowMs))
            return;
        node.Liveness.Watch(peer, path);
        node.Paths.MeasureAtFirst(nowMs, peer, path);
    }

    // The packet lies at the beginning of the buffer, with room behind it.
    private void Emit(int localSocket, in InetEndpoint endpoint, Span<byte> buffer, int packetBytes, (int LocalSocket, InetEndpoint Endpoint)? copyTo = null)
    {
        var total = PacketSplitter.Split(buffer, packetBytes, node.MtuTo(endpoint.Address), out var datagramBytes);
        for (var offset = 0; offset < total; offset += datagramBytes)
        {
            var datagram = buffer[offset..Math.Min(offset + datagramBytes, total)];
            SendDatagram(localSocket, endpoint, datagram);
            if (copyTo is { } copy)
                SendDatagram(copy.LocalSocket, copy.Endpoint, datagram);
        }
    }

    private void SendDatagram(int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> datagram)
    {
        node.Counters.DatagramsSent++;
        node.Counters.BytesSent += datagram.Length;
        node.Host.SendDatagram(localSocket, endpoint, datagram, timeToLive: 0);
    }

    private readonly record struct OutgoingPayload(Verb Verb, int Length, bool Compress, ulong Subject, bool IsForStranger);

    private readonly record struct QueuedPacket(NodeAddress Destination, OutgoingPayload Payload, byte[] Bytes, bool IsMulticast, long QueuedMs);
}

/// <summary>A way to a peer: over a path of <paramref name="Via"/>, which is the peer itself or a root.</summary>
internal readonly record struct PeerRoute(Peer Via, Path Path);
