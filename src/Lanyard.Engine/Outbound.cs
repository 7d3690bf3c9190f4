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

    /// <summary>Sends a packet: directly, by a root, or, if there is no way yet, from the queue within five seconds. Looks up the receiver's identity if it is not known.</summary>
    public void Send(long nowMs, NodeAddress destination, in OutgoingPacket packet)
    {
        if (destination == node.Address)
        {
            node.Counters.Drop(DropReason.OwnAddress);
            return;
        }

        if (node.Topology.Find(nowMs, destination) is { } peer)
        {
            Send(nowMs, peer, packet);
            return;
        }

        Enqueue(nowMs, destination, new OutgoingPayload(packet, isForStranger: false), packet.Payload, packet.Reason == WhoisReason.Multicast);
        node.Whois.Request(nowMs, destination, packet.Reason);
    }

    /// <summary>Sends a packet to a known peer.</summary>
    public void Send(long nowMs, Peer peer, in OutgoingPacket packet)
    {
        var payload = new OutgoingPayload(packet, isForStranger: false);
        if (!TrySend(nowMs, peer, payload, packet.Buffer, packet.Start))
            Enqueue(nowMs, peer.Address, payload, packet.Payload, packet.Reason == WhoisReason.Multicast);
    }

    /// <summary>Sends a request to a known peer if there is a way to it; it is not queued.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The receiver.</param>
    /// <param name="packet">The request.</param>
    /// <param name="isForStranger">Whether a stranger caused it.</param>
    public void SendRequest(long nowMs, Peer peer, in OutgoingPacket packet, bool isForStranger) =>
        TrySend(nowMs, peer, new OutgoingPayload(packet, isForStranger), packet.Buffer, packet.Start);

    /// <summary>
    /// Sends a reply to the endpoint that a packet came from: the peer's, or the relaying root's. If no path confirms the endpoint, at most three bytes are sent for
    /// each byte received from the peer; further replies are dropped.
    /// </summary>
    public void Reply(in IncomingPacket incoming, in OutgoingPacket packet)
    {
        if (!TryCharge(incoming.Peer, incoming.Peer, incoming.Endpoint, PacketFormat.HeaderBytes + packet.Length))
            return;
        SendTo(incoming.NowMs, incoming.Peer, incoming.LocalSocket, incoming.Endpoint, packet);
        incoming.Peer.FindPath(incoming.LocalSocket, incoming.Endpoint)?.NoteReplied(incoming.NowMs);
    }

    /// <summary>Returns the maximum length of a reply's payload, in bytes.</summary>
    public int MaxReplyBytes(in IncomingPacket incoming)
    {
        if (node.Topology.IsConfirmed(incoming.Peer, incoming.Endpoint))
            return PacketFormat.MaxPayloadBytes;
        return Math.Clamp(incoming.Peer.UnprovenBytes - PacketFormat.HeaderBytes, 0, PacketFormat.MaxPayloadBytes);
    }

    /// <summary>Sends a payload to a physical endpoint: one of the peer's paths, or one that its own packets have paid for.</summary>
    public void SendTo(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, in OutgoingPacket packet)
    {
        var builder = new PacketBuilder(packet.Buffer, packet.Start, packet.Length);
        var bytes = builder.Seal(_packetIds.Next(), peer.Address, node.Address, packet.Verb, node.MtuTo(endpoint.Address));
        peer.Key.Armor(bytes, CipherSuites.For(packet.Verb, peer.Protocol));
        NoteRequest(nowMs, peer, localSocket, endpoint, new OutgoingPayload(packet, IsStranger(nowMs, peer)), bytes);
        Emit(localSocket, endpoint, packet.Buffer[builder.Start..], bytes.Length);
    }

    /// <summary>Sends HELLO to a peer, at an endpoint or through a root.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="endpoint">The destination; none to send through a root.</param>
    /// <param name="chargedTo">The peer whose packets caused it, and whose budget pays for it; null if this node is the cause.</param>
    public void SendHello(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Peer? chargedTo = null)
    {
        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
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
            return;

        var packet = new PacketBuilder(buffer.Bytes, PacketFormat.HeaderBytes, writer.Position)
            .Seal(_packetIds.Next(), peer.Address, node.Address, Verb.Hello, node.MtuTo(endpoint.Address));
        peer.Key.CryptHelloTail(packet, PacketFormat.HeaderBytes + tail);
        peer.Key.Armor(packet, CipherSuite.Poly1305);
        var payload = new OutgoingPayload(buffer.Complete(Verb.Hello, writer), IsStranger(nowMs, peer));
        if (!endpoint.IsNone)
        {
            NoteRequest(nowMs, peer, localSocket, endpoint, payload, packet);
            Emit(localSocket, endpoint, buffer.Bytes, packet.Length);
            if (peer.FindPath(localSocket, endpoint) is { } path)
                NoteSent(nowMs, peer, path);
        }
        else if (FindRoute(nowMs, peer) is { } route)
        {
            NoteRequest(nowMs, peer, route.Path.LocalSocket, route.Path.Endpoint, payload, packet);
            Emit(route.Path.LocalSocket, route.Path.Endpoint, buffer.Bytes, packet.Length);
            NoteSent(nowMs, route.Via, route.Path);
        }

        peer.LastHelloMs = nowMs;
    }

    /// <summary>Probes a peer at an endpoint: with ECHO, or with HELLO if its version is not known.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="endpoint">The destination.</param>
    /// <param name="chargedTo">The peer whose packets caused it, and whose budget pays for it; null if this node is the cause.</param>
    public void Probe(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Peer? chargedTo = null)
    {
        if (peer.Protocol == 0)
        {
            SendHello(nowMs, peer, localSocket, endpoint, chargedTo);
            return;
        }

        if (!TryCharge(chargedTo, peer, endpoint, PacketFormat.HeaderBytes + sizeof(long)))
            return;

        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        writer.WriteInt64(nowMs);
        SendTo(nowMs, peer, localSocket, endpoint, buffer.Complete(Verb.Echo, writer));
    }

    /// <summary>Probes a peer over a known path.</summary>
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
        if (payload.IsCompressible)
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
        using var buffer = node.Buffers.Rent();
        packet.Bytes.AsSpan(0, packet.Payload.Length).CopyTo(buffer.Bytes[PacketFormat.HeaderBytes..]);
        return TrySend(nowMs, peer, packet.Payload, buffer.Bytes, PacketFormat.HeaderBytes);
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

    /// <summary>What is to be known of a payload beside its bytes.</summary>
    private readonly struct OutgoingPayload(in OutgoingPacket packet, bool isForStranger)
    {
        public Verb Verb { get; } = packet.Verb;

        public int Length { get; } = packet.Length;

        public bool IsCompressible { get; } = packet.IsCompressible;

        public ulong Subject { get; } = packet.Subject;

        public bool IsForStranger { get; } = isForStranger;
    }

    private readonly record struct QueuedPacket(NodeAddress Destination, OutgoingPayload Payload, byte[] Bytes, bool IsMulticast, long QueuedMs);
}

/// <summary>A way to a peer: over a path of <paramref name="Via"/>, which is the peer itself or a root.</summary>
internal readonly record struct PeerRoute(Peer Via, Path Path);
