using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Multicast;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

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

    private readonly NodeContext _context;
    private readonly JoinedNetworks _networks = new();
    private readonly PeerLayer _peerLayer;
    private readonly NetworkLayer _networkLayer;
    private readonly Inbound _inbound;
    private readonly OpenedPackets _opened = new();
    private long _nextHousekeepingMs;
    private long _nextDeadlineMs;
    private bool _isDeadlineStale = true;
    private bool _isSigningNext;

    /// <summary>Creates a node with an identity. It loads the planet that its host has saved, and sends nothing until it is polled.</summary>
    /// <param name="options">The options.</param>
    /// <param name="identity">The identity, with the secret.</param>
    /// <param name="host">Receives the node's output.</param>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <exception cref="ArgumentException">The identity has no secret, or the random seed is shorter than 32 bytes.</exception>
    public Node(NodeOptions options, Identity identity, INodeHost host, long nowMs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(host);
        if (!identity.HasSecret)
            throw new ArgumentException("A node needs its identity's secret, not only the public part.", nameof(identity));
        _context = new NodeContext(options, identity, host);
        _peerLayer = new PeerLayer(_context, _networks);
        _networkLayer = new NetworkLayer(_context, _networks, _peerLayer);
        _inbound = _peerLayer.CreateInbound(_networkLayer.Verbs);
        _peerLayer.RootContacts.RootReachable += _networkLayer.RequestSoon;
        _nextHousekeepingMs = nowMs + HousekeepingMs;
    }

    /// <summary>The node's identity.</summary>
    public Identity Identity => _context.Identity;

    /// <summary>This node's address.</summary>
    public NodeAddress Address => Identity.Address;

    /// <summary>The options.</summary>
    public NodeOptions Options => _context.Options;

    /// <summary>Counters of what the node did, and of what it dropped and why.</summary>
    public NodeCounters Counters => _context.Counters;

    /// <summary>Whether it reaches a root, or is one.</summary>
    public bool IsOnline => _peerLayer.RootContacts.IsOnline;

    /// <summary>Whether the planet or a moon names it a root.</summary>
    public bool IsRoot => _peerLayer.RootTable.IsSelf;

    /// <summary>The roots of its planet; null until one is given.</summary>
    public World? Planet => _peerLayer.RootTable.Planet;

    /// <summary>The moons that it follows.</summary>
    public IReadOnlyList<World> Moons => _peerLayer.RootTable.Moons;

    /// <summary>The networks that it has joined.</summary>
    public IReadOnlyCollection<VirtualNetwork> Networks => _networks.All;

    /// <summary>The controller of this node's networks; null if the node is not a controller.</summary>
    public INetworkController? Controller
    {
        get => _networks.Controller;
        set => _networks.Controller = value;
    }

    /// <summary>When <see cref="Poll"/> must be called next, in milliseconds since 1970.</summary>
    public long NextDeadlineMs
    {
        get
        {
            if (_isDeadlineStale)
                _nextDeadlineMs = FindDeadline();
            _isDeadlineStale = false;
            return _nextDeadlineMs;
        }
    }

    internal NodeContext Context => _context;

    internal Multicaster Multicaster => _networkLayer.Multicaster;

    /// <summary>Takes a datagram. Never throws, whatever the bytes.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The host's number of the socket it came in on, 0 or more.</param>
    /// <param name="source">The source endpoint.</param>
    /// <param name="datagram">The UDP payload: decrypted in place, so its content is lost.</param>
    public void Receive(long nowMs, int localSocket, in InetEndpoint source, Span<byte> datagram) =>
        Receive(nowMs, localSocket, source, datagram, datagram.Length);

    /// <summary>Receives datagrams from one endpoint that lie one behind the other, as systems join them. Never throws, whatever the bytes.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The host's number of the socket that received them, 0 or more.</param>
    /// <param name="source">The source endpoint.</param>
    /// <param name="run">The datagrams; their bytes are changed.</param>
    /// <param name="datagramBytes">The length of each but the last, which may be shorter.</param>
    public void Receive(long nowMs, int localSocket, in InetEndpoint source, Span<byte> run, int datagramBytes)
    {
        Open(run, datagramBytes, _opened);
        Receive(nowMs, localSocket, source, run, datagramBytes, _opened);
    }

    /// <summary>
    /// Opens the packets of datagrams from one endpoint: authenticates and decrypts those of known peers where they lie. Any thread may call it at any time, without
    /// the lock that guards the node; then give the datagrams to <see cref="Receive(long, int, in InetEndpoint, Span{byte}, int, OpenedPackets)"/>.
    /// </summary>
    /// <param name="run">Datagrams that lie one behind the other; their bytes are changed.</param>
    /// <param name="datagramBytes">The length of each but the last, which may be shorter.</param>
    /// <param name="opened">Receives the results. Use one for each thread.</param>
    public void Open(Span<byte> run, int datagramBytes, OpenedPackets opened)
    {
        ArgumentNullException.ThrowIfNull(opened);
        _peerLayer.Opener.Open(run, datagramBytes, opened);
    }

    /// <summary>Receives datagrams that <see cref="Open"/> has opened. Never throws, whatever the bytes.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The host's number of the socket that received them, 0 or more.</param>
    /// <param name="source">The source endpoint.</param>
    /// <param name="run">The datagrams; their bytes are changed.</param>
    /// <param name="datagramBytes">The length of each but the last, which may be shorter.</param>
    /// <param name="opened">The results of <see cref="Open"/> for this run.</param>
    public void Receive(long nowMs, int localSocket, in InetEndpoint source, Span<byte> run, int datagramBytes, OpenedPackets opened)
    {
        ArgumentNullException.ThrowIfNull(opened);
        _inbound.Receive(nowMs, localSocket, source, run, datagramBytes, opened);
        _isDeadlineStale = true;
    }

    /// <summary>Whether work waits: the host then calls <see cref="TryTakeWork"/>.</summary>
    public bool HasWork => !_peerLayer.Checks.IsEmpty || _networkLayer.Outbox.HasWork;

    /// <summary>
    /// Takes the next piece of work. The host calls <see cref="NodeWork.Run"/>, best without whatever lock guards the node, and then <see cref="CompleteWork"/>.
    /// Checks of identities and the controller's signatures take turns.
    /// </summary>
    /// <returns>False if none waits.</returns>
    public bool TryTakeWork([NotNullWhen(true)] out NodeWork? work)
    {
        _isSigningNext = !_isSigningNext;
        return _isSigningNext
            ? _networkLayer.Outbox.TryTake(out work) || _peerLayer.Checks.TryTake(out work)
            : _peerLayer.Checks.TryTake(out work) || _networkLayer.Outbox.TryTake(out work);
    }

    /// <summary>Applies the result of completed work. Never throws, whatever a HELLO contained.</summary>
    public void CompleteWork(long nowMs, NodeWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (work.Failure is { } failure)
            _context.ReportInternalError(failure);
        try
        {
            work.Complete(nowMs);
        }
#pragma warning disable CA1031 // A fault in this node or its host must cost only the packet that caused it. It is counted and reported.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _context.ReportInternalError(e);
        }

        _isDeadlineStale = true;
    }

    /// <summary>Does what is due: keepalives, retries, expiry. Call it at <see cref="NextDeadlineMs"/>; earlier does no harm.</summary>
    public void Poll(long nowMs)
    {
        _peerLayer.Poll(nowMs);
        _networkLayer.Poll(nowMs);
        if (nowMs >= _nextHousekeepingMs)
        {
            _nextHousekeepingMs = nowMs + HousekeepingMs;
            _inbound.Expire(nowMs);
            _peerLayer.Clean(nowMs);
            _networkLayer.Clean(nowMs);
            SavePeers(nowMs);
        }

        _isDeadlineStale = true;
    }

    /// <summary>Joins a network with its saved configuration, if there is one, and requests the current one from the controller.</summary>
    public VirtualNetwork Join(long nowMs, NetworkId id)
    {
        _isDeadlineStale = true;
        return _networkLayer.Join(nowMs, id);
    }

    /// <summary>Asks a network's controller at once where it has refused, or has not answered yet: for when somebody says that it will admit this node now.</summary>
    public void Retry(long nowMs, VirtualNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        network.Retry(nowMs);
        _isDeadlineStale = true;
    }

    /// <summary>Leaves a network and deletes its configuration. Returns false if it was not joined.</summary>
    public bool Leave(NetworkId id) => _networkLayer.Leave(id);

    /// <summary>Finds a network that was joined.</summary>
    public bool TryGetNetwork(NetworkId id, [NotNullWhen(true)] out VirtualNetwork? network) => (network = _networks.Find(id)) is not null;

    /// <summary>Sends an Ethernet frame. The frame is encrypted where it lies: the buffer's content is lost.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is too little room around the payload, or it does not lie in the buffer.</exception>
    public void SendFrame(long nowMs, VirtualNetwork network, in OutgoingFrame frame)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfLessThan(frame.Start, FrameHeadroom);
        ArgumentOutOfRangeException.ThrowIfNegative(frame.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frame.Length, frame.Buffer.Length - frame.Start - FrameTailroom);
        _networkLayer.Frames.Send(nowMs, network, frame);
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
        return _networkLayer.Filter.PermitsReassembled(network, frame);
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
    public void SetLocalEndpoints(IReadOnlyList<InetEndpoint> endpoints) => _peerLayer.Endpoints.Local = endpoints;

    /// <summary>The network under the node changed (an interface came or went, the machine woke up): all paths are tried anew at once.</summary>
    public void NetworkEnvironmentChanged(long nowMs)
    {
        _peerLayer.DistrustPaths(nowMs);
        _networkLayer.RequestSoon(nowMs);
        _isDeadlineStale = true;
    }

    /// <summary>
    /// Uses other settings of physical paths from now on: <see cref="NodeOptions.TrustedPaths"/>, <see cref="NodeOptions.PathMtus"/>,
    /// <see cref="NodeOptions.PeerHints"/>. Paths that the host does not allow any more are given up.
    /// </summary>
    public void ChangePaths(long nowMs, IReadOnlyList<TrustedPath> trustedPaths, IReadOnlyList<PathMtu> pathMtus, IReadOnlyList<PeerHint> peerHints)
    {
        _context.Options = Options with { TrustedPaths = trustedPaths, PathMtus = pathMtus, PeerHints = peerHints };
        _peerLayer.DropForbiddenPaths(nowMs);
        _isDeadlineStale = true;
    }

    /// <summary>Takes a planet or a moon that the user chose. False if what is known is newer, or the signature is not its update key's.</summary>
    public bool AddWorld(long nowMs, World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        _isDeadlineStale = true;
        return _peerLayer.RootContacts.TryAddWorld(world, isChosenByUser: true);
    }

    /// <summary>Follows a moon, asking one of its roots for it where it is not known.</summary>
    public void Orbit(long nowMs, ulong moon, NodeAddress seed)
    {
        _peerLayer.RootContacts.Orbit(nowMs, moon, seed);
        _isDeadlineStale = true;
    }

    /// <summary>Stops following a moon. False if it was not followed.</summary>
    public bool Deorbit(ulong moon) => _peerLayer.RootTable.Deorbit(moon);

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
        _networkLayer.Pushes.Send(nowMs, message);
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
        using var buffer = _context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new UserMessage { Type = type, Data = message }.Write(ref writer);
        if (writer.Failed)
            throw new ArgumentException($"A user message has at most {PacketFormat.MaxPayloadBytes - sizeof(ulong)} bytes.", nameof(message));
        _peerLayer.Send(nowMs, destination, buffer.Complete(Verb.UserMessage, writer, isCompressible: true));
        _isDeadlineStale = true;
    }

    /// <summary>The peers at this moment.</summary>
    public IReadOnlyList<PeerInfo> Peers(long nowMs) => [.. _peerLayer.Table.All.Select(peer => _peerLayer.Describe(nowMs, peer)).OrderBy(p => p.Address)];

    /// <summary>One peer at this moment; null where it is not known.</summary>
    public PeerInfo? FindPeer(long nowMs, NodeAddress address) => _peerLayer.Find(address) is { } peer ? _peerLayer.Describe(nowMs, peer) : null;

    /// <summary>Whether the planet or a moon says that a root is reached at a physical address.</summary>
    public bool IsRootAddress(NodeAddress peer, InetAddress address) => _peerLayer.Find(peer)?.Root?.HasAddress(address) == true;

    /// <summary>The addresses under which roots and peers say they see this node.</summary>
    public IReadOnlyList<InetEndpoint> SurfaceAddresses() => _peerLayer.Endpoints.External();

    /// <summary>Writes down what makes the next start fast. Done now and then anyway; call it before the node ends.</summary>
    public void SavePeers(long nowMs) => _peerLayer.Store.Save(nowMs);

    private long FindDeadline() => Math.Min(_nextHousekeepingMs, Math.Min(_peerLayer.NextDeadlineMs, _networkLayer.NextDeadlineMs));
}
