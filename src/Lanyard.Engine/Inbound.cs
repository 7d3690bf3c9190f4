using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Compression;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>Takes datagrams in: relays what is for others, joins fragments, authenticates, expands, and hands packets to their verbs.</summary>
internal sealed class Inbound(Node node)
{
    private const int MaxRelayHops = 3;
    private const long ReassemblyLifeMs = 5_000;

    private readonly FragmentBuffer _fragments = new(node.Options.MaxReassemblies, node.Secrets.TableKey);
    private readonly byte[] _joined = new byte[PacketFormat.MaxPacketBytes];
    private readonly Introductions _introductions = new(node);

    public void Receive(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> run, int datagramBytes)
    {
        do
        {
            var taken = datagramBytes > 0 ? Math.Min(datagramBytes, run.Length) : run.Length;
            try
            {
                if (ReceiveJoined(nowMs, localSocket, endpoint, run, datagramBytes) is var joined and > 0)
                    taken = joined;
                else
                    ReceiveOne(nowMs, localSocket, endpoint, run[..taken]);
            }
#pragma warning disable CA1031 // A fault in this node or its host must cost only the datagram that caused it. It is counted and reported.
            catch (Exception e)
#pragma warning restore CA1031
            {
                node.ReportInternalError(e);
            }

            run = run[taken..];
        }
        while (!run.IsEmpty);
    }

    // The usual case of a long packet: its parts lie one behind the other, and are joined on the spot. Returns the bytes taken.
    private int ReceiveJoined(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> run, int datagramBytes)
    {
        if (run.Length <= datagramBytes || !PacketView.TryParse(run[..datagramBytes], out var head) || !head.IsFragmented
            || head.Destination != node.Address || head.Source == node.Address
            || !PacketSplitter.TryJoin(run, datagramBytes, out var packetBytes, out var taken))
            return 0;
        node.Counters.DatagramsReceived += (taken + datagramBytes - 1) / datagramBytes;
        node.Counters.BytesReceived += taken;
        Process(nowMs, localSocket, endpoint, run[..packetBytes], isAuthenticated: false);
        return taken;
    }

    private void ReceiveOne(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> datagram)
    {
        node.Counters.DatagramsReceived++;
        node.Counters.BytesReceived += datagram.Length;
        switch (Datagram.Classify(datagram))
        {
            case DatagramKind.Packet when PacketView.TryParse(datagram, out var packet):
                ReceivePacket(nowMs, localSocket, endpoint, datagram, packet);
                break;
            case DatagramKind.Fragment when FragmentView.TryParse(datagram, out var fragment):
                if (fragment.Destination == node.Address)
                    Join(nowMs, localSocket, endpoint, _fragments.AddFragment(fragment, endpoint, IsKnown(endpoint), nowMs, _joined, out var length), length);
                else
                    RelayFragment(nowMs, fragment.Destination, datagram);
                break;
            case DatagramKind.Beacon or DatagramKind.HolePunch:
                node.Counters.Drop(DropReason.NotAPacket);
                break;
            default:
                node.Counters.Drop(DropReason.Malformed);
                break;
        }
    }

    /// <summary>Reads a packet that was queued until it could be read. A fault costs only this packet, as with <see cref="Receive"/>.</summary>
    public void ProcessWaiting(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, bool isAuthenticated)
    {
        try
        {
            Process(nowMs, localSocket, endpoint, bytes, isAuthenticated);
        }
#pragma warning disable CA1031 // A fault in this node or its host must cost only the packet that caused it. It is counted and reported.
        catch (Exception e)
#pragma warning restore CA1031
        {
            node.ReportInternalError(e);
        }
    }

