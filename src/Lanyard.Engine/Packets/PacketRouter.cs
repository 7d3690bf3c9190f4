using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>Sends packets to known peers: directly over a good path, otherwise through the best root, otherwise from a queue once there is a way.</summary>
internal sealed class PacketRouter
{
    private const long OldPathProbeMs = 1_000;
    private const long RetryMs = 250;
    private const long FirstHelloMs = 1_000;

    private readonly NodeContext _context;
    private readonly PeerTable _peers;
    private readonly RootTable _roots;
    private readonly PacketSender _sender;
    private readonly Contacts _contacts;
    private readonly PacketQueue _queue;
    private readonly PacketQueue.TrySend _trySendQueued;
    private long _nextRetryMs;

    public PacketRouter(NodeContext context, PeerTable peers, RootTable roots, PacketSender sender, Contacts contacts)
    {
        _context = context;
        _peers = peers;
        _roots = roots;
        _sender = sender;
        _contacts = contacts;
        _queue = new PacketQueue(context);
        _trySendQueued = TrySendQueued;
    }

    /// <summary>The time of the next attempt to send the packets of the queue, in milliseconds.</summary>
    public long NextDeadlineMs => _queue.IsEmpty ? long.MaxValue : _nextRetryMs;

    /// <summary>Sends a packet, or queues it for five seconds until there is a way to the peer.</summary>
    public void Send(long nowMs, Peer peer, in OutgoingPacket packet)
    {
        if (!TrySend(nowMs, peer, packet, isForStranger: false))
            Enqueue(nowMs, peer.Address, packet);
    }

    /// <summary>Sends a request if there is a way to the peer; it is not queued.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The receiver.</param>
    /// <param name="packet">The request.</param>
    /// <param name="isForStranger">Whether a stranger caused it.</param>
    public void SendRequest(long nowMs, Peer peer, in OutgoingPacket packet, bool isForStranger) => TrySend(nowMs, peer, packet, isForStranger);

    /// <summary>Queues a packet for five seconds until its receiver is known and there is a way to it.</summary>
    public void Enqueue(long nowMs, NodeAddress destination, in OutgoingPacket packet) => _queue.Add(nowMs, destination, packet);

    /// <summary>Sends HELLO to a peer if there is a way to it.</summary>
    public void SendHello(long nowMs, Peer peer)
    {
        peer.LastHelloMs = nowMs;
        if (FindRoute(nowMs, peer) is { } route)
            _sender.SendHello(nowMs, peer, route);
    }

    /// <summary>Sends the queued packets for a peer that is known now, or reachable now.</summary>
    public void SendQueued(long nowMs, Peer peer) => _queue.Send(nowMs, peer.Address, _trySendQueued);

    /// <summary>Sends the packets of the queue with the next call of <see cref="Poll"/>, since a root is reachable now.</summary>
    public void RetrySoon(long nowMs) => _nextRetryMs = nowMs;

    public void Poll(long nowMs)
    {
        if (_queue.IsEmpty || nowMs < _nextRetryMs)
            return;
        _nextRetryMs = nowMs + RetryMs;
        _queue.SendAll(nowMs, _peers, _trySendQueued);
    }

    private bool TrySendQueued(long nowMs, NodeAddress destination, in OutgoingPacket packet) =>
        _peers.Find(destination) is { } peer && TrySend(nowMs, peer, packet, isForStranger: false);

    private bool TrySend(long nowMs, Peer peer, in OutgoingPacket packet, bool isForStranger)
    {
        var found = FindRoute(nowMs, peer);
        if (!(found is { } direct && ReferenceEquals(direct.Via, peer)) && _context.Options.PeerHints.Count > 0)
            _contacts.TryHints(nowMs, peer);
        if (found is not { } route)
            return false;

        // A peer that has never heard of this node cannot read its packets. A HELLO in front spares the peer a question to a root.
        if (peer.LastReceivedMs < 0 && peer.FirstHello.TryPass(nowMs, FirstHelloMs))
            SendHello(nowMs, peer);
        _sender.Send(nowMs, peer, route, packet, isForStranger);
        return true;
    }

    // The way to a peer now: one of its own paths, or a path to a root that relays.
    private PeerRoute? FindRoute(long nowMs, Peer peer)
    {
        if (peer.BestPath(nowMs) is { } path)
            return new PeerRoute(peer, path);

        // A path that has been silent may be gone: packets are relayed until it has answered, which takes a round trip.
        if (peer.PathCount > 0 && peer.OldPathProbe.TryPass(nowMs, OldPathProbeMs))
        {
            foreach (var old in peer.Paths)
                _sender.Probe(nowMs, peer, old);
        }

        if (_roots.Best(nowMs, except: peer.Address) is { } root && root.BestPath(nowMs) is { } relay)
            return new PeerRoute(root, relay);
        return peer.BestPathOfAll(nowMs) is { } last ? new PeerRoute(peer, last) : null;
    }
}
