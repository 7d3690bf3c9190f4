using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Wire.Crypto;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>
/// Seals packets and sends them to physical endpoints. Packets are built and encrypted in the buffer that the payload lies in, whose content is lost.
/// </summary>
internal sealed class PacketSender(NodeContext context, PeerTable peers, RootTable roots, PathPolicy policy, OutstandingRequests requests, WatchedPaths watched)
{
    private const int FirstLatencies = 4;

    private readonly byte[] _compression = new byte[PacketFormat.MaxPacketBytes];
    private readonly byte[] _identity = PublicBytes(context.Identity);
    private readonly ISealingHost? _sealingHost = context.Host as ISealingHost;
    private readonly PacketIds _packetIds = new(context.Secrets.PacketIdKey, context.Secrets.FirstPacket);

    /// <summary>Sends a packet over a route.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The receiver.</param>
    /// <param name="route">The route.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="isForStranger">Whether a stranger caused it.</param>
    public void Send(long nowMs, Peer peer, in PeerRoute route, in OutgoingPacket packet, bool isForStranger)
    {
        var isDirect = ReferenceEquals(route.Via, peer);
        var (localSocket, endpoint) = (route.Path.LocalSocket, route.Path.Endpoint);
        var builder = new PacketBuilder(packet.Buffer, packet.Start, packet.Length);
        if (packet.IsCompressible)
            builder.TryCompress(_compression);
        var bytes = builder.Seal(_packetIds.Next(), peer.Address, context.Address, packet.Verb, policy.MtuTo(endpoint.Address));
        if (isDirect && policy.TrustedPathTo(endpoint.Address) is var trusted and not 0)
        {
            PacketHeader.SetTrustedPath(bytes, trusted);
            NoteRequest(nowMs, peer, localSocket, endpoint, packet, isForStranger, bytes);
            Emit(localSocket, endpoint, packet.Buffer[builder.Start..], bytes.Length);
        }
        else if (isDirect && peer.Newcomer.TryTake(nowMs, route.Path, bytes.Length, out var socket, out var newcomer))
        {
            peer.Key.Armor(bytes, CipherSuites.For(packet.Verb, peer.Protocol));
            NoteRequest(nowMs, peer, localSocket, endpoint, packet, isForStranger, bytes);
            Emit(localSocket, endpoint, packet.Buffer[builder.Start..], bytes.Length, (socket, newcomer));
        }
        else
        {
            SealAndEmit(nowMs, peer, localSocket, endpoint, packet, isForStranger, builder.Start, bytes);
        }

        NoteSent(nowMs, route.Via, route.Path);
    }