    // Reads a whole packet for this node. Its bytes are decrypted in place.
    private void Process(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, bool isAuthenticated)
    {
        if (!PacketView.TryParse(bytes, out var packet))
        {
            node.Counters.Drop(DropReason.Malformed);
            return;
        }

        if (packet is { Suite: CipherSuite.Poly1305, Verb: Verb.Hello } && !isAuthenticated)
        {
            node.HelloVerb.ReceiveInTheClear(nowMs, localSocket, endpoint, bytes, packet);
            return;
        }

        if (node.Topology.FindKnown(packet.Source) is not { } peer)
        {
            if (!node.Checks.TryReceiveAnswer(nowMs, localSocket, endpoint, bytes, packet))
                ReceiveFromUnknown(nowMs, localSocket, endpoint, bytes, packet.Source);
            return;
        }

        if (!isAuthenticated && !Authenticate(peer, endpoint, bytes, packet))
            return;

        if (!packet.IsCompressed)
        {
            Dispatch(nowMs, peer, localSocket, endpoint, packet, packet.Payload);
            return;
        }

        using var expanded = node.Buffers.Rent();
        if (PayloadCompression.TryExpand(packet.Payload, expanded.Bytes[..PacketFormat.MaxPayloadBytes], out var length))
            Dispatch(nowMs, peer, localSocket, endpoint, packet, expanded.Bytes[..length]);
        else
            node.Counters.Drop(DropReason.BadCompression);
    }

    // The packet waits for its sender to become known: from what was kept over a restart, from a root, or by a HELLO that is on its way.
    private void ReceiveFromUnknown(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, NodeAddress source)
    {
        if (node.Topology.TryLoad(source, out var saved))
            node.Checks.AddSaved(nowMs, saved);
        else if (!node.Checks.IsChallenged(source, endpoint))
            node.Whois.RequestForStranger(nowMs, source, endpoint.Address);
        node.Waiting.Add(nowMs, source, localSocket, endpoint, bytes, isAuthenticated: false);
    }

    private bool IsKnown(in InetEndpoint endpoint) => node.Topology.Endpoints.Contains(endpoint);

    public void Expire(long nowMs)
    {
        for (var i = _fragments.DropOlderThan(nowMs - ReassemblyLifeMs); i > 0; i--)
            node.Counters.Drop(DropReason.ReassemblyExpired);
    }

    private void ReceivePacket(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> datagram, PacketView packet)
    {
        if (packet.Source == node.Address)
            node.Counters.Drop(DropReason.OwnAddress);
        else if (packet.Destination != node.Address)
            RelayPacket(nowMs, endpoint, datagram, packet.Source, packet.Destination);
        else if (packet.IsFragmented)
            Join(nowMs, localSocket, endpoint, _fragments.AddHead(packet, endpoint, IsKnown(endpoint), nowMs, _joined, out var length), length);
        else
            Process(nowMs, localSocket, endpoint, datagram, isAuthenticated: false);
    }

    private void Join(long nowMs, int localSocket, in InetEndpoint endpoint, FragmentResult result, int length)
    {
        if (result == FragmentResult.Joined)
            Process(nowMs, localSocket, endpoint, _joined.AsSpan(0, length), isAuthenticated: false);
        else if (result == FragmentResult.Refused)
            node.Counters.Drop(DropReason.RateLimited);
        else if (result != FragmentResult.Waiting)
            node.Counters.Drop(DropReason.BadFragment);
    }

    private bool Authenticate(Peer peer, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (packet.Suite == CipherSuite.TrustedPath)
        {
            if (packet.TrustedPathId != 0 && packet.TrustedPathId == node.TrustedPathTo(endpoint.Address))
                return true;
            node.Counters.Drop(DropReason.UntrustedPath);
            return false;
        }

        if (peer.Key.TryDearmor(bytes))
            return true;
        node.Counters.Drop(DropReason.BadMac);
        return false;
    }

