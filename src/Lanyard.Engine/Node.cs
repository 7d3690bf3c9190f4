using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>
/// One node: a leaf, and where the planet or a moon names it a root, and where it is given a controller that too. It has no I/O, no thread and no
/// clock: datagrams, frames and the time come in as arguments, and what it wants done goes out through its <see cref="INodeHost"/>.
/// </summary>
/// <remarks>
/// A node has one owner: its methods are called by one thread at a time. Time is in milliseconds since 1970 and never goes back; hosts
/// take the wall clock once and add the time that has passed.
/// </remarks>
public sealed class Node
{
    /// <summary>Bytes that must be free in front of a frame given to <see cref="SendFrame"/>: room for the headers that come before it on the wire.</summary>
    public const int FrameHeadroom = PacketFormat.HeaderBytes + FrameMessage.HeaderBytes;

    /// <summary>The bytes that <see cref="SendFrame"/> needs behind a frame.</summary>
    public const int FrameTailroom = PacketSplitter.MaxAddedBytes;

    private const long HousekeepingMs = 30_000;
    private const long QueueRetryMs = 250;
    private const long SaveDelayMs = 1_000;

    private readonly Dictionary<NetworkId, VirtualNetwork> _networks = [];
    private long _nextHousekeepingMs;
    private long _nextQueueMs;
    private readonly ReturningPeers _returning;
    private long _nextSaveMs = long.MaxValue;
    private long _nextDeadlineMs;
    private bool _isDeadlineStale = true;
    private bool _isSigningNext;

    /// <summary>A node with an identity. The planet that its host has kept is its first; it is silent until it is polled.</summary>
    /// <param name="options">How it behaves.</param>
    /// <param name="identity">Who it is, with the secret.</param>
    /// <param name="host">Where its output goes.</param>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <exception cref="ArgumentException">The identity has no secret, or the random seed is shorter than 32 bytes.</exception>
    public Node(NodeOptions options, Identity identity, INodeHost host, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(host);
        if (!identity.HasSecret)
            throw new ArgumentException("A node needs its identity's secret, not only the public part.", nameof(identity));
        Options = options;
        Identity = identity;
        Host = host;
        Version = options.Version;
        Secrets = new NodeSecrets(options.RandomSeed.Span);
        Random = new NodeRandom(Secrets.GeneratorSeed);
        Answered = new AnsweredRequests(Secrets.TableKey);
        Topology = new Topology(this);
        Outbound = new Outbound(this);
        Inbound = new Inbound(this);
        Whois = new Whois(this);
        Checks = new IdentityChecks(this);
        Contacts = new Contacts(this);
        Liveness = new Liveness(this);
        Paths = new PathKeeper(this);
        Endpoints = new OwnEndpoints(this);
        _returning = new ReturningPeers(this);
        Waiting = new WaitingPackets(this);
        Multicaster = new Multicaster(this);
        HelloVerb = new HelloVerb(this);
        PeerVerbs = new PeerVerbs(this);
        ReplyVerbs = new ReplyVerbs(this);
        FrameVerbs = new FrameVerbs(this);
        Filter = new FrameFilter(this);
        MulticastVerbs = new MulticastVerbs(this);
        ConfigVerbs = new ConfigVerbs(this);
        Pushes = new ConfigPushes(this);
        ControllerOutbox = new ControllerOutbox(this);
        if (host.LoadState(StateKind.Planet, 0) is { } planet && World.TryParse(planet, out var world) && world.Type == WorldType.Planet)
            Topology.AddWorld(world, isChosenByUser: true);
        _nextHousekeepingMs = nowMs + HousekeepingMs;
    }

    /// <summary>The node's identity.</summary>
    public Identity Identity { get; }

    /// <summary>This node's address.</summary>
    public NodeAddress Address => Identity.Address;

    /// <summary>The options.</summary>
    public NodeOptions Options { get; private set; }

    /// <summary>Counters of what the node did, and of what it dropped and why.</summary>
    public NodeCounters Counters { get; } = new();

