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
    private ulong _nextPacketId = node.Random.Next();

    /// <summary>
    /// Sends a payload that lies in a buffer with at least <see cref="PacketFormat.HeaderBytes"/> in front of it and
    /// <see cref="PacketSplitter.MaxAddedBytes"/> behind it.
    /// </summary>
    public void Send(long nowMs, NodeAddress destination, Verb verb, Span<byte> buffer, int start, int length, bool compress = false)
    {
        if (destination == node.Address)
        {
            node.Counters.Drop(DropReason.OwnAddress);
            return;
        }

        var peer = node.Topology.Find(nowMs, destination);
        if (peer is null)
        {
            Enqueue(nowMs, destination, verb, buffer.Slice(start, length), compress);
            node.Whois.Request(nowMs, destination);
            return;
        }

        if (!TrySend(nowMs, peer, verb, buffer, start, length, compress))
            Enqueue(nowMs, destination, verb, buffer.Slice(start, length), compress);
    }

    /// <summary>As <see cref="Send"/>, to a peer that is known.</summary>
    public void Send(long nowMs, Peer peer, Verb verb, Span<byte> buffer, int start, int length, bool compress = false)
    {
        if (!TrySend(nowMs, peer, verb, buffer, start, length, compress))
            Enqueue(nowMs, peer.Address, verb, buffer.Slice(start, length), compress);
    }

    /// <summary>Sends a payload the way that a packet came: to where it came from, relayed if it was.</summary>
    public void Reply(in Incoming incoming, Verb verb, Span<byte> buffer, int start, int length)
    {
        SendTo(incoming.NowMs, incoming.Peer, incoming.LocalSocket, incoming.Endpoint, verb, buffer, start, length);
        incoming.Peer.FindPath(incoming.LocalSocket, incoming.Endpoint)?.NoteReplied(incoming.NowMs);
    }

    /// <summary>Sends a payload to a physical endpoint that may or may not be a path of the peer's.</summary>
    public void SendTo(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Verb verb, Span<byte> buffer, int start, int length)
    {
        var builder = new PacketBuilder(buffer, start, length);
        var packet = builder.Seal(_nextPacketId++, peer.Address, node.Address, verb, node.MtuTo(endpoint.Address));
        peer.Key.Armor(packet, CipherSuites.For(verb, peer.Protocol));
        NoteRequest(verb, packet);
        Emit(localSocket, endpoint, buffer[builder.Start..], packet.Length);
    }

    /// <summary>Introduces this node to a peer: at an endpoint, or through a root where none is given.</summary>
    public void SendHello(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint)
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
        var packet = new PacketBuilder(buffer, PacketFormat.HeaderBytes, writer.Position)
            .Seal(_nextPacketId++, peer.Address, node.Address, Verb.Hello, node.MtuTo(endpoint.Address));
        peer.Key.CryptHelloTail(packet, PacketFormat.HeaderBytes + tail);
        peer.Key.Armor(packet, CipherSuite.Poly1305);
        NoteRequest(Verb.Hello, packet);
        if (!endpoint.IsNone)
        {
            Emit(localSocket, endpoint, buffer, packet.Length);
            if (peer.FindPath(localSocket, endpoint) is { } path)
                NoteSent(nowMs, peer, path);
        }
        else if (Route(nowMs, peer) is { } route)
        {
            Emit(route.Path.LocalSocket, route.Path.Endpoint, buffer, packet.Length);
            NoteSent(nowMs, route.Via, route.Path);
        }

        peer.LastHelloMs = nowMs;
        node.ReturnBuffer(buffer);
    }

    /// <summary>Asks a peer at an endpoint for a sign of life: an ECHO, or a HELLO where its version is not known.</summary>
    public void Probe(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint)
    {
        if (peer.Protocol == 0)
        {
            SendHello(nowMs, peer, localSocket, endpoint);
            return;
        }

        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        writer.WriteInt64(nowMs);
        SendTo(nowMs, peer, localSocket, endpoint, Verb.Echo, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
    }

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
    public Route? Route(long nowMs, Peer peer)
    {
        if (peer.BestPath(nowMs) is { } path)
            return new Route(peer, path);

        // A path that has been silent may be gone: what is sent goes by relay until it has answered, which takes a round trip.
        if (peer.PathCount > 0 && peer.OldPathProbe.TryPass(nowMs, OldPathProbeMs))
        {
            foreach (var old in peer.Paths)
                Probe(nowMs, peer, old.LocalSocket, old.Endpoint);
        }

        if (node.Topology.BestRoot(nowMs, except: peer.Address) is { } root && root.BestPath(nowMs) is { } relay)
            return new Route(root, relay);
        return peer.BestPathOfAll(nowMs) is { } last ? new Route(peer, last) : null;
    }

    private bool TrySend(long nowMs, Peer peer, Verb verb, Span<byte> buffer, int start, int length, bool compress)
    {
        var found = Route(nowMs, peer);
        var isDirect = found is { } way && ReferenceEquals(way.Via, peer);
        if (!isDirect && node.Options.PeerHints.Count > 0)
            node.Contacts.TryHints(nowMs, peer);
        if (found is not { } route)
            return false;

        // A peer that has never heard of us cannot read what we send. A HELLO in front spares it asking a root who we are.
        if (peer.LastReceivedMs < 0 && peer.FirstHello.TryPass(nowMs, 1_000))
            SendHello(nowMs, peer, -1, default);

        var builder = new PacketBuilder(buffer, start, length);
        if (compress)
            builder.TryCompress(_compression);
        var packet = builder.Seal(_nextPacketId++, peer.Address, node.Address, verb, node.MtuTo(route.Path.Endpoint.Address));
        if (isDirect && node.TrustedPathTo(route.Path.Endpoint.Address) is var trusted and not 0)
            PacketHeader.SetTrustedPath(packet, trusted);
        else
            peer.Key.Armor(packet, CipherSuites.For(verb, peer.Protocol));
        NoteRequest(verb, packet);
        Emit(route.Path.LocalSocket, route.Path.Endpoint, buffer[builder.Start..], packet.Length);
        NoteSent(nowMs, route.Via, route.Path);
        return true;
    }

    private bool TrySendQueued(long nowMs, Peer peer, QueuedPacket packet)
    {
        var buffer = node.RentBuffer();
        packet.Payload.AsSpan(0, packet.Length).CopyTo(buffer.AsSpan(PacketFormat.HeaderBytes));
        var sent = TrySend(nowMs, peer, packet.Verb, buffer, PacketFormat.HeaderBytes, packet.Length, packet.Compress);
        node.ReturnBuffer(buffer);
        return sent;
    }

    private void Enqueue(long nowMs, NodeAddress destination, Verb verb, ReadOnlySpan<byte> payload, bool compress)
    {
        if (_queue.Count >= node.Options.MaxQueuedPackets)
        {
            node.Counters.Drop(DropReason.QueueExpired);
            Remove(_queue.First!);
        }

        var copy = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(copy);
        _queue.AddLast(new QueuedPacket(destination, verb, copy, payload.Length, compress, nowMs));
    }

    private static byte[] PublicBytes(Identity identity)
    {
        var bytes = new byte[Identity.BinarySize];
        identity.Write(bytes);
        return bytes;
    }

    private void Remove(LinkedListNode<QueuedPacket> entry)
    {
        ArrayPool<byte>.Shared.Return(entry.Value.Payload);
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

    // Only what may be answered is remembered: frames would push everything else out.
    private void NoteRequest(Verb verb, ReadOnlySpan<byte> packet)
    {
        node.Counters.NoteSent(verb);
        if (verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.NetworkConfigRequest or Verb.MulticastGather or Verb.MulticastFrame or Verb.NetworkConfig)
            node.Replies.Expect(PacketHeader.GetPacketId(packet));
    }

    private void NoteSent(long nowMs, Peer peer, Path path)
    {
        if (path.NoteSent(nowMs))
            node.Liveness.Watch(peer, path);
    }

    // The packet lies at the beginning of the buffer, with room behind it.
    private void Emit(int localSocket, in InetEndpoint endpoint, Span<byte> buffer, int packetBytes)
    {
        var total = PacketSplitter.Split(buffer, packetBytes, node.MtuTo(endpoint.Address), out var datagramBytes);
        for (var offset = 0; offset < total; offset += datagramBytes)
            SendDatagram(localSocket, endpoint, buffer[offset..Math.Min(offset + datagramBytes, total)]);
    }

    private void SendDatagram(int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> datagram)
    {
        node.Counters.DatagramsSent++;
        node.Counters.BytesSent += datagram.Length;
        node.Host.SendDatagram(localSocket, endpoint, datagram, timeToLive: 0);
    }

    private readonly record struct QueuedPacket(NodeAddress Destination, Verb Verb, byte[] Payload, int Length, bool Compress, long QueuedMs);
}

/// <summary>A way to a peer: over a path of <paramref name="Via"/>, which is the peer itself or a root.</summary>
internal readonly record struct Route(Peer Via, Path Path);
