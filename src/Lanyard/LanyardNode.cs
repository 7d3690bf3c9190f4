using System.Diagnostics.CodeAnalysis;
using System.Net;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A node: it owns UDP sockets, a state folder and the virtual networks that it joins. Several may run in one process. All members may be
/// called from any thread. Events are raised one after another, in order, on the thread pool, with no lock held.
/// </summary>
public sealed class LanyardNode : IAsyncDisposable
{
    private LanyardNode()
    {
    }

    /// <summary>A network's status, configuration or addresses changed.</summary>
    public event EventHandler<LanyardNetworkEventArgs>? NetworkChanged { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }

    /// <summary>A peer became known, or the way to it changed between direct and relayed.</summary>
    public event EventHandler<LanyardPeerEventArgs>? PeerChanged { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }

    /// <summary>The node came online or went offline: see <see cref="IsOnline"/>.</summary>
    public event EventHandler? OnlineChanged { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }

    /// <summary>A message sent with <see cref="SendUserMessage"/> arrived.</summary>
    public event EventHandler<LanyardUserMessageEventArgs>? UserMessageReceived { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }

    /// <summary>How it was started.</summary>
    public LanyardOptions Options => throw new NotImplementedException();

    /// <summary>Who this node is, without the secret.</summary>
    public Identity Identity => throw new NotImplementedException();

    /// <summary>Its address.</summary>
    public NodeAddress Address => throw new NotImplementedException();

    /// <summary>Whether it reaches a root, or is one.</summary>
    public bool IsOnline => throw new NotImplementedException();

    /// <summary>What is to be said of the node at this moment.</summary>
    public LanyardNodeStatus Status => throw new NotImplementedException();

    /// <summary>The networks that it has joined, by ascending ID.</summary>
    public IReadOnlyList<LanyardNetwork> Networks => throw new NotImplementedException();

    /// <summary>The peers at this moment, by ascending address.</summary>
    public IReadOnlyList<PeerInfo> Peers => throw new NotImplementedException();

    /// <summary>What it did, and what it dropped and why. Read without the node's lock: numbers may be slightly old.</summary>
    public NodeCounters Counters => throw new NotImplementedException();

    /// <summary>The UDP endpoints that it is bound to.</summary>
    public IReadOnlyList<IPEndPoint> BoundEndPoints => throw new NotImplementedException();

    /// <summary>The roots; null where none are known.</summary>
    public World? Planet => throw new NotImplementedException();

    /// <summary>The moons that it follows.</summary>
    public IReadOnlyList<World> Moons => throw new NotImplementedException();