    /// <summary>Whether it reaches a root, or is one.</summary>
    public bool IsOnline { get; private set; }

    /// <summary>Whether the planet or a moon names it a root.</summary>
    public bool IsRoot => Topology.IsRootSelf;

    /// <summary>The roots of its planet; null until one is given.</summary>
    public World? Planet => Topology.Planet;

    /// <summary>The moons that it follows.</summary>
    public IReadOnlyList<World> Moons => Topology.Moons;

    /// <summary>The networks that it has joined.</summary>
    public IReadOnlyCollection<VirtualNetwork> Networks => _networks.Values;

    /// <summary>What answers requests for configurations of the networks that this node controls; null where it is no controller.</summary>
    public INetworkController? Controller { get; set; }

    /// <summary>When <see cref="Poll"/> must be called next, in milliseconds since 1970.</summary>
    public long NextDeadlineMs
    {
        get
        {
            if (_isDeadlineStale)
                NextDeadlineMs = FindDeadline();
            return _nextDeadlineMs;
        }

        private set
        {
            _nextDeadlineMs = value;
            _isDeadlineStale = false;
        }
    }

    internal INodeHost Host { get; }

    internal NodeVersion Version { get; }

    internal NodeSecrets Secrets { get; }

    internal NodeRandom Random { get; }

    internal OutstandingRequests Requests { get; } = new();

    internal AnsweredRequests Answered { get; }

    internal Topology Topology { get; }

    internal Outbound Outbound { get; }

    internal Inbound Inbound { get; }

    internal Whois Whois { get; }

    internal IdentityChecks Checks { get; }

    internal Contacts Contacts { get; }

    internal Liveness Liveness { get; }

    internal WaitingPackets Waiting { get; }

    internal Multicaster Multicaster { get; }

    internal HelloVerb HelloVerb { get; }

    internal PeerVerbs PeerVerbs { get; }

    internal ReplyVerbs ReplyVerbs { get; }

    internal FrameVerbs FrameVerbs { get; }

    internal FrameFilter Filter { get; }

    internal MulticastVerbs MulticastVerbs { get; }

    internal ConfigPushes Pushes { get; }

    internal ControllerOutbox ControllerOutbox { get; }

    internal PacketBuffers Buffers { get; } = new();

    internal PathKeeper Paths { get; }

    internal OwnEndpoints Endpoints { get; }

    internal Dictionary<NetworkId, VirtualNetwork>.ValueCollection JoinedNetworks => _networks.Values;

    internal ConfigVerbs ConfigVerbs { get; }

    /// <summary>Takes a datagram. Never throws, whatever the bytes.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The host's number of the socket it came in on, 0 or more.</param>
    /// <param name="source">Where it came from.</param>
    /// <param name="datagram">The UDP payload: decrypted in place, so its content is lost.</param>
    public void Receive(long nowMs, int localSocket, in InetEndpoint source, Span<byte> datagram) =>
        Receive(nowMs, localSocket, source, datagram, datagram.Length);

    /// <summary>Takes datagrams that came from one endpoint one behind the other, as systems join them.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The socket that they came to.</param>
    /// <param name="source">Where they came from.</param>
    /// <param name="run">The datagrams; their bytes are changed.</param>
    /// <param name="datagramBytes">The length of each but the last, which may be shorter.</param>
    public void Receive(long nowMs, int localSocket, in InetEndpoint source, Span<byte> run, int datagramBytes)
    {
        Inbound.Receive(nowMs, localSocket, source, run, datagramBytes);
        _isDeadlineStale = true;
    }

    /// <summary>Whether work waits: the host then calls <see cref="TryTakeWork"/>.</summary>
    public bool HasWork => !Checks.IsEmpty || ControllerOutbox.HasWork;

