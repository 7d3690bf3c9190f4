using System.Diagnostics.CodeAnalysis;
using System.Net;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard;

/// <summary>
/// A node: it owns UDP sockets, a state folder and the virtual networks that it joins. Several may run in one process. Any thread may call any member. Events are raised
/// one after another, in order, on the thread pool, with no lock held.
/// </summary>
public sealed class LanyardNode : IAsyncDisposable
{
    private static readonly TimeSpan FinishPollInterval = TimeSpan.FromMilliseconds(5);

    private readonly NodeRuntime _runtime;
    private readonly ILanyardStore _store;
    private readonly ILogger _logger;
    private readonly Signal _onlineChanged = new();
    private readonly DateTimeOffset _startedAt;
    private readonly object _disposeLock = new();

    // Under the gate; published whole.
    private volatile LanyardNetwork[] _networks = [];
    private volatile bool _isOnline;
    private Task? _disposing;

    internal LanyardNode(LanyardOptions options, ILanyardStore store, Identity identity, NodeRuntime runtime, ILogger logger)
    {
        Options = options;
        _startedAt = options.TimeProvider.GetUtcNow();
        Identity = identity.WithoutSecret();
        _store = store;
        _runtime = runtime;
        _logger = logger;
        runtime.Host.OnOnlineChanged = RaiseOnlineChanged;
        runtime.Host.OnPeerChanged = args => PeerChanged?.Invoke(this, args);
        runtime.Host.OnUserMessage = args => UserMessageReceived?.Invoke(this, args);
    }

    /// <summary>Raised when the status, configuration or addresses of a network changed, or when a network was left.</summary>
    public event EventHandler<LanyardNetworkEventArgs>? NetworkChanged;

    /// <summary>Raised when a peer became known, or when packets to it changed between direct and relayed.</summary>
    public event EventHandler<LanyardPeerEventArgs>? PeerChanged;

    /// <summary>Raised when <see cref="IsOnline"/> changed.</summary>
    public event EventHandler? OnlineChanged;

    /// <summary>Raised when a message arrived that another node sent with <see cref="SendUserMessage"/>.</summary>
    public event EventHandler<LanyardUserMessageEventArgs>? UserMessageReceived;

    /// <summary>The options the node was started with.</summary>
    public LanyardOptions Options { get; }

    /// <summary>The node's identity, without its secret key.</summary>
    public Identity Identity { get; }

    /// <summary>The address of the node.</summary>
    public NodeAddress Address => Identity.Address;

    /// <summary>Whether the node reaches a root, or is a root.</summary>
    public bool IsOnline => _isOnline;

    /// <summary>A snapshot of the node's state.</summary>
    public LanyardNodeStatus Status
    {
        get
        {
            using (Hold())
                return LanyardNodeStatus.Of(_runtime, _startedAt);
        }
    }

    /// <summary>The joined networks, by ascending ID.</summary>
    public IReadOnlyList<LanyardNetwork> Networks => _networks;

    /// <summary>Returns a snapshot of the peers, by ascending address.</summary>
    public IReadOnlyList<LanyardPeerInfo> GetPeers()
    {
        using (Hold())
            return [.. _runtime.Engine.Peers(_runtime.NowMs).Select(peer => peer.ToPublic())];
    }

    /// <summary>Counters of what the node did, and of what it dropped and why. They are read without the node's lock and may be slightly old.</summary>
    public NodeCounters Counters => _runtime.Engine.Counters;

    /// <summary>The number of datagrams that the system did not accept.</summary>
    internal long SendFailures => _runtime.SendFailures;

    /// <summary>The UDP endpoints that the node is bound to.</summary>
    public IReadOnlyList<IPEndPoint> BoundEndPoints => _runtime.BoundEndpoints.Select(endpoint => endpoint.ToIPEndPoint()).ToArray();

    /// <summary>The UDP port of all sockets of the node, including sockets that are bound later: see <see cref="LanyardOptions.AwaitBindAddresses"/>.</summary>
    public int Port => _runtime.Port;

    /// <summary>The planet, which names the roots; null if none is known.</summary>
    public World? Planet
    {
        get
        {
            using (Hold())
                return _runtime.Engine.Planet;
        }
    }

    /// <summary>The moons that the node follows.</summary>
    public IReadOnlyList<World> Moons
    {
        get
        {
            using (Hold())
                return _runtime.Engine.Moons.ToArray();
        }
    }

