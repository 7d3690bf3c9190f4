using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Relay;
using Lanyard.Engine.Roots;
using Lanyard.Engine.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>The peers' layer (VL1): peers, paths, roots and relaying. It creates its parts and connects them; calls go down, and events go up.</summary>
internal sealed class PeerLayer : IPeerLayer
{
    private readonly NodeContext _context;
    private readonly AnsweredRequests _answered;
    private readonly OutstandingRequests _requests = new();
    private readonly WatchedPaths _watched = new();
    private readonly PathPolicy _policy;
    private readonly PacketSender _sender;
    private readonly PacketRouter _router;
    private readonly Contacts _contacts;
    private readonly Liveness _liveness;
    private readonly Whois _whois;
    private readonly PathKeeper _paths;
    private readonly WaitingPackets _waiting;
    private readonly HelloVerb _hello;
    private readonly PeerAdmission _admission;
    private readonly ReturningPeers _returning;

    public PeerLayer(NodeContext context, IPeerRoles roles)
    {
        _context = context;
        _answered = new AnsweredRequests(context.Secrets.TableKey);
        Table = new PeerTable(context, roles);
        RootTable = new RootTable(context, Table);
        _policy = new PathPolicy(context, RootTable);
        _sender = new PacketSender(context, Table, RootTable, _policy, _requests, _watched);
        _contacts = new Contacts(context, _policy, _sender);
        _liveness = new Liveness(Table, _watched, _sender);
        _router = new PacketRouter(context, Table, RootTable, _sender, _contacts);
        _whois = new Whois(context, RootTable, _router);
        Store = new PeerStore(context, Table, RootTable, _contacts, roles);
        Endpoints = new OwnEndpoints(Table, RootTable, _liveness);
        _paths = new PathKeeper(Table, Store, _policy, _sender, _watched, _liveness, new DirectPaths(context, Endpoints, _router), roles);
        RootContacts = new RootContacts(context, RootTable, _policy, _sender, _router, Store, _whois);
        _waiting = new WaitingPackets(context, Table.Endpoints);
        var challenges = new Challenges(_sender, _requests);
        Checks = new IdentityChecks(context, challenges, _whois, _waiting);
        _hello = new HelloVerb(context, RootTable, _sender, Endpoints, _paths, _answered);
        _admission = new PeerAdmission(context, Table, Store, Checks, challenges, _whois, _waiting, _hello);
        _returning = new ReturningPeers(context, RootTable, Store, roles);
        Opener = new PacketOpener(context.Address, Table.Keys);
        Checks.Passed += _admission.Accept;
        _admission.PeerKnown += OnPeerKnown;
        _paths.PathLearned += OnPathLearned;
        RootTable.LoadPlanet();
    }

    public PeerTable Table { get; }

    public PeerStore Store { get; }

    public RootTable RootTable { get; }

    public RootContacts RootContacts { get; }

    public OwnEndpoints Endpoints { get; }

    public IdentityChecks Checks { get; }

    public PacketOpener Opener { get; }

    /// <summary>When <see cref="Poll"/> must be called next, in milliseconds since 1970.</summary>
    public long NextDeadlineMs
    {
        get
        {
            var next = Math.Min(_paths.NextDeadlineMs, Math.Min(_whois.NextDeadlineMs, _contacts.NextDeadlineMs));
            next = Math.Min(next, Math.Min(_liveness.NextDeadlineMs, Math.Min(_returning.NextDeadlineMs, Store.NextDeadlineMs)));
            return Math.Min(next, Math.Min(RootContacts.NextDeadlineMs, Math.Min(_router.NextDeadlineMs, _waiting.NextDeadlineMs)));
        }
    }

    bool IPeerLayer.IsRootSelf => RootTable.IsSelf;

    IReadOnlyList<NodeAddress> IPeerLayer.Roots => [.. RootTable.Others.Select(root => root.Address)];

    public Peer? Find(NodeAddress address) => Table.Find(address);

    public Identity? FindIdentity(long nowMs, NodeAddress address)
    {
        if (address == _context.Address)
            return _context.Identity;
        if (Store.Find(nowMs, address) is { } peer)
            return peer.Identity;
        _whois.Request(nowMs, address);
        return null;
    }

    public Peer? BestRoot(long nowMs) => RootTable.Best(nowMs);

    public void Send(long nowMs, NodeAddress destination, in OutgoingPacket packet)
    {
        if (destination == _context.Address)
        {
            _context.Counters.Drop(DropReason.OwnAddress);
            return;
        }

        if (Store.Find(nowMs, destination) is { } peer)
        {
            _router.Send(nowMs, peer, packet);
            return;
        }

        _router.Enqueue(nowMs, destination, packet);
        _whois.Request(nowMs, destination, packet.Reason);
    }

