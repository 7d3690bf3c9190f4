using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Intercept.Supervision;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// What programs' sockets stand for on the virtual networks, and what moves their bytes. A program's socket is one of the system's, bound to a loopback
/// address of its own (its near end); the other end of each of its connections has such an address too (the far end). This knows both.
/// </summary>
/// <remarks>
/// Who has a descriptor of a socket may use the socket, whoever that is; programs hand it in with what they ask, so that it is certain which socket is meant.
/// A new one is its maker's, and so are the networks that it sees. All state is under one lock, which is never held while something is waited for.
/// </remarks>
internal sealed partial class InterceptHub : IDisposable
{
    private const int MaxSocketsOfUser = 65_536;
    private const int BindTrials = 8;
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly LanyardNode _node;
    private readonly VirtualNetworks _networks;
    private readonly LoopbackSockets _sockets = new();
    private readonly StandIns _standIns = new();
    private readonly NameAliases _nameAliases;
    private readonly SystemSockets _systemSockets = new();
    private readonly Dictionary<ulong, ProgramSocket> _programSockets = [];
    private readonly Dictionary<(InterceptSocketType Type, ushort Port), List<ProgramSocket>> _ports = [];
    private readonly Dictionary<InetAddress, ConnectionNames> _far = [];
    private readonly Dictionary<uint, int> _socketsOfUser = [];
    private readonly LoopbackDatagrams _datagrams;
    private readonly Pings _pings;
    private readonly SocketTokenKey _tokenKey;
    private readonly Timer _sweep;
    private long _refusedDatagrams;
    private long _refusedNames;
    private bool _isDisposed;