    /// <summary>
    /// Takes the next piece of work. The host calls <see cref="NodeWork.Run"/>, best without whatever lock guards the node, and then <see cref="CompleteWork"/>.
    /// Checks of identities and the controller's signatures take turns.
    /// </summary>
    /// <returns>False if none waits.</returns>
    public bool TryTakeWork([NotNullWhen(true)] out NodeWork? work)
    {
        _isSigningNext = !_isSigningNext;
        return _isSigningNext
            ? ControllerOutbox.TryTake(out work) || Checks.TryTake(out work)
            : Checks.TryTake(out work) || ControllerOutbox.TryTake(out work);
    }

    /// <summary>Applies the result of completed work. Never throws, whatever a HELLO contained.</summary>
    public void CompleteWork(long nowMs, NodeWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (work.Failure is { } failure)
            ReportInternalError(failure);
        try
        {
            work.Complete(nowMs);
        }
#pragma warning disable CA1031 // A fault in this node or its host must cost only the packet that caused it. It is counted and reported.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ReportInternalError(e);
        }

        _isDeadlineStale = true;
    }

    /// <summary>Does what is due: keepalives, retries, expiry. Call it at <see cref="NextDeadlineMs"/>; earlier does no harm.</summary>
    public void Poll(long nowMs)
    {
        PollRoots(nowMs);
        Whois.Poll(nowMs);
        Contacts.Poll(nowMs);
        Liveness.Poll(nowMs);
        _returning.Poll(nowMs);
        Pushes.Poll(nowMs);
        if (nowMs >= _nextSaveMs)
            SavePeers(nowMs);
        if (nowMs >= _nextQueueMs && (Outbound.HasQueued || !Waiting.IsEmpty))
        {
            _nextQueueMs = nowMs + QueueRetryMs;
            Outbound.Poll(nowMs);
            Waiting.Expire(nowMs);
        }

        foreach (var network in _networks.Values)
            network.Poll(nowMs);
        Paths.Poll(nowMs);
        if (nowMs >= _nextHousekeepingMs)
            CleanUp(nowMs);
        _isDeadlineStale = true;
    }

    /// <summary>Joins a network, with the configuration that was kept if there is one; what is new follows from the controller.</summary>
    public VirtualNetwork Join(long nowMs, NetworkId id)
    {
        if (_networks.TryGetValue(id, out var network))
            return network;
        network = new VirtualNetwork(this, id);
        _networks.Add(id, network);
        if (Host.LoadState(StateKind.NetworkConfig, id.Value) is { Length: > 1 } state && NetworkConfig.TryParse(state, out var config))
            network.Configure(nowMs, config, ConfigOrigin.Stored);
        network.Request(nowMs);
        _isDeadlineStale = true;
        return network;
    }

    /// <summary>Asks a network's controller at once where it has refused, or has not answered yet: for when somebody says that it will admit this node now.</summary>
    public void Retry(long nowMs, VirtualNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Retry(nowMs);
        _isDeadlineStale = true;
    }

    /// <summary>Leaves a network and forgets its configuration. False if it was not joined.</summary>
    public bool Leave(NetworkId id)
    {
        if (!_networks.Remove(id))
            return false;

        // What was revoked stays: who joins again must not be reached by whoever was shut out.
        Host.DeleteState(StateKind.NetworkConfig, id.Value);
        return true;
    }

    /// <summary>A network that was joined.</summary>
    public bool TryGetNetwork(NetworkId id, [NotNullWhen(true)] out VirtualNetwork? network) => _networks.TryGetValue(id, out network);

    /// <summary>Sends an Ethernet frame. The frame is encrypted where it lies: the buffer's content is lost.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is too little room around the payload, or it does not lie in the buffer.</exception>
    public void SendFrame(long nowMs, VirtualNetwork network, in OutgoingFrame frame)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfLessThan(frame.Start, FrameHeadroom);
        ArgumentOutOfRangeException.ThrowIfNegative(frame.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frame.Length, frame.Buffer.Length - frame.Start - FrameTailroom);
        FrameVerbs.Send(nowMs, network, frame);
        _isDeadlineStale = true;
    }

    /// <summary>
    /// Whether a network's rules let a packet pass that the host reassembled from the fragments of several frames: those were judged one by one, without
    /// what the others hold. The host may ask from inside <see cref="INodeHost.FrameReceived"/>.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="frame">The whole packet, in a frame as if it had never been in fragments.</param>
    public bool PermitsReassembled(VirtualNetwork network, in EthernetFrame frame)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Filter.PermitsReassembled(network, frame);
    }

    /// <summary>Listens to a multicast group. For ARP, the group of an IPv4 address is broadcast with the address as distinguishing number.</summary>
    public void Subscribe(long nowMs, VirtualNetwork network, MulticastGroup group)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Subscribe(nowMs, group);
        _isDeadlineStale = true;
    }

    /// <summary>Stops listening to a multicast group.</summary>
    public void Unsubscribe(VirtualNetwork network, MulticastGroup group)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Unsubscribe(group);
    }

    /// <summary>Says where this node's sockets are reachable on its own networks: peers that it shares a virtual network with are told.</summary>
    public void SetLocalEndpoints(IReadOnlyList<InetEndpoint> endpoints) => Endpoints.Local = endpoints;

    /// <summary>The network under the node changed (an interface came or went, the machine woke up): all paths are tried anew at once.</summary>
    public void NetworkEnvironmentChanged(long nowMs)
    {
        foreach (var peer in Topology.Peers)
        {
            foreach (var path in peer.Paths)
                Paths.Distrust(nowMs, peer, path);
        }

        foreach (var root in Topology.Roots)
            root.ResetAttempts();
        foreach (var network in _networks.Values)
            network.RequestSoon(nowMs);
        NextDeadlineMs = nowMs;
    }

    /// <summary>
    /// Uses other settings of physical paths from now on: <see cref="NodeOptions.TrustedPaths"/>, <see cref="NodeOptions.PathMtus"/>,
    /// <see cref="NodeOptions.PeerHints"/>. Paths that the host does not allow any more are given up.
    /// </summary>
    public void ChangePaths(long nowMs, IReadOnlyList<TrustedPath> trustedPaths, IReadOnlyList<PathMtu> pathMtus, IReadOnlyList<PeerHint> peerHints)
    {
        Options = Options with { TrustedPaths = trustedPaths, PathMtus = pathMtus, PeerHints = peerHints };
        foreach (var peer in Topology.Peers)
        {
            peer.DropPaths(path => !Topology.MayUsePath(peer.Address, path.LocalSocket, path.Endpoint));
            Paths.ReportDirectness(nowMs, peer);
        }
    }

    /// <summary>Takes a planet or a moon that the user chose. False if what is known is newer, or the signature is not its update key's.</summary>
    public bool AddWorld(long nowMs, World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        return AddWorld(nowMs, world, isChosenByUser: true);
    }

    /// <summary>Follows a moon, asking one of its roots for it where it is not known.</summary>
    public void Orbit(long nowMs, ulong moon, NodeAddress seed)
    {
        Topology.Orbit(nowMs, moon, seed);
        NextDeadlineMs = nowMs;
    }

    /// <summary>Stops following a moon. False if it was not followed.</summary>
    public bool Deorbit(ulong moon) => Topology.Deorbit(moon);

    /// <summary>
    /// Sends a message of this node's controller to a node, or applies it if the receiver is this node. A pushed configuration is repeated until the member
    /// acknowledges it, a revocation is sent three times within five seconds.
    /// </summary>
    /// <exception cref="ArgumentException">The message lacks the configuration or revocation that its kind requires.</exception>
    public void Send(long nowMs, ControllerMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if ((message.Kind == ControllerMessageKind.Config && message.Config is null) || (message.Kind == ControllerMessageKind.Revocation && message.Revocation is null))
            throw new ArgumentException($"A message of the kind {message.Kind} requires one.", nameof(message));
        Pushes.Send(nowMs, message);
        _isDeadlineStale = true;
    }

    /// <summary>Sends a message of the application's own to another node (verb USER_MESSAGE). It may get lost.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="destination">The node.</param>
    /// <param name="type">The application's type number, 65536 or more.</param>
    /// <param name="message">The message, at most 9,900 bytes.</param>
    /// <exception cref="ArgumentException">The message is too long.</exception>
    public void SendUserMessage(long nowMs, NodeAddress destination, ulong type, ReadOnlySpan<byte> message)
    {
        using var buffer = Buffers.Rent();
        var writer = buffer.CreateWriter();
        new UserMessage { Type = type, Data = message }.Write(ref writer);
        if (writer.Failed)
            throw new ArgumentException($"A user message has at most {PacketFormat.MaxPayloadBytes - sizeof(ulong)} bytes.", nameof(message));
        Outbound.Send(nowMs, destination, buffer.Complete(Verb.UserMessage, writer, isCompressible: true));
        _isDeadlineStale = true;
    }

    /// <summary>The peers at this moment.</summary>
    public IReadOnlyList<PeerInfo> Peers(long nowMs) => [.. Topology.Peers.Select(peer => Describe(nowMs, peer)).OrderBy(p => p.Address)];

    /// <summary>One peer at this moment; null where it is not known.</summary>
    public PeerInfo? FindPeer(long nowMs, NodeAddress address) => Topology.FindKnown(address) is { } peer ? Describe(nowMs, peer) : null;

    /// <summary>Whether the planet or a moon says that a root is reached at a physical address.</summary>
    public bool IsRootAddress(NodeAddress peer, InetAddress address) => Topology.FindRoot(peer)?.HasAddress(address) == true;

    /// <summary>The addresses under which roots and peers say they see this node.</summary>
    public IReadOnlyList<InetEndpoint> SurfaceAddresses() => Endpoints.External();

    /// <summary>Writes down what makes the next start fast. Done now and then anyway; call it before the node ends.</summary>
    public void SavePeers(long nowMs)
    {
        _nextSaveMs = long.MaxValue;
        Topology.Save(nowMs);
    }

    internal VirtualNetwork? FindNetwork(NetworkId id) => _networks.GetValueOrDefault(id);

    internal bool IsController(NodeAddress address)
    {
        foreach (var network in _networks.Values)
        {
            if (network.Controller == address)
                return true;
        }

        return false;
    }

    /// <summary>The largest datagram that goes to a physical address.</summary>
    internal int MtuTo(InetAddress address)
    {
        for (var i = 0; i < Options.PathMtus.Count; i++)
        {
            if (Options.PathMtus[i].Network.Contains(address))
                return Options.PathMtus[i].Bytes;
        }

        return Options.PhysicalMtu;
    }

    internal ulong TrustedPathTo(InetAddress address)
    {
        for (var i = 0; i < Options.TrustedPaths.Count; i++)
        {
            if (Options.TrustedPaths[i].Network.Contains(address))
                return Options.TrustedPaths[i].PathId;
        }

        return 0;
    }

    internal bool AddWorld(long nowMs, World world, bool isChosenByUser)
    {
        if (!Topology.AddWorld(world, isChosenByUser))
            return false;
        NextDeadlineMs = nowMs;
        return true;
    }

    /// <summary>Counts and reports a fault of this node. The caller drops the packet that caused it.</summary>
    internal void ReportInternalError(Exception exception)
    {
        Counters.Drop(DropReason.InternalError);
        Host.InternalErrorOccurred(exception);
    }

    internal void DeliverFrame(VirtualNetwork network, in EthernetFrame frame)
    {
        Counters.FramesReceived++;
        Host.FrameReceived(network, frame);
    }

    /// <summary>A peer's identity is known now: what waited for it goes its way.</summary>
    internal void PeerBecameKnown(long nowMs, Peer peer)
    {
        Whois.Resolved(peer.Address);
        Waiting.Retry(nowMs, peer.Address, authenticated: false);
        Outbound.Flush(nowMs, peer);
        AskForMoons(nowMs, peer);
    }

    /// <summary>Asks a peer for the moons that are wanted from it: a HELLO says which, and its answer brings them.</summary>
    internal void AskForMoons(long nowMs, Peer peer)
    {
        if (Topology.WantedMoons.Values.Contains(peer.Address))
            Outbound.SendHello(nowMs, peer, -1, default);
    }

    /// <summary>Sends the packets pending for a peer to which a direct path was learned.</summary>
    internal void PathLearned(long nowMs, Peer peer)
    {
        if (Topology.FindRoot(peer.Address) is { } root)
            RootAnswers(nowMs, root);
        Outbound.Flush(nowMs, peer);
        AskForMoons(nowMs, peer);
    }

    /// <summary>Schedules <see cref="SavePeers"/> within a second, so that a killed process loses only the changes of that second.</summary>
    internal void SaveSoon(long nowMs) => _nextSaveMs = Math.Min(_nextSaveMs, nowMs + SaveDelayMs);

    private void RootAnswers(long nowMs, Root root)
    {
        root.ResetAttempts();
        SetOnline(true);
        Whois.RootReachable(nowMs);
        foreach (var network in _networks.Values)
            network.RequestSoon(nowMs);
        _nextQueueMs = nowMs;
        NextDeadlineMs = nowMs;
    }

    private void PollRoots(long nowMs)
    {
        var online = Topology.IsRootSelf;
        foreach (var root in Topology.Roots)
        {
            if (Topology.FindKnown(root.Address) is not { } peer)
                continue;
            if (peer.BestPath(nowMs) is not null)
            {
                online = true;
                continue;
            }

            if (nowMs < root.NextAttemptMs)
                continue;
            root.NoteAttempt(nowMs, Random.Next());
            foreach (var endpoint in root.Endpoints)
            {
                if (Topology.MayUsePath(peer.Address, -1, endpoint))
                    Outbound.SendHello(nowMs, peer, -1, endpoint);
            }
        }

        SetOnline(online);
    }

    private void SetOnline(bool online)
    {
        if (online == IsOnline)
            return;
        IsOnline = online;
        Host.OnlineChanged(online);
    }

    private void CleanUp(long nowMs)
    {
        _nextHousekeepingMs = nowMs + HousekeepingMs;
        Inbound.Expire(nowMs);
        Topology.Clean(nowMs);
        Endpoints.Clean(nowMs);
        Multicaster.Clean(nowMs);
        ControllerOutbox.Clean(nowMs);
        foreach (var network in _networks.Values)
            network.Clean(nowMs);
        SavePeers(nowMs);
    }

    private long FindDeadline()
    {
        var next = Math.Min(Paths.NextDeadlineMs, _nextHousekeepingMs);
        next = Math.Min(next, Math.Min(Whois.NextDeadlineMs, Math.Min(Contacts.NextDeadlineMs, Liveness.NextDeadlineMs)));
        next = Math.Min(next, Math.Min(Pushes.NextDeadlineMs, Math.Min(_returning.NextDeadlineMs, _nextSaveMs)));
        if (Outbound.HasQueued || !Waiting.IsEmpty)
            next = Math.Min(next, _nextQueueMs);
        foreach (var network in _networks.Values)
            next = Math.Min(next, network.NextRequestMs);
        foreach (var root in Topology.Roots)
        {
            if (Topology.FindKnown(root.Address) is { WasDirect: false })
                next = Math.Min(next, root.NextAttemptMs);
        }

        return next;
    }

    private PeerInfo Describe(long nowMs, Peer peer)
    {
        var best = peer.BestPath(nowMs);
        var paths = new List<PathInfo>();
        foreach (var path in peer.Paths)
        {
            paths.Add(new PathInfo(path.LocalSocket, path.Endpoint, path.LastSentMs, path.LastReceivedMs, path.IsLatencyKnown ? path.LatencyMs : -1,
                path.IsAlive(nowMs), path.IsExpired(nowMs), ReferenceEquals(path, best), TrustedPathTo(path.Endpoint.Address)));
        }

        return new PeerInfo(peer.Address, peer.Identity, Topology.RoleOf(peer.Address), peer.Version,
            best is { IsLatencyKnown: true } ? best.LatencyMs : -1, best is not null, paths);
    }
}
