using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Handles programs' requests about their sockets, and owns the parts that do the work. A program's socket is a system socket, bound to a loopback alias
/// address (the near end); the peer of each of its connections has such an address too (the far end).
/// </summary>
internal sealed class InterceptHub : IDisposable
{
    // The maximum number of sockets that a sweep checks; the next sweep continues.
    private const int MaxChecks = 2_048;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly LanyardNode _node;
    private readonly VirtualNetworks _networks;
    private readonly SocketMemory _memory;
    private readonly SocketProbe _probe = new();
    private readonly AddressMap _addresses = new();
    private readonly SocketTable _sockets;
    private readonly Connections _connections;
    private readonly Listeners _listeners;
    private readonly Datagrams _datagrams;
    private readonly Bindings _bindings;
    private readonly GroupRequests _groups;
    private readonly SocketNames _names;
    private readonly Queue<ProgramSocket> _toCheck = new();
    private readonly Timer _sweep;

    /// <param name="node">The node whose networks programs use.</param>
    /// <param name="mayUse">Returns whether a user's programs may use a network.</param>
    /// <param name="memoryPath">The file that stores the sockets for the next service process; null for none.</param>
    public InterceptHub(LanyardNode node, Func<uint, LanyardNetwork, bool> mayUse, string? memoryPath)
    {
        _node = node;
        _networks = new VirtualNetworks(node, mayUse);
        _memory = new SocketMemory(memoryPath);
        var table = new DatagramTable();
        _sockets = new SocketTable(_addresses, _probe, table, _memory.Key);
        _connections = new Connections(_sockets, _addresses, _networks, _probe);
        _listeners = new Listeners(_sockets, _addresses, _networks, _probe);
        _datagrams = new Datagrams(_sockets, _addresses, _networks, table, _memory.FormerPort);
        _bindings = new Bindings(_sockets, _networks, _datagrams);
        _groups = new GroupRequests(_sockets, _networks, _datagrams, table);
        _names = new SocketNames(_sockets, _addresses, _networks, table, _datagrams.Port);
        _memory.Follow(_sockets, _addresses, _datagrams.Port);
        foreach (var known in _memory.Former)
            Adopt(known);
        OpenAll();
        node.NetworkChanged += OnNetworkChanged;
        _sweep = new Timer(static hub => ((InterceptHub)hub!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>The number of programs' sockets.</summary>
    public int SocketCount
    {
        get
        {
            lock (_sockets.Lock)
                return _sockets.All.Count;
        }
    }

    /// <summary>The number of open and pending connections.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_sockets.Lock)
                return _addresses.ConnectionCount;
        }
    }

    /// <summary>The number of datagrams dropped because they came from a program's address without the socket's token.</summary>
    public long RefusedDatagramCount => _datagrams.RefusedCount;

    /// <summary>The number of requests about a connection or datagram at a loopback alias address that this service did not create.</summary>
    public long RefusedNameCount => _names.RefusedCount;

    /// <summary>Handles a program's request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="descriptor">The socket. The caller closes it.</param>
    /// <param name="second">For an accepted connection, its listener; for a datagram socket, the socket that sends for it to the system's network. Null if the
    /// request carried none. The caller closes it.</param>
    public InterceptReply Handle(in InterceptRequest request, SocketDescriptor descriptor, SocketDescriptor? second)
    {
        if (!SocketRequest.TryRead(request, out var read) || descriptor.Type == 0 || descriptor.User is not { } user)
            return InterceptReply.Failed(Errno.BadRequest);
        var isStream = descriptor.Type == InterceptSocketType.Stream;
        var owner = new SocketOwner(user, request.Network);
        if (LoopbackAliases.IsFar(read.Virtual.Address))
        {
            lock (_sockets.Lock)
                read = read with { Virtual = read.Virtual with { Address = _addresses.Names.Resolve(user, read.Virtual.Address) } };
        }

        return request.Operation switch
        {
            InterceptOperation.Connect when isStream => _connections.Connect(descriptor, read.Virtual, owner),
            InterceptOperation.Outcome when isStream => _connections.Outcome(descriptor),
            InterceptOperation.Bind => _bindings.Bind(descriptor, read, owner),
            InterceptOperation.Listen when isStream => _listeners.Listen(descriptor, request.Backlog, owner),
            InterceptOperation.Options when isStream => _connections.ApplyOptions(descriptor),
            InterceptOperation.Names => _names.Find(descriptor, second, read.Far, owner),
            InterceptOperation.Send when !isStream => _datagrams.Send(descriptor, second, read, owner),
            InterceptOperation.Group when !isStream => _groups.Change(descriptor, read, owner),
            InterceptOperation.Disconnect when !isStream => _datagrams.Disconnect(descriptor),
            InterceptOperation.Options => _groups.ApplyOptions(descriptor, read, owner),
            _ => InterceptReply.Failed(Errno.BadRequest),
        };
    }

    /// <summary>Returns this node's addresses on the networks that a user sees, each with its interface.</summary>
    public InterceptInterface[] Interfaces(SocketOwner owner) =>
        [.. _networks.Of(owner).SelectMany(network => network.Addresses.Select(address => VirtualInterfaces.Describe(network, address)))];

    /// <summary>Resolves a host name on the networks that a user sees; null if it is on none of them.</summary>
    public async ValueTask<IReadOnlyList<InetAddress>?> ResolveAsync(string name, SocketOwner owner, CancellationToken cancellationToken)
    {
        foreach (var network in _networks.Of(owner))
        {
            try
            {
                return await network.ResolveAsync(name, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is LanyardException or OperationCanceledException)
            {
                // Try the next network.
            }
        }

        return null;
    }

    /// <summary>Resolves a host name on the networks that a user sees, to IPv4 addresses only. A loopback alias address represents an IPv6 address.</summary>
    public async ValueTask<IReadOnlyList<InetAddress>?> ResolveV4Async(string name, SocketOwner owner, CancellationToken cancellationToken)
    {
        var addresses = await ResolveAsync(name, owner, cancellationToken).ConfigureAwait(false);
        if (addresses is null || addresses.Any(address => address.IsV4))
            return addresses?.Where(address => address.IsV4).ToArray();
        lock (_sockets.Lock)
            return [.. addresses.Select(address => _addresses.Names.Take(owner.User, address)).Where(alias => alias.IsV4)];
    }

    public void Dispose()
    {
        _node.NetworkChanged -= OnNetworkChanged;
        _memory.Write();
        if (!_sockets.Close())
            return;
        _sweep.Dispose();
        _memory.Dispose();
        _connections.Dispose();
        _probe.Dispose();
        _datagrams.Dispose();
    }

    // Adopts a socket of the previous service process, if the kernel reports that it is still the same socket.
    private void Adopt(RememberedSocket known)
    {
        if (!_probe.IsPresent(known))
            return;
        lock (_sockets.Lock)
        {
            if (_sockets.Adopt(known) is not { } socket)
                return;
            if (!known.Remote.IsNone && known.Far.Port == _datagrams.Port)
            {
                _addresses.Datagrams.Restore(new FarKey(known.User, known.Remote), known.Far.Address);
                socket.Connected = (default, known.Far);
            }

            if (known.Backlog != 0)
                _listeners.Adopt(socket, known.Backlog);
        }
    }

    private void OnNetworkChanged(object? sender, LanyardNetworkEventArgs e) => _ = Task.Run(OpenAll);

    // Opens listeners and datagram sockets on networks that came up.
    private void OpenAll()
    {
        ProgramSocket[] sockets;
        lock (_sockets.Lock)
            sockets = _sockets.IsDisposed ? [] : [.. _sockets.All.Where(socket => socket.IsRemembered)];
        _listeners.OpenAll(sockets);
        foreach (var socket in sockets)
        {
            if (socket is { Type: InterceptSocketType.Datagram, IsEcho: false })
                _datagrams.Open(socket)?.OpenAll();
        }
    }

    // Removes closed sockets. Programs do not report that they close a socket or end.
    private void Sweep()
    {
        _datagrams.Sweep();
        for (var checks = 0; checks < MaxChecks; checks++)
        {
            ProgramSocket? socket;
            lock (_sockets.Lock)
            {
                if (_sockets.IsDisposed || (_toCheck.Count == 0 && checks > 0))
                    return;
                if (_toCheck.Count == 0)
                    EnqueueChecks();
                if (!_toCheck.TryDequeue(out socket))
                    return;
            }

            _sockets.KeepIfAlive(socket);
        }
    }

    // Runs under the lock. Skips sockets with an open or pending connection, whose end the service notices.
    private void EnqueueChecks()
    {
        foreach (var known in _sockets.All)
        {
            if (known is not { Listener: null, Attempt.Outcome: null or 0 })
                _toCheck.Enqueue(known);
        }
    }
}