    /// <summary>
    /// The controller of networks that takes requests for configurations; null if this node is not a controller. It is called with the node's lock held, so it must
    /// neither call this node nor wait for a thread that does. It replies with <see cref="Send"/>.
    /// </summary>
    public INetworkController? Controller
    {
        get
        {
            using (Hold())
                return _runtime.Engine.Controller;
        }
        set
        {
            using (Hold())
                _runtime.Engine.Controller = value;
        }
    }

    /// <summary>Starts a node. It connects to its roots in the background: see <see cref="WaitUntilOnlineAsync"/>.</summary>
    /// <param name="options">The options.</param>
    /// <param name="cancellationToken">Cancels the generation of an identity.</param>
    /// <exception cref="LanyardStateException">The state folder, or a file in it, cannot be used; the exception names it.</exception>
    /// <exception cref="LanyardStateInUseException">Another node uses the folder.</exception>
    /// <exception cref="LanyardException">No UDP socket can be bound.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static async Task<LanyardNode> StartAsync(LanyardOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        var logger = options.LoggerFactory?.CreateLogger("Lanyard") ?? NullLogger.Instance;
        // Reading files and generating keys would block a user interface thread.
        return await Task.Run(() => NodeStart.RunAsync(options, logger, cancellationToken), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Waits until <see cref="IsOnline"/>.</summary>
    /// <exception cref="ObjectDisposedException">The node was disposed of.</exception>
    public async Task WaitUntilOnlineAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var changed = _onlineChanged.Next;
            ObjectDisposedException.ThrowIf(_disposing is not null, this);
            if (_isOnline)
                return;
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Joins a network and waits until this node has an address on it. With a stored configuration it has one at once.</summary>
    /// <param name="network">The network.</param>
    /// <param name="cancellationToken">Cancels the wait. The network stays joined.</param>
    /// <returns>The network.</returns>
    /// <exception cref="LanyardNetworkException">The controller refuses this node, did not reply within <see cref="LanyardOptions.JoinTimeout"/>, or assigned no
    /// address. The network stays joined, and comes up when the controller admits the node, until <see cref="LeaveAsync"/>.</exception>
    /// <exception cref="ObjectDisposedException">The node was disposed of.</exception>
    public async Task<LanyardNetwork> JoinAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        var joined = Join(network);
        joined.AskAgain();
        using var timeout = new Deadline(Options.TimeProvider, Options.JoinTimeout, cancellationToken);
        try
        {
            await joined.WaitUntilReadyAsync(waitForAuthorization: false, timeout.Token).ConfigureAwait(false);
            return joined;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw joined.Errors.TimedOut(Options.JoinTimeout);
        }
    }

    /// <summary>Joins a network as <see cref="JoinAsync(NetworkId, CancellationToken)"/> does, with the network ID as sixteen hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a network ID.</exception>
    /// <exception cref="LanyardNetworkException">As for the other overload.</exception>
    /// <exception cref="ObjectDisposedException">The node was disposed of.</exception>
    public Task<LanyardNetwork> JoinAsync(string network, CancellationToken cancellationToken = default) =>
        JoinAsync(NetworkId.Parse(network), cancellationToken);

    /// <summary>
    /// Joins a network without waiting. Returns the network if it is joined already. The node stores its joined networks: see
    /// <see cref="LanyardOptions.JoinKnownNetworks"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The ID is zero.</exception>
    /// <exception cref="ObjectDisposedException">The node was disposed of.</exception>
    public LanyardNetwork Join(NetworkId network)
    {
        if (network.IsNone)
            throw new ArgumentException("The network ID is zero.", nameof(network));
        using (Hold())
        {
            if (TryGetNetwork(network, out var joined))
                return joined;
            joined = new LanyardNetwork(this, _runtime, network);
            _networks = _networks.Append(joined).OrderBy(n => n.Id).ToArray();
            // The file records that the network is joined, before there is a configuration to store.
            if (_runtime.State.Load(StateKind.NetworkConfig, network.Value) is null)
                _runtime.State.Save(StateKind.NetworkConfig, network.Value, "\n"u8);
            return joined;
        }
    }

    /// <summary>Finds a joined network.</summary>
    public bool TryGetNetwork(NetworkId network, [NotNullWhen(true)] out LanyardNetwork? joined)
    {
        joined = Array.Find(_networks, n => n.Id == network);
        return joined is not null;
    }