    /// <summary>
    /// What answers requests for configurations of the networks that this node controls; null where it is no controller. It is called with the
    /// node's lock held, so it must not wait for a thread that calls this node.
    /// </summary>
    public INetworkController? Controller { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>Starts a node. It is on its way online when this returns: <see cref="WaitUntilOnlineAsync"/>.</summary>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops the making of an identity.</param>
    /// <exception cref="LanyardStateException">The state folder, or a file in it, cannot be used; the exception names it.</exception>
    /// <exception cref="LanyardStateInUseException">Another node uses the folder.</exception>
    /// <exception cref="LanyardException">No UDP socket can be bound.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static Task<LanyardNode> StartAsync(LanyardOptions options, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Waits until <see cref="IsOnline"/>.</summary>
    /// <exception cref="ObjectDisposedException">The node ended.</exception>
    public Task WaitUntilOnlineAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Joins a network and waits until this node has an address on it. With a kept configuration that is at once.</summary>
    /// <param name="network">The network.</param>
    /// <param name="cancellationToken">Ends the waiting; the network stays joined.</param>
    /// <returns>The network.</returns>
    /// <exception cref="LanyardNetworkException">The controller refuses this node, or did not answer within <see cref="LanyardOptions.JoinTimeout"/>, or
    /// assigned no address. The network stays joined and the controller is asked again now and then: when it admits the node, the network comes
    /// up. <see cref="LeaveAsync"/> gives up.</exception>
    public Task<LanyardNetwork> JoinAsync(NetworkId network, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>As <see cref="JoinAsync(NetworkId, CancellationToken)"/>, with the network's ID as sixteen hexadecimal digits.</summary>
    /// <exception cref="FormatException">That is not a network ID.</exception>
    /// <exception cref="LanyardNetworkException">As for the other.</exception>
    public Task<LanyardNetwork> JoinAsync(string network, CancellationToken cancellationToken = default) => JoinAsync(NetworkId.Parse(network), cancellationToken);

    /// <summary>Joins a network without waiting. Where it is joined already, it is returned.</summary>
    public LanyardNetwork Join(NetworkId network) => throw new NotImplementedException();

    /// <summary>A network that was joined.</summary>
    public bool TryGetNetwork(NetworkId network, [NotNullWhen(true)] out LanyardNetwork? joined) => throw new NotImplementedException();

    /// <summary>Leaves a network and forgets its configuration. What is open on it ends. Does nothing where it is not joined.</summary>
    public Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>One peer at this moment; null where it is not known.</summary>
    public PeerInfo? FindPeer(NodeAddress address) => throw new NotImplementedException();

    /// <summary>Takes a planet or a moon that the user chose, and keeps it. False if what is known is newer, or the signature is not its update key's.</summary>
    public bool AddWorld(World world) => throw new NotImplementedException();

    /// <summary>Follows a moon, asking one of its roots for it where it is not kept.</summary>
    /// <param name="moon">The moon's number.</param>
    /// <param name="seed">One of its roots; none where the moon is kept.</param>
    public void Orbit(ulong moon, NodeAddress seed) => throw new NotImplementedException();

    /// <summary>Stops following a moon. False if it was not followed.</summary>
    public bool Deorbit(ulong moon) => throw new NotImplementedException();

    /// <summary>Sends a member a new configuration of a network that this node controls. Call it without a lock that <see cref="Controller"/> takes.</summary>
    public void PushConfiguration(NodeAddress member, NetworkConfig config) => throw new NotImplementedException();

    /// <summary>Sends a member a revocation of a credential of a network that this node controls. Call it without a lock that <see cref="Controller"/> takes.</summary>
    public void PushRevocation(NodeAddress member, Revocation revocation) => throw new NotImplementedException();

    /// <summary>Sends a message of the application's own to another node. It may get lost.</summary>
    /// <param name="destination">The node.</param>
    /// <param name="type">The application's type number, 65,536 or more.</param>
    /// <param name="message">The message, at most 9,900 bytes.</param>
    /// <exception cref="ArgumentException">The message is too long.</exception>
    public void SendUserMessage(NodeAddress destination, ulong type, ReadOnlySpan<byte> message) => throw new NotImplementedException();

    /// <summary>Tells the node that the network under it changed, where the system does not say: all paths are tried anew.</summary>
    public void NotifyNetworkChanged() => throw new NotImplementedException();

    /// <summary>
    /// Ends the node: streams that were disposed of get <see cref="LanyardOptions.ShutdownTimeout"/> to finish sending, everything else on its networks is reset,
    /// its state is kept, its sockets and threads end.
    /// </summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>A node at one moment.</summary>
public sealed record LanyardNodeStatus
{
    /// <summary>The node's address.</summary>
    public required NodeAddress Address { get; init; }

    /// <summary>Whether it reaches a root, or is one.</summary>
    public required bool IsOnline { get; init; }

    /// <summary>Whether the planet or a moon names it a root.</summary>
    public required bool IsRoot { get; init; }

    /// <summary>Since when it has been running, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The node's clock, which never goes back: milliseconds since 1970.</summary>
    public required long ClockMs { get; init; }

    /// <summary>Its physical endpoints on this machine that peers are told.</summary>
    public required IReadOnlyList<InetEndpoint> LocalEndpoints { get; init; }

    /// <summary>The endpoints under which roots and peers say they see it.</summary>
    public required IReadOnlyList<InetEndpoint> SurfaceEndpoints { get; init; }

    /// <summary>The planet's number and edition; zeros without one.</summary>
    public required (ulong Id, long Timestamp) Planet { get; init; }
}

/// <summary>About a network.</summary>
public sealed class LanyardNetworkEventArgs(LanyardNetwork network, NetworkStatus status) : EventArgs
{
    /// <summary>The network.</summary>
    public LanyardNetwork Network { get; } = network;

    /// <summary>Its status when the event arose.</summary>
    public NetworkStatus Status { get; } = status;
}

/// <summary>About a peer.</summary>
public sealed class LanyardPeerEventArgs(NodeAddress peer, PeerChange change, InetEndpoint endpoint) : EventArgs
{
    /// <summary>The peer.</summary>
    public NodeAddress Peer { get; } = peer;

    /// <summary>What changed.</summary>
    public PeerChange Change { get; } = change;

    /// <summary>The physical endpoint in use from now on; none where there is none.</summary>
    public InetEndpoint Endpoint { get; } = endpoint;
}

/// <summary>A message of the application's own.</summary>
public sealed class LanyardUserMessageEventArgs(NodeAddress source, ulong type, ReadOnlyMemory<byte> message) : EventArgs
{
    /// <summary>The node that sent it.</summary>
    public NodeAddress Source { get; } = source;

    /// <summary>The application's type number.</summary>
    public ulong Type { get; } = type;

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Message { get; } = message;
}
