using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Paths;

/// <summary>Follows the packets of peers: learns, confirms, doubts and keeps open the paths to them.</summary>
internal sealed class PathKeeper(
    PeerTable peers, PeerStore store, PathPolicy policy, PacketSender sender, WatchedPaths watched, Liveness liveness, DirectPaths directPaths, IPeerRoles roles)
{
    private const long KeepaliveMs = 2_500;
    private const long DirectPathsPushMs = 15_000;
    private const long DirectPathsPushWhenDirectMs = 120_000;
    private const long UnknownPathHelloMs = 250;
    private const long RelayedDoubtMs = 1_000;
    private const int PeersPerSlice = 256;
    private const int MaxSlices = 25;

    private int _slice;

    /// <summary>Raised when a direct path to a peer was learned, with the time in milliseconds since 1970.</summary>
    public event Action<long, Peer>? PathLearned;

    /// <summary>The time of the next keepalive round, in milliseconds.</summary>
    public long NextDeadlineMs { get; private set; }

    /// <summary>
    /// Handles the way that an authentic packet came, before the packet is processed. A peer that returns on another port sends from a new endpoint or through a
    /// root; replies must not be lost on its old path.
    /// </summary>
    public void NoteWay(in IncomingPacket incoming)
    {
        var (nowMs, peer) = (incoming.NowMs, incoming.Peer);
        if (peer.PathCount == 0)
            return;
        if (incoming.IsDirect)
        {
            if (incoming.Path is null && policy.Permits(peer, incoming.LocalSocket, incoming.Endpoint))
                peer.Newcomer.NoteReceived(incoming);
            return;
        }

        if (peer.BestPath(nowMs) is not { } best || !best.IsQuiet(nowMs) || !peer.RelayedDoubt.TryPass(nowMs, RelayedDoubtMs))
            return;
        foreach (var path in peer.Paths)
        {
            if (path.IsAlive(nowMs) && path.IsQuiet(nowMs))
                liveness.Distrust(nowMs, peer, path);
        }

        peers.ReportDirectness(nowMs, peer);
    }

    /// <summary>Confirms the path of an authentic packet, or probes its endpoint. Updates the peer's activity and trust, and pushes direct paths when they are due.</summary>
    /// <param name="incoming">The packet.</param>
    /// <param name="isMember">Whether the packet shows that the peer is a member of one of this node's networks.</param>
    public void NoteReceived(in IncomingPacket incoming, bool isMember)
    {
        var (nowMs, peer) = (incoming.NowMs, incoming.Peer);
        peer.LastReceivedMs = nowMs;
        if (incoming.Verb is Verb.Frame or Verb.ExtFrame or Verb.MulticastFrame or Verb.NetworkConfigRequest or Verb.NetworkConfig)
            peer.LastFrameMs = nowMs;
        if (isMember)
        {
            if (!peer.SharesNetwork(nowMs))
                store.SaveSoon(nowMs);
            peer.LastTrustedMs = nowMs;
        }

        if (incoming.IsDirect)
            NotePath(incoming);
        if (peer.SharesNetwork(nowMs)
            && peer.DirectPathsPush.TryPass(nowMs, incoming.IsDirect ? DirectPathsPushWhenDirectMs : DirectPathsPushMs))
            directPaths.Push(nowMs, peer);
    }

    /// <summary>Learns or confirms the path of a reply to a probe, and notes the round-trip time if the probe was sent over the same path.</summary>
    public void NoteRoundTrip(in IncomingPacket incoming, in OutstandingRequest request)
    {
        if (Learn(incoming, request) is not { } path || !request.IsAnsweredFrom(path.LocalSocket, path.Endpoint))
            return;
        path.NoteLatency(incoming.NowMs, incoming.NowMs - request.SentMs);
        sender.MeasureAtFirst(incoming.NowMs, incoming.Peer, path);
    }

    /// <summary>
    /// Sends heartbeats over idle paths in use, measures the round-trip times of paths that carry traffic, and sends a HELLO to each peer in use every minute.
    /// </summary>
    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;

        // A round over many peers is divided into slices, so that neither its packets nor their replies come in one burst.
        var slices = Math.Clamp(peers.Count / PeersPerSlice, 1, MaxSlices);
        NextDeadlineMs = nowMs + (KeepaliveMs / slices);
        _slice = (_slice + 1) % slices;
        foreach (var peer in peers.All)
        {
            if (peer.Address.Value % (ulong)slices != (ulong)_slice || peer.PathCount == 0)
                continue;
            var isInUse = peer.IsInUse(nowMs);
            if (!peer.IsRoot && !isInUse && !roles.IsHelper(peer.Address))
                continue;
            var hello = nowMs - peer.LastHelloMs >= Peer.HelloIntervalMs;
            foreach (var path in peer.Paths)
            {
                if (path.IsExpired(nowMs) || path.IsSuspect || !(hello || path.NeedsHeartbeat(nowMs) || (isInUse && path.NeedsLatency(nowMs))))
                    continue;
                if (hello)
                {
                    sender.SendHello(nowMs, peer, path.LocalSocket, path.Endpoint);
                }
                else
                {
                    sender.Probe(nowMs, peer, path);
                    if (path.NoteSent(nowMs))
                        watched.Add(peer, path);
                }
            }
        }
    }

    /// <summary>
    /// Returns the path that a reply came over. An unknown path is learned if the request was sent to its endpoint: only a node at that endpoint can have answered.
    /// Returns null if the path may not be used.
    /// </summary>
    private Path? Learn(in IncomingPacket incoming, in OutstandingRequest request)
    {
        var (nowMs, peer) = (incoming.NowMs, incoming.Peer);
        if (incoming.Path is { } known)
        {
            known.NoteReceived(nowMs);
            peers.ReportDirectness(nowMs, peer);
            return known;
        }

        if (!request.IsAnsweredFrom(incoming.LocalSocket, incoming.Endpoint) || !policy.Permits(peer, incoming.LocalSocket, incoming.Endpoint))
            return null;
        var path = peer.Learn(incoming.LocalSocket, incoming.Endpoint, nowMs);
        store.SaveSoon(nowMs);
        peer.Newcomer.Clear();

        // The peer may have moved to another port: a path to the old port that has been silent since the request must answer before it carries traffic again.
        foreach (var other in peer.Paths)
        {
            if (!ReferenceEquals(other, path) && other.Endpoint.Address == path.Endpoint.Address && !other.IsSuspect && other.LastReceivedMs < request.SentMs)
                liveness.Distrust(nowMs, peer, other);
        }

        peers.ReportDirectness(nowMs, peer);
        PathLearned?.Invoke(nowMs, peer);
        return path;
    }

    private void NotePath(in IncomingPacket incoming)
    {
        var (nowMs, peer) = (incoming.NowMs, incoming.Peer);

        // The packet may itself have been the reply that confirmed the path.
        if ((incoming.Path ?? peer.FindPath(incoming.LocalSocket, incoming.Endpoint)) is { } path)
        {
            path.NoteReceived(nowMs);
            if (!peer.WasDirect)
                peers.ReportDirectness(nowMs, peer);
        }
        else if (peer.UnknownPathHello.TryPass(nowMs, UnknownPathHelloMs) && policy.Permits(peer, incoming.LocalSocket, incoming.Endpoint))
        {
            sender.Probe(nowMs, peer, incoming.LocalSocket, incoming.Endpoint, chargedTo: peer);
        }
    }
}