    /// <summary>Finds the joined network that leads to a destination: the network with the longest matching prefix among its addresses and routes.</summary>
    /// <param name="destination">The destination, of either family.</param>
    /// <param name="preferHostNetwork">Whether to skip ranges that the host itself reaches: its own LAN, and host routes that are at least as specific as the
    /// range. Ranges that <see cref="LanyardNetworkSettings.AllowManagedNetworks"/> names are never skipped. Default false.</param>
    /// <returns>The network; null if no network leads to the destination, and for loopback and unspecified addresses.</returns>
    public LanyardNetwork? FindNetwork(IPAddress destination, bool preferHostNetwork = false) => FindNetwork(_networks, destination, preferHostNetwork);

    /// <summary>Finds the network that leads to a destination, as <see cref="FindNetwork(IPAddress, bool)"/> does, among the given networks of one or more nodes.</summary>
    /// <param name="networks">The networks. Of several with the longest prefix, the first is returned.</param>
    /// <param name="destination">The destination, of either family.</param>
    /// <param name="preferHostNetwork">As for the other overload.</param>
    /// <returns>The network; null if no network leads to the destination.</returns>
    public static LanyardNetwork? FindNetwork(IEnumerable<LanyardNetwork> networks, IPAddress destination, bool preferHostNetwork = false)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(destination);
        var address = InetAddress.FromIPAddress(destination);
        LanyardNetwork? found = null;
        var longest = -1;
        foreach (var network in networks)
        {
            var bits = network.Port.PrefixBitsTo(address, preferHostNetwork);
            if (bits > longest)
                (found, longest) = (network, bits);
        }