    private void Dispatch(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, PacketView packet, ReadOnlySpan<byte> payload)
    {
        var incoming = new IncomingPacket
        {
            NowMs = nowMs,
            Peer = peer,
            LocalSocket = localSocket,
            Endpoint = endpoint,
            Path = packet.Hops == 0 ? peer.FindPath(localSocket, endpoint) : null,
            Hops = packet.Hops,
            PacketId = packet.PacketId,
            Verb = packet.Verb,
            Payload = payload,
            Packet = packet.Bytes,
        };
        peer.NoteReceivedBytes(packet.Bytes.Length);
        node.Counters.NoteReceived(packet.Verb);
        if (packet.Verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.MulticastGather or Verb.NetworkConfigRequest
            && !node.Answered.TryAdd(peer.Address, packet.PacketId))
        {
            node.Counters.Drop(DropReason.DuplicateRequest);
            return;
        }

        node.Paths.NoteWay(incoming);
        var outcome = packet.Verb switch
        {
            Verb.Frame => node.FrameVerbs.ReceiveFrame(incoming),
            Verb.ExtFrame => node.FrameVerbs.ReceiveExtFrame(incoming),
            Verb.MulticastFrame => node.MulticastVerbs.ReceiveFrame(incoming),
            Verb.MulticastLike => node.MulticastVerbs.ReceiveLike(incoming),
            Verb.MulticastGather => node.MulticastVerbs.ReceiveGather(incoming),
            Verb.NetworkConfigRequest => node.ConfigVerbs.ReceiveRequest(incoming),
            Verb.NetworkConfig => node.ConfigVerbs.ReceiveConfig(incoming),
            Verb.NetworkCredentials => node.ConfigVerbs.ReceiveCredentials(incoming),
            Verb.Hello => node.HelloVerb.ReceiveAuthenticated(incoming),
            Verb.Ok => node.ReplyVerbs.ReceiveOk(incoming),
            Verb.Error => node.ReplyVerbs.ReceiveError(incoming),
            Verb.Whois => node.PeerVerbs.ReceiveWhois(incoming),
            Verb.Rendezvous => node.PeerVerbs.ReceiveRendezvous(incoming),
            Verb.Echo => node.PeerVerbs.ReceiveEcho(incoming),
            Verb.PushDirectPaths => node.PeerVerbs.ReceiveDirectPaths(incoming),
            Verb.UserMessage => node.PeerVerbs.ReceiveUserMessage(incoming),
            Verb.Nop or Verb.Ack or Verb.QosMeasurement or Verb.RemoteTrace or Verb.PathNegotiationRequest => VerbOutcome.Accepted,
            _ => IgnoreUnknown(),
        };
        if (outcome == VerbOutcome.Malformed)
            node.Counters.Drop(DropReason.Malformed);
        else if (outcome != VerbOutcome.Waiting)
            node.Paths.NoteReceived(incoming, outcome == VerbOutcome.AcceptedFromMember);
    }

    private VerbOutcome IgnoreUnknown()
    {
        node.Counters.Drop(DropReason.UnknownVerb);
        return VerbOutcome.Accepted;
    }

    private void RelayPacket(long nowMs, in InetEndpoint endpoint, Span<byte> datagram, NodeAddress source, NodeAddress destination)
    {
        if (!CanRelay())
            return;
        if (!PacketHeader.TryIncrementHops(datagram, MaxRelayHops))
        {
            node.Counters.Drop(DropReason.TooManyHops);
            return;
        }

        if (RelayVia(nowMs, destination, source) is not { } route)
            return;
        node.Outbound.Relay(nowMs, route.Via, route.Path, datagram);
        if (route.Via.Address == destination)
            _introductions.Consider(nowMs, route.Via, source, endpoint);
    }

    private void RelayFragment(long nowMs, NodeAddress destination, Span<byte> datagram)
    {
        if (!CanRelay())
            return;
        if (!FragmentView.TryIncrementHops(datagram, MaxRelayHops))
            node.Counters.Drop(DropReason.TooManyHops);
        else if (RelayVia(nowMs, destination, default) is { } route)
            node.Outbound.Relay(nowMs, route.Via, route.Path, datagram);
    }

    private bool CanRelay()
    {
        if (node.Topology.IsRootSelf)
            return true;
        node.Counters.Drop(DropReason.NotARoot);
        return false;
    }

    // To the destination where this root reaches it, else by another root that may.
    private PeerRoute? RelayVia(long nowMs, NodeAddress destination, NodeAddress source)
    {
        if (node.Topology.FindKnown(destination) is { } peer && peer.BestPathOfAll(nowMs) is { } path)
            return new PeerRoute(peer, path);
        if (node.Topology.BestRoot(nowMs, except: source) is { } root && root.BestPath(nowMs) is { } upward)
            return new PeerRoute(root, upward);
        node.Counters.Drop(DropReason.RelayUnknownDestination);
        return null;
    }
}
