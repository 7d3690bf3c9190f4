using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

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
    private readonly SystemSockets _systemSockets = new();
    private readonly Dictionary<ulong, ProgramSocket> _programSockets = [];
    private readonly Dictionary<(InterceptSocketType Type, ushort Port), List<ProgramSocket>> _ports = [];
    private readonly Dictionary<InetAddress, ConnectionNames> _far = [];
    private readonly Dictionary<uint, int> _socketsOfUser = [];
    private readonly LoopbackDatagrams _datagrams;
    private readonly Pings _pings;
    private readonly Timer _sweep;
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
        _datagrams = new LoopbackDatagrams(ReceiveFromProgram);
        _pings = new Pings(this);
        Adopt();
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

    /// <summary>Answers a program.</summary>
    /// <param name="request">What it asks for.</param>
    /// <param name="descriptor">The socket that it is about. It is the caller's to close.</param>
    /// <param name="gaveUp">Says that the program does not wait any longer.</param>
    public ValueTask<InterceptReply> HandleAsync(InterceptRequest request, SocketDescriptor descriptor, CancellationToken gaveUp)
    {
        if (request.Magic != InterceptRequest.ExpectedMagic || !request.VirtualEndpoint.TryRead(out var endpoint) || !request.FarEndpoint.TryRead(out var far)
            || descriptor.Type == 0 || descriptor.User is not { } user)
            return ValueTask.FromResult(InterceptReply.Failed(Errno.BadRequest));
        var isStream = descriptor.Type == InterceptSocketType.Stream;
        return request.Operation switch
        {
            InterceptOperation.Connect when isStream => ConnectAsync(descriptor, endpoint, request.Network, user, gaveUp),
            InterceptOperation.Outcome when isStream => ValueTask.FromResult(Outcome(descriptor)),
            InterceptOperation.Bind => ValueTask.FromResult(Bind(descriptor, endpoint, request, user)),
            InterceptOperation.Listen when isStream => ValueTask.FromResult(Listen(descriptor, request.Backlog, request.Network, user)),
            InterceptOperation.Names => ValueTask.FromResult(Names(descriptor, far, request.Network, user)),
            InterceptOperation.Send when !isStream => ValueTask.FromResult(Send(descriptor, endpoint, request.Flags, request.Network, user)),
            InterceptOperation.Group when !isStream => ValueTask.FromResult(Group(descriptor, endpoint, (request.Flags & InterceptFlags.Join) != 0)),
            _ => ValueTask.FromResult(InterceptReply.Failed(Errno.BadRequest)),
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
    }

    private InterceptReply Names(SocketDescriptor descriptor, InetEndpoint sender, ulong only, uint user)
    {
        lock (_lock)
        {
            var socket = Find(descriptor);
            if (descriptor.Type == InterceptSocketType.Datagram && (!sender.IsNone || descriptor.TryGetFar(out sender)))
            {
                user = socket?.User ?? user;
                if (!_datagramFar.TryGetValue(sender.Address, out var from) || from.User != user)
                    return InterceptReply.Host;
                var local = socket?.Local ?? default;
                // A connected socket has the address that it sends from.
                if (local.IsNone || local.Address.IsUnspecified)
                    local = new InetEndpoint(_networks.SourceFor(from.Remote.Address, user, only), local.Port);
                return InterceptReply.Of(local, from.Remote);
            }

            if (descriptor.Type == InterceptSocketType.Stream && descriptor.TryGetFar(out var far))
            {
                return _far.TryGetValue(far.Address, out var names) && names.FarPort == far.Port
                    ? InterceptReply.Of(names.Local, names.Remote) : InterceptReply.Host;
            }

            if (socket is null)
                return InterceptReply.Host;
            // What is bound to all addresses of both families is an IPv6 socket.
            return InterceptReply.Of(socket.Local.IsNone
                ? new InetEndpoint((socket.Traits & SocketTraits.V6) == 0 ? InetAddress.AnyV4 : InetAddress.AnyV6, socket.Local.Port) : socket.Local);
        }
    }

    private InterceptReply Bind(SocketDescriptor descriptor, InetEndpoint local, in InterceptRequest request, uint user)
    {
        if (local.IsNone)
            return InterceptReply.Failed(Errno.BadRequest);
        if (local.Address.IsUnspecified)
        {
            if (!_networks.Of(user, request.Network).Any())
                return InterceptReply.Failed(Errno.NetworkDown);
        }
        else if (_networks.FindOwner(local.Address, user, request.Network) is null)
        {
            return InterceptReply.Host;
        }

        if (!descriptor.TryGetNear(out var near) || near.Port != 0)
            return InterceptReply.Failed(Errno.BadRequest);
        var traits = descriptor.Traits;
        // What is bound to all IPv6 addresses hears on the IPv4 ones as well, unless it says otherwise.
        if (local.Address == InetAddress.AnyV6 && (traits & SocketTraits.V6Only) == 0)
            local = new InetEndpoint(default, local.Port);
        ProgramSocket? bound;
        lock (_lock)
        {
            if (local.Port == 0)
            {
                if (!TryChoosePort(descriptor.Type, local.Address, out var port))
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

        if (bound is { Type: InterceptSocketType.Datagram, IsEcho: false } && Open(bound)?.OpenAll() != true)
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
        if (near.Port == 0)
        {
            for (var trial = 1; ; trial++)
            {
                if (!_standIns.TryTakeNear(out near))
                    return Errno.NoBufferSpace;
                var error = descriptor.Bind(near);
                if (error == 0)
                    break;
                _standIns.Release(near.Address);
                if (error != Errno.AddressInUse || trial == BindTrials)
                    return error;
            }
        }
        else if (near.Address.IsUnspecified)
        {
            // A socket that is bound to all addresses of the system speaks from 127.0.0.1 to one that stands for a virtual address.
            near = near with { Address = InetAddress.FromV4(0x7f000001) };
        }

        if (_programSockets.TryGetValue(cookie, out var former))
            Forget(former);
        socket = new ProgramSocket(cookie, user, descriptor.Type, near, local, traits, only);
        Add(socket);
        return 0;
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
            NoteChange();
    }

    // Under the lock.
    private void Forget(ProgramSocket socket)
    {
        if (!_programSockets.TryGetValue(socket.Cookie, out var present) || present != socket)
            return;
        _programSockets.Remove(socket.Cookie);
        if (IsRemembered(socket))
            NoteChange();
        _standIns.Release(socket.Near.Address);
        if (--CollectionsMarshal.GetValueRefOrAddDefault(_socketsOfUser, socket.User, out _) <= 0)
            _socketsOfUser.Remove(socket.User);
        if (_ports.TryGetValue((socket.Type, socket.Local.Port), out var sharing) && sharing.Remove(socket) && sharing.Count == 0)
            _ports.Remove((socket.Type, socket.Local.Port));
        if (socket.IsEcho)
            _echoSockets.TryRemove(socket.Near, out _);
        else if (socket.Type == InterceptSocketType.Datagram && _datagramSockets.TryRemove(socket.Near, out var datagrams))
            datagrams.Dispose();
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
            if (IsAlive(other))
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