        return found;
    }

    /// <summary>
    /// Leaves a network and deletes its configuration and settings. Streams, listeners and sockets on the network are closed. Does nothing if the network is not joined.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="cancellationToken">Cancels the wait for disposed streams to finish sending. The network is left all the same.</param>
    public async Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default)
    {
        if (!TryGetNetwork(network, out var joined))
            return;
        await FinishAsync([joined], cancellationToken).ConfigureAwait(false);
        using (Hold())
        {
            if (joined.Port.IsLeft)
                return;
            joined.Port.Shutdown();
            _runtime.Ports.Remove(joined.Port);
            _runtime.Engine.Leave(network);
            _runtime.State.Delete(StateNames.NetworkSettings(network.Value));
            _networks = _networks.Where(n => n != joined).ToArray();
            RaiseNetworkChanged(joined, joined.Status);
        }
    }

    /// <summary>Returns a snapshot of a peer; null if the peer is unknown.</summary>
    public LanyardPeerInfo? FindPeer(NodeAddress address)
    {
        using (Hold())
            return _runtime.Engine.FindPeer(_runtime.NowMs, address)?.ToPublic();
    }

    /// <summary>
    /// Adds a planet or a moon, and stores it. Returns false if the known one is newer, or if the signature is not from the known one's update key.
    /// </summary>
    public bool AddWorld(World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        using (Hold())
            return _runtime.Engine.AddWorld(_runtime.NowMs, world);
    }

    /// <summary>Follows a moon. If the moon is not stored, the node requests it from one of its roots.</summary>
    /// <param name="moon">The ID of the moon.</param>
    /// <param name="seed">One of its roots; the default value if the moon is stored.</param>
    public void Orbit(ulong moon, NodeAddress seed)
    {
        using (Hold())
            _runtime.Engine.Orbit(_runtime.NowMs, moon, seed);
    }

    /// <summary>Stops following a moon. Returns false if the node did not follow it.</summary>
    public bool Deorbit(ulong moon)
    {
        using (Hold())
            return _runtime.Engine.Deorbit(moon);
    }

    /// <summary>
    /// Sends a message of this node's controller: a reply to a request, or a message that no member requested. A pushed configuration is repeated until the member
    /// acknowledges it. Call it without a lock that <see cref="Controller"/> takes.
    /// </summary>
    /// <exception cref="ArgumentException">The message lacks the configuration or revocation that its kind requires.</exception>
    public void Send(ControllerMessage message)
    {
        using (Hold())
            _runtime.Engine.Send(_runtime.NowMs, message);
    }

    /// <summary>Sends an application message to another node. It may get lost.</summary>
    /// <param name="destination">The node.</param>
    /// <param name="type">The application's type number, 65,536 or more.</param>
    /// <param name="message">The message, at most 9,900 bytes.</param>
    /// <exception cref="ArgumentException">The message is too long.</exception>
    public void SendUserMessage(NodeAddress destination, ulong type, ReadOnlySpan<byte> message)
    {
        using (Hold())
            _runtime.Engine.SendUserMessage(_runtime.NowMs, destination, type, message);
    }

    /// <summary>
    /// Changes the settings of physical paths: <see cref="LanyardOptions.ExcludedInterfacePrefixes"/>,
    /// <see cref="LanyardOptions.BlockedPhysicalNetworks"/>, <see cref="LanyardOptions.BlockedPeerNetworks"/>,
    /// <see cref="LanyardOptions.PeerHints"/>, <see cref="LanyardOptions.TrustedPaths"/> and <see cref="LanyardOptions.PathMtus"/>. The
    /// node drops paths that they forbid. All other options keep the values of the start.
    /// </summary>
    /// <exception cref="ArgumentException">The options contradict each other, or one is out of range.</exception>
    /// <exception cref="ObjectDisposedException">The node was disposed of.</exception>
    public void ChangePaths(LanyardOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        ObjectDisposedException.ThrowIf(_disposing is not null, this);
        _runtime.ChangePaths(Options with
        {
            ExcludedInterfacePrefixes = options.ExcludedInterfacePrefixes,
            BlockedPhysicalNetworks = options.BlockedPhysicalNetworks,
            BlockedPeerNetworks = options.BlockedPeerNetworks,
            PeerHints = options.PeerHints,
            TrustedPaths = options.TrustedPaths,
            PathMtus = options.PathMtus,
        });
    }

    /// <summary>Reports that the physical network changed, on systems that do not report it. The node tries all paths anew.</summary>
    public void NotifyNetworkChanged() => _runtime.CheckEnvironment(isForced: true);

    /// <summary>
    /// Ends the node: disposed streams get <see cref="LanyardOptions.ShutdownTimeout"/> to finish sending, all other connections are reset, the state is stored, and the
    /// sockets and threads end.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        lock (_disposeLock)
            _disposing ??= Task.Run(EndAsync);
        return new ValueTask(_disposing);
    }

    /// <summary>Under the gate.</summary>
    internal void RaiseNetworkChanged(LanyardNetwork network, LanyardNetworkStatus status)
    {
        if (NetworkChanged is { } handler)
            _runtime.Events.Add(() => handler(this, new LanyardNetworkEventArgs(network, status)));
    }

    /// <summary>Starts the threads.</summary>
    internal void Start()
    {
        _runtime.Start();
#if NET
        LanyardMetrics.Add(this);
#endif
        Log.Started(_logger, Address, string.Join(", ", BoundEndPoints.Select(e => e.ToString())), (_store as LanyardFolderStore)?.Directory ?? "memory");
    }

    private async Task EndAsync()
    {
        _onlineChanged.Raise();
#if NET
        LanyardMetrics.Remove(this);
#endif
        await FinishAsync(_networks, CancellationToken.None).ConfigureAwait(false);
        using (Hold(evenIfEnding: true))
        {
            foreach (var network in _networks)
                network.Port.Shutdown();
        }

        _runtime.Dispose();
        await _runtime.State.FlushAsync().ConfigureAwait(false);
        if (Options.Store is null)
            (_store as IDisposable)?.Dispose();
        if (Options.Identity is null)
            _runtime.Engine.Identity.Dispose();
        // Raise the pending events, unless a handler takes too long.
        await Task.WhenAny(_runtime.Events.DrainAsync(), Deadline.Delay(Options.TimeProvider, Options.ShutdownTimeout)).ConfigureAwait(false);
        Log.Ended(_logger, Address);
    }

    // Waits until disposed streams have sent their remaining bytes.
    private async Task FinishAsync(LanyardNetwork[] networks, CancellationToken cancellationToken)
    {
        var start = Options.TimeProvider.GetTimestamp();
        while (Options.TimeProvider.GetElapsedTime(start) < Options.ShutdownTimeout && !cancellationToken.IsCancellationRequested && IsFinishing(networks))
            await Deadline.Delay(Options.TimeProvider, FinishPollInterval, CancellationToken.None).ConfigureAwait(false);
    }

    private bool IsFinishing(LanyardNetwork[] networks)
    {
        using (Hold(evenIfEnding: true))
            return Array.Exists(networks, network => network.Port.IsFinishing);
    }

    private void RaiseOnlineChanged()
    {
        _isOnline = _runtime.Engine.IsOnline;
        _onlineChanged.Raise();
        if (OnlineChanged is { } handler)
            _runtime.Events.Add(() => handler(this, EventArgs.Empty));
    }

    private GateHold Hold(bool evenIfEnding = false)
    {
        ObjectDisposedException.ThrowIf(_disposing is not null && !evenIfEnding, this);
        return new GateHold(_runtime);
    }
}