    /// <param name="node">The node whose networks programs use.</param>
    /// <param name="mayUse">Whether a user's programs may use a network.</param>
    /// <param name="memoryPath">Where it is remembered which sockets there are, for a service that comes after this one; null: nowhere.</param>
    public InterceptHub(LanyardNode node, Func<uint, LanyardNetwork, bool> mayUse, string? memoryPath)
    {
        _node = node;
        _memoryPath = memoryPath;
        _memory = new Timer(static hub => ((InterceptHub)hub!).Remember(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _networks = new VirtualNetworks(node, mayUse);
        _datagramFars = new DatagramFars(_standIns);
        _nameAliases = new NameAliases(_standIns);
        _tokenKey = ReadMemory(out var known, out var port);
        _datagrams = new LoopbackDatagrams(ReceiveFromProgram, port);
        _pings = new Pings(this);
        Adopt(known);
        node.NetworkChanged += OnNetworkChanged;
        _sweep = new Timer(static hub => ((InterceptHub)hub!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>Programs' sockets that are known.</summary>
    public int SocketCount
    {
        get
        {
            lock (_lock)
                return _programSockets.Count;
        }
    }

    /// <summary>Connections that are carried, or about to be.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_lock)
                return _far.Count;
        }
    }

    /// <summary>Datagrams dropped since they claimed to come from a program's socket and did not carry its token.</summary>
    public long RefusedDatagramCount => Interlocked.Read(ref _refusedDatagrams);

    /// <summary>Questions about a connection or a datagram at a loopback alias address that is not this service's.</summary>
    public long RefusedNameCount => Interlocked.Read(ref _refusedNames);

    /// <summary>Answers a program.</summary>
    /// <param name="request">What it asks for.</param>
    /// <param name="descriptor">The socket that it is about. It is the caller's to close.</param>
    /// <param name="second">For an accepted connection, its listener; for a datagram socket, the socket that sends for it to the system's network. Null if the
    /// request carried none. The caller closes it.</param>
    public InterceptReply Handle(in InterceptRequest request, SocketDescriptor descriptor, SocketDescriptor? second)
    {
        if (request.Magic != InterceptRequest.ExpectedMagic || !request.VirtualEndpoint.TryRead(out var endpoint) || !request.FarEndpoint.TryRead(out var far) || !request.OwnEndpoint.TryRead(out var own)
            || descriptor.Type == 0 || descriptor.User is not { } user)
            return InterceptReply.Failed(Errno.BadRequest);
        var isStream = descriptor.Type == InterceptSocketType.Stream;
        if (StandIns.IsFar(endpoint.Address))
        {
            lock (_lock)
                endpoint = endpoint with { Address = _nameAliases.Resolve(user, endpoint.Address) };
        }

        return request.Operation switch
        {
            InterceptOperation.Connect when isStream => Connect(descriptor, endpoint, request.Network, user),
            InterceptOperation.Outcome when isStream => Outcome(descriptor),
            InterceptOperation.Bind => Bind(descriptor, endpoint, request, user),
            InterceptOperation.Listen when isStream => Listen(descriptor, request.Backlog, request.Network, user),
            InterceptOperation.Options when isStream => Options(descriptor),
            InterceptOperation.Names => InFamilyOf(descriptor, Names(descriptor, second, far, request.Network, user), user),
            InterceptOperation.Send when !isStream => Send(descriptor, second, endpoint, own.Address, request, user),
            InterceptOperation.Group when !isStream => Group(descriptor, endpoint, far.Address, own.Address, request, user),
            InterceptOperation.Disconnect when !isStream => Disconnect(descriptor),
            InterceptOperation.Options => Options(descriptor, own.Address, request, user),
            _ => InterceptReply.Failed(Errno.BadRequest),
        };
    }

    /// <summary>What a host's name means on the networks that a user sees; null where it is none of theirs.</summary>
    public async ValueTask<IReadOnlyList<InetAddress>?> ResolveAsync(string name, ulong only, uint user, CancellationToken gaveUp)
    {
        foreach (var network in _networks.Of(user, only))
        {
            try
            {
                return await network.ResolveAsync(name, gaveUp).ConfigureAwait(false);
            }
            catch (Exception e) when (e is LanyardException or OperationCanceledException)
            {
                // The next may know.
            }
        }

        return null;
    }

    public void Dispose()
    {
        _node.NetworkChanged -= OnNetworkChanged;
        Remember();
        ProgramSocket[] sockets;
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            sockets = [.. _programSockets.Values];
            foreach (var socket in sockets)
                Forget(socket);
        }

        _sweep.Dispose();
        _memory.Dispose();
        _sockets.Dispose();
        _systemSockets.Dispose();
        _datagrams.Dispose();
        _outsideSockets.Dispose();
    }

    private InterceptReply Names(SocketDescriptor descriptor, SocketDescriptor? listener, InetEndpoint sender, ulong only, uint user)
    {
        lock (_lock)
        {
            var socket = Find(descriptor);
            if (descriptor.Type == InterceptSocketType.Datagram && (!sender.IsNone || descriptor.TryGetFar(out sender)))
            {
                // The kernel drops what comes to a socket that is known here from whom but the service. Nobody else has its port.
                if (socket is null || sender.Port != _datagrams.Port || !_datagramFars.TryFind(sender.Address, out var from) || from.Key.User != socket.User)
                    return Refused();
                return DatagramNames(socket, from.Key, only);
            }

            if (descriptor.Type == InterceptSocketType.Stream && descriptor.TryGetFar(out var far))
            {
                // A socket whose connection attempt is being refused is not connected.
                if (socket?.Attempt?.Outcome is not (null or 0) || FindConnection(descriptor, far) is not { } names)
                    return Refused();
                if (listener is not null && names.Acceptance is { } acceptance && acceptance.Listener == listener.Cookie)
                {
                    acceptance.IsAccepted = true;
                    names.Connection.Set(ProgramSocketOptions.Read(descriptor, isOpening: false));
                }

                return InterceptReply.Of(names.Local, names.Remote);
            }

            if (socket is null)
                return InterceptReply.Host;
            // What is bound to all addresses of both families is an IPv6 socket.
            return InterceptReply.Of(socket.Local.IsNone
                ? new InetEndpoint((socket.Traits & SocketTraits.V6) == 0 ? InetAddress.AnyV4 : InetAddress.AnyV6, socket.Local.Port) : socket.Local);
        }
    }

    // Under the lock: what a connection stands for that this service opened, and nobody else with the same far address and port. Null: it is none of these.
    private ConnectionNames? FindConnection(SocketDescriptor descriptor, InetEndpoint far) =>
        _far.TryGetValue(far.Address, out var names) && names.FarPort != 0 && names.FarPort == far.Port && descriptor.TryGetNear(out var near) && near == names.Near
            ? names : null;

    private InterceptReply Refused()
    {
        Interlocked.Increment(ref _refusedNames);
        return InterceptReply.Host;
    }

    private InterceptReply Bind(SocketDescriptor descriptor, InetEndpoint local, in InterceptRequest request, uint user)
    {
        if (local.IsNone)
            return InterceptReply.Failed(Errno.BadRequest);
        var isShared = (request.Flags & InterceptFlags.Shared) != 0 && descriptor.Type == InterceptSocketType.Datagram;
        if (local.Address.IsUnspecified)
        {
            // A socket that is also on the system's network needs no virtual network yet. It opens on virtual networks when they appear.
            if (!isShared && !_networks.Of(user, request.Network).Any())
                return InterceptReply.Failed(Errno.NetworkDown);
        }
        else if (local.Address.IsMulticast)
        {
            // A datagram socket that receives only one group.
            if (descriptor.Type != InterceptSocketType.Datagram || (request.Flags & InterceptFlags.Groups) == 0 || !_networks.Of(user, request.Network).Any())
                return InterceptReply.Host;
        }
        else if (_networks.FindOwner(local.Address, user, request.Network) is null)
        {
            return InterceptReply.Host;
        }

        if (!descriptor.TryGetNear(out var near) || (near.Port != 0 && (!isShared || !near.Address.IsUnspecified)))
            return InterceptReply.Failed(Errno.BadRequest);
        if (near.Port != 0)
            local = local with { Port = near.Port };
        var traits = descriptor.Traits;
        // What is bound to all IPv6 addresses hears on the IPv4 ones as well, unless it says otherwise.
        if (local.Address == InetAddress.AnyV6 && (traits & SocketTraits.V6Only) == 0)
            local = new InetEndpoint(default, local.Port);
        ProgramSocket? bound;
        lock (_lock)
        {
            if (local.Port == 0)
            {
                ushort port;
                if (isShared ? TryBindShared(descriptor, local.Address, out port) is var unbound and not 0 : !TryChoosePort(descriptor.Type, local.Address, out port))
                    return InterceptReply.Failed(Errno.AddressInUse);
                local = local with { Port = port };
            }
            else if (IsTaken(descriptor.Type, local, traits, user))
            {
                return InterceptReply.Failed(Errno.AddressInUse);
            }

            var isEcho = (request.Flags & InterceptFlags.Echo) != 0 && descriptor.Type == InterceptSocketType.Datagram;
            var error = TryMake(descriptor, local, user, request.Network, isEcho ? SocketTraits.Echo : SocketTraits.None, out bound);
            if (error != 0)
                return InterceptReply.Failed(error);
        }

        if (bound is { Type: InterceptSocketType.Datagram, IsEcho: false } && Open(bound, descriptor)?.OpenAll() != true
            && !(isShared && !_networks.Of(user, request.Network).Any()))
        {
            lock (_lock)
                Forget(bound);
            return InterceptReply.Failed(Errno.AddressInUse);
        }

        return InterceptReply.Of(default);
    }

    // Under the lock.
    private ProgramSocket? Find(SocketDescriptor descriptor) => _programSockets.GetValueOrDefault(descriptor.Cookie);

    // Under the lock: binds a socket to an address that stands for its own, unless it is bound. 0, or an error number.
    private int TryMake(SocketDescriptor descriptor, InetEndpoint local, uint user, ulong only, SocketTraits more, out ProgramSocket? socket)
    {
        socket = null;
        var cookie = descriptor.Cookie;
        if (_isDisposed || cookie == 0 || _socketsOfUser.GetValueOrDefault(user) >= MaxSocketsOfUser || !descriptor.TryGetNear(out var near))
            return Errno.NoBufferSpace;
        var traits = descriptor.Traits | more;
        SocketTokens tokens;
        AliasGuard? guard = null;
        if (near.Port == 0)
        {
            tokens = _tokenKey.Of(cookie);
            // Before it has an address that somebody could send to.
            if (Protect(descriptor, tokens, isOnAlias: true) is var unprotected and not 0)
                return unprotected;
            for (var trial = 1; ; trial++)
            {
                if (!_standIns.TryTakeNear(out near))
                    return Errno.NoBufferSpace;
                // If the system does not report bound sockets, the service cannot distinguish the guard from the program's socket. Bind without a guard.
                var error = descriptor.Type == InterceptSocketType.Datagram && _systemSockets.IsAvailable
                    ? AliasGuard.Bind(descriptor, near, out guard) : descriptor.Bind(near);
                if (error == 0)
                    break;
                _standIns.Release(near.Address);
                if (error != Errno.AddressInUse || trial == BindTrials)
                    return error;
            }
        }
        else if (StandIns.IsNear(near.Address))
        {
            // Bound earlier, by this service or by one before it, and forgotten since; or by the program itself, which then has no filter.
            if (!_standIns.TryTake(near.Address))
                return Errno.NetworkDown;
            tokens = _tokenKey.Of(cookie);
            if (descriptor.Type == InterceptSocketType.Datagram && !descriptor.HasFilter(SocketFilter.OfToken(tokens.ToProgram, isOnAlias: true)))
            {
                _standIns.Release(near.Address);
                return Errno.NetworkDown;
            }
        }
        else
        {
            // A socket that is bound to all addresses of the system speaks from 127.0.0.1 to one that stands for a virtual address.
            if (near.Address.IsUnspecified)
                near = near with { Address = InetAddress.FromV4(0x7f000001) };
            if (StandIns.IsFar(near.Address) || IsOfAnotherUser(descriptor.Type, near, user))
                return Errno.AddressInUse;
            tokens = _tokenKey.Of(user, near);
            if (Protect(descriptor, tokens, isOnAlias: false) is var unprotected and not 0)
                return unprotected;
        }

        if (_programSockets.TryGetValue(cookie, out var former))
            Forget(former);
        socket = new ProgramSocket(cookie, user, descriptor.Type, near, local, traits, only, tokens) { Guard = guard };
        Add(socket);
        return 0;
    }

    // Only datagrams: a TCP connection has a peer, which is found out. 0 or an error number.
    private static int Protect(SocketDescriptor descriptor, SocketTokens tokens, bool isOnAlias)
    {
        if (descriptor.Type != InterceptSocketType.Datagram)
            return 0;
        var error = descriptor.Attach(SocketFilter.OfToken(tokens.ToProgram, isOnAlias));
        // What is on an alias address speaks to nobody but the service. What speaks to the system's network as well carries the token there only.
        return error == 0 && isOnAlias ? descriptor.SetOptions(tokens.FromProgram) : error;
    }

    // Under the lock: whether another user has a socket at an address of the system that this one's is at as well.
    private bool IsOfAnotherUser(InterceptSocketType type, InetEndpoint near, uint user)
    {
        if (type != InterceptSocketType.Datagram || !_datagramSockets.TryGetValue(near, out var datagrams) || datagrams.Program.User == user)
            return false;
        if (IsAlive(datagrams.Program))
            return true;
        Forget(datagrams.Program);
        return false;
    }

    // Under the lock.
    private void Add(ProgramSocket socket)
    {
        _programSockets.Add(socket.Cookie, socket);
        if (socket.Local.Port != 0)
        {
            ref var sharing = ref CollectionsMarshal.GetValueRefOrAddDefault(_ports, (socket.Type, socket.Local.Port), out _);
            (sharing ??= []).Add(socket);
        }

        if (socket.IsEcho)
            _echoSockets[socket.Near] = socket;
        CollectionsMarshal.GetValueRefOrAddDefault(_socketsOfUser, socket.User, out _)++;
        if (IsRemembered(socket))
            NoteChange(socket);
    }

    // Under the lock.
    private void Forget(ProgramSocket socket)
    {
        if (!_programSockets.TryGetValue(socket.Cookie, out var present) || present != socket)
            return;
        _programSockets.Remove(socket.Cookie);
        socket.Guard?.Dispose();
        if (IsRemembered(socket))
            NoteChange(socket);
        if (StandIns.IsNear(socket.Near.Address))
            _standIns.Release(socket.Near.Address);
        if (--CollectionsMarshal.GetValueRefOrAddDefault(_socketsOfUser, socket.User, out _) <= 0)
            _socketsOfUser.Remove(socket.User);
        if (_ports.TryGetValue((socket.Type, socket.Local.Port), out var sharing) && sharing.Remove(socket) && sharing.Count == 0)
            _ports.Remove((socket.Type, socket.Local.Port));
        if (socket.IsEcho)
            _echoSockets.TryRemove(socket.Near, out _);
        else if (socket.Type == InterceptSocketType.Datagram && _datagramSockets.TryGetValue(socket.Near, out var datagrams) && datagrams.Program == socket
            && _datagramSockets.TryRemove(socket.Near, out _))
        {
            datagrams.Dispose();
            // Another socket of the same user may be bound to the same address of the system.
            if (!_isDisposed && !StandIns.IsNear(socket.Near.Address)
                && _programSockets.Values.FirstOrDefault(other => other.Type == socket.Type && other.Near == socket.Near) is { } next)
                _ = Task.Run(() => Open(next));
        }

        if (socket.Listener is not { } group)
            return;
        socket.Listener = null;
        group.Remove(socket);
        if (group.Count == 0)
            group.Dispose();
    }

    // Under the lock.
    private bool TryChoosePort(InterceptSocketType type, InetAddress address, out ushort port)
    {
        const int first = 32_768;
        const int count = 28_232;
        var start = RandomNumberGenerator.GetInt32(count);
        for (var i = 0; i < count; i++)
        {
            port = (ushort)(first + ((start + i) % count));
            if (Bound(type, new InetEndpoint(address, port)).FirstOrDefault() is null)
                return true;
        }

        port = 0;
        return false;
    }

    // Under the lock.
    private bool IsTaken(InterceptSocketType type, InetEndpoint local, SocketTraits traits, uint user)
    {
        foreach (var other in Bound(type, local).ToArray())
        {
            var both = traits & other.Traits;
            if ((both & SocketTraits.ReusePort) != 0 && other.User == user)
                continue;
            if ((both & SocketTraits.ReuseAddress) != 0 && other.User == user && other.Listener is null)
                continue;
            // Its program may have closed it a moment ago.
            if (IsPresent(other))
                return true;
            Forget(other);
        }

        return false;
    }

    // Under the lock: the sockets that are bound to a port and an address that meets the one given.
    private IEnumerable<ProgramSocket> Bound(InterceptSocketType type, InetEndpoint local) =>
        _ports.TryGetValue((type, local.Port), out var sharing) ? sharing.Where(other => Meets(other.Local.Address, local.Address)) : [];

    private static bool Meets(InetAddress a, InetAddress b) =>
        a == b || a.Family == InetFamily.None || b.Family == InetFamily.None || (a.Family == b.Family && (a.IsUnspecified || b.IsUnspecified));
}