    /// <summary>Sends a packet to a physical endpoint: one of the peer's paths, or one that its own packets have paid for.</summary>
    public void SendTo(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, in OutgoingPacket packet)
    {
        var builder = new PacketBuilder(packet.Buffer, packet.Start, packet.Length);
        var bytes = builder.Seal(_packetIds.Next(), peer.Address, context.Address, packet.Verb, policy.MtuTo(endpoint.Address));
        SealAndEmit(nowMs, peer, localSocket, endpoint, packet, peers.IsStranger(nowMs, peer), builder.Start, bytes);
    }

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
        if (policy.IsConfirmed(incoming.Peer, incoming.Endpoint))
            return PacketFormat.MaxPayloadBytes;
        return Math.Clamp(incoming.Peer.UnprovenBytes - PacketFormat.HeaderBytes, 0, PacketFormat.MaxPayloadBytes);
    }

    /// <summary>Sends HELLO to a peer at an endpoint.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="endpoint">The destination.</param>
    /// <param name="chargedTo">The peer whose packets caused it, and whose budget pays for it; null if this node is the cause.</param>
    public void SendHello(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Peer? chargedTo = null)
    {
        using var buffer = context.Buffers.Rent();
        var tail = WriteHello(nowMs, buffer, endpoint, out var packet);
        if (!TryCharge(chargedTo, peer, endpoint, PacketFormat.HeaderBytes + tail))
            return;
        SendHello(nowMs, peer, localSocket, endpoint, packet, tail);
        if (peer.FindPath(localSocket, endpoint) is { } path)
            NoteSent(nowMs, peer, path);
    }

    /// <summary>Sends HELLO to a peer over a route.</summary>
    public void SendHello(long nowMs, Peer peer, in PeerRoute route)
    {
        using var buffer = context.Buffers.Rent();
        var tail = WriteHello(nowMs, buffer, sentTo: default, out var packet);
        SendHello(nowMs, peer, route.Path.LocalSocket, route.Path.Endpoint, packet, tail);
        NoteSent(nowMs, route.Via, route.Path);
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

        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        writer.WriteInt64(nowMs);
        SendTo(nowMs, peer, localSocket, endpoint, buffer.Complete(Verb.Echo, writer));
    }

    /// <summary>Probes a peer over a known path.</summary>
    public void Probe(long nowMs, Peer peer, Path path) => Probe(nowMs, peer, path.LocalSocket, path.Endpoint);

    /// <summary>Probes a path that carries traffic until enough round-trip times are measured: the first one often includes a peer's start.</summary>
    public void MeasureAtFirst(long nowMs, Peer peer, Path path)
    {
        if (path.Latencies < FirstLatencies && peer.IsInUse(nowMs))
            Probe(nowMs, peer, path);
    }

    /// <summary>Forwards a datagram unchanged.</summary>
    public void Forward(long nowMs, in PeerRoute route, ReadOnlySpan<byte> datagram)
    {
        SendDatagram(route.Path.LocalSocket, route.Path.Endpoint, datagram);
        context.Counters.PacketsRelayed++;
        NoteSent(nowMs, route.Via, route.Path);
    }

    private static byte[] PublicBytes(Identity identity)
    {
        var bytes = new byte[Identity.BinarySize];
        identity.Write(bytes);
        return bytes;
    }

    // Returns the length of the part of the payload that is not encrypted.
    private int WriteHello(long nowMs, PacketBuffer buffer, in InetEndpoint sentTo, out OutgoingPacket packet)
    {
        var writer = buffer.CreateWriter();
        new HelloMessage
        {
            Version = context.Version,
            Timestamp = nowMs,
            Identity = _identity,
            SentTo = sentTo,
            Planet = new WorldStamp(WorldType.Planet, roots.Planet?.Id ?? 0, roots.Planet?.Timestamp ?? 0),
        }.Write(ref writer);
        var tail = writer.Position;
        WriteMoons(ref writer);
        packet = buffer.Complete(Verb.Hello, writer);
        return tail;
    }

    private void SendHello(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, in OutgoingPacket packet, int tail)
    {
        var bytes = new PacketBuilder(packet.Buffer, packet.Start, packet.Length)
            .Seal(_packetIds.Next(), peer.Address, context.Address, Verb.Hello, policy.MtuTo(endpoint.Address));
        peer.Key.CryptHelloTail(bytes, PacketFormat.HeaderBytes + tail);
        peer.Key.Armor(bytes, CipherSuite.Poly1305);
        NoteRequest(nowMs, peer, localSocket, endpoint, packet, peers.IsStranger(nowMs, peer), bytes);
        Emit(localSocket, endpoint, packet.Buffer, bytes.Length);
        peer.LastHelloMs = nowMs;
    }

    private void WriteMoons(ref ByteWriter writer)
    {
        var stamps = new WorldStamp[roots.Moons.Count + roots.WantedMoons.Count];
        var count = 0;
        foreach (var moon in roots.Moons)
            stamps[count++] = new WorldStamp(WorldType.Moon, moon.Id, moon.Timestamp);
        foreach (var wanted in roots.WantedMoons.Keys)
            stamps[count++] = new WorldStamp(WorldType.Moon, wanted, 0);
        MoonStampList.Write(ref writer, stamps);
    }

    // Whether a datagram may be sent to an endpoint: one that answered, or one for which the packets of the peer that caused it pay.
    private bool TryCharge(Peer? chargedTo, Peer peer, in InetEndpoint endpoint, int bytes)
    {
        if (chargedTo is null || policy.IsConfirmed(peer, endpoint) || chargedTo.TrySpendUnproven(bytes))
            return true;
        context.Counters.Drop(DropReason.UnprovenEndpoint);
        return false;
    }

    // Verbs whose replies name the packet ID that the packet has on the wire, after encryption.
    private static bool IsRequest(Verb verb) => verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.NetworkConfigRequest or Verb.MulticastGather or Verb.NetworkConfig;

    private void SealAndEmit(
        long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, in OutgoingPacket packet, bool isForStranger, int start, Span<byte> bytes)
    {
        var suite = CipherSuites.For(packet.Verb, peer.Protocol);
        if (_sealingHost is null || IsRequest(packet.Verb))
        {
            peer.Key.Armor(bytes, suite);
            NoteRequest(nowMs, peer, localSocket, endpoint, packet, isForStranger, bytes);
            Emit(localSocket, endpoint, packet.Buffer[start..], bytes.Length);
            return;
        }

        var seal = new PacketSeal(peer.Key, suite, bytes.Length, policy.MtuTo(endpoint.Address));
        context.Counters.NoteSent(packet.Verb);
        context.Counters.DatagramsSent += (seal.TotalBytes + seal.DatagramBytes - 1) / seal.DatagramBytes;
        context.Counters.BytesSent += seal.TotalBytes;
        _sealingHost.SendPacket(localSocket, endpoint, new UnsealedPacket { Bytes = bytes, Room = packet.Room, RoomStart = start, Seal = seal });
    }

    private void NoteRequest(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, in OutgoingPacket packet, bool isForStranger, ReadOnlySpan<byte> bytes)
    {
        context.Counters.NoteSent(packet.Verb);
        if (IsRequest(packet.Verb))
        {
            requests.Add(PacketHeader.GetPacketId(bytes),
                new OutstandingRequest(packet.Verb, peer.Address, localSocket, endpoint, nowMs, packet.Subject), isForStranger);
        }
    }

    private void NoteSent(long nowMs, Peer peer, Path path)
    {
        if (!path.NoteSent(nowMs))
            return;
        watched.Add(peer, path);
        MeasureAtFirst(nowMs, peer, path);
    }

    // The packet lies at the beginning of the buffer, with room behind it.
    private void Emit(int localSocket, in InetEndpoint endpoint, Span<byte> buffer, int packetBytes, (int LocalSocket, InetEndpoint Endpoint)? copyTo = null)
    {
        var total = PacketSplitter.Split(buffer, packetBytes, policy.MtuTo(endpoint.Address), out var datagramBytes);
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
        context.Counters.DatagramsSent++;
        context.Counters.BytesSent += datagram.Length;
        context.Host.SendDatagram(localSocket, endpoint, datagram, timeToLive: 0);
    }
}

/// <summary>A way to a peer: over a path of <paramref name="Via"/>, which is the peer itself or a root.</summary>
internal readonly record struct PeerRoute(Peer Via, Path Path);