    public void Send(long nowMs, Peer peer, in OutgoingPacket packet) => _router.Send(nowMs, peer, packet);

    public void Reply(in IncomingPacket incoming, in OutgoingPacket packet) => _sender.Reply(incoming, packet);

    public int MaxReplyBytes(in IncomingPacket incoming) => _sender.MaxReplyBytes(incoming);

    public bool TryNoteAnswered(in IncomingPacket incoming) => _answered.TryAdd(incoming.Peer.Address, incoming.PacketId);

    public void Wait(in IncomingPacket incoming) =>
        _waiting.Add(incoming.NowMs, incoming.Peer.Address, incoming.LocalSocket, incoming.Endpoint, incoming.Packet, incoming.Peer.Key);

    public void RetryWaiting(long nowMs, NodeAddress peer) => _waiting.Retry(nowMs, peer, authenticated: true);

    /// <summary>Creates what receives datagrams.</summary>
    /// <param name="networks">The verbs of the networks' layer.</param>
    public Inbound CreateInbound(INetworkVerbs networks)
    {
        var peerVerbs = new PeerVerbs(_context, Table, Store, RootTable, _whois, _policy, _sender, _contacts);
        var replies = new ReplyVerbs(_context, _requests, _paths, Endpoints, RootContacts, _admission, networks);
        var verbs = new VerbDispatcher(_context, _answered, _paths, _hello, peerVerbs, replies, networks);
        var receiver = new PacketReceiver(_context, Table, _policy, _admission, verbs);
        _waiting.Released += receiver.ReceiveWaiting;
        var introductions = new Introductions(_context, Table, _policy, _sender);
        return new Inbound(_context, Table.Endpoints, new PacketRelay(_context, Table, RootTable, _sender, introductions), receiver);
    }

    public void Poll(long nowMs)
    {
        RootContacts.Poll(nowMs);
        _whois.Poll(nowMs);
        _contacts.Poll(nowMs);
        _liveness.Poll(nowMs);
        _returning.Poll(nowMs);
        Store.Poll(nowMs);
        _router.Poll(nowMs);
        _waiting.Poll(nowMs);
        _paths.Poll(nowMs);
    }

    /// <summary>Removes expired state.</summary>
    public void Clean(long nowMs)
    {
        Store.Clean(nowMs);
        Endpoints.Clean(nowMs);
    }

    /// <summary>The network under the node changed: all paths must answer again.</summary>
    public void DistrustPaths(long nowMs)
    {
        foreach (var peer in Table.All)
        {
            foreach (var path in peer.Paths)
                _liveness.Distrust(nowMs, peer, path);
        }

        RootContacts.RetrySoon();
    }

    /// <summary>Removes the paths that may not be used any more.</summary>
    public void DropForbiddenPaths(long nowMs)
    {
        foreach (var peer in Table.All)
        {
            peer.DropPaths(path => !_policy.Permits(peer, path.LocalSocket, path.Endpoint));
            Table.ReportDirectness(nowMs, peer);
        }
    }

    /// <summary>Describes a peer at this moment.</summary>
    public PeerInfo Describe(long nowMs, Peer peer)
    {
        var best = peer.BestPath(nowMs);
        var paths = new List<PathInfo>();
        foreach (var path in peer.Paths)
        {
            paths.Add(new PathInfo(path.LocalSocket, path.Endpoint, path.LastSentMs, path.LastReceivedMs, path.IsLatencyKnown ? path.LatencyMs : -1,
                path.IsAlive(nowMs), path.IsExpired(nowMs), ReferenceEquals(path, best), _policy.TrustedPathTo(path.Endpoint.Address)));
        }

        var role = peer.Root is not { } root ? PeerRole.Leaf : root.OfPlanet ? PeerRole.Planet : PeerRole.Moon;
        return new PeerInfo(peer.Address, peer.Identity, role, peer.Version, best is { IsLatencyKnown: true } ? best.LatencyMs : -1, best is not null, paths);
    }

    private void OnPeerKnown(long nowMs, Peer peer)
    {
        _whois.Resolved(peer.Address);
        _waiting.Retry(nowMs, peer.Address, authenticated: false);
        _router.SendQueued(nowMs, peer);
        RootContacts.AskForMoons(nowMs, peer);
    }

    private void OnPathLearned(long nowMs, Peer peer)
    {
        if (peer.Root is { } root)
            RootContacts.NotePath(nowMs, root);
        _router.SendQueued(nowMs, peer);
        RootContacts.AskForMoons(nowMs, peer);
    }
}
