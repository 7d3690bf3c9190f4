using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Programs' sockets, by the kernel's cookies and by virtual ports. Any user that has a descriptor of a socket may use it. A new socket belongs to the user that created
/// it, and that user's networks apply to it.
/// </summary>
/// <param name="addresses">Where loopback alias addresses come from.</param>
/// <param name="probe">Tells whether a socket is still there.</param>
/// <param name="datagrams">Where sockets that are forgotten are open.</param>
/// <param name="tokenKey">What tokens are derived from.</param>
internal sealed class SocketTable(AddressMap addresses, SocketProbe probe, DatagramTable datagrams, SocketTokenKey tokenKey)
{
    private const int MaxSocketsOfUser = 65_536;
    private const int BindTrials = 8;

    // As many as Linux chooses from by default.
    private const int ChosenPorts = 28_232;

    // The number of ports to try, each free on the virtual networks, before giving up because the system's network uses them.
    private const int SharedPortTrials = 64;

    private readonly Dictionary<ulong, ProgramSocket> _sockets = [];
    private readonly Dictionary<(InterceptSocketType Type, ushort Port), List<ProgramSocket>> _ports = [];
    private readonly Dictionary<uint, int> _countOfUser = [];

    /// <summary>Raised under the lock when something changed of a socket that a later service takes up.</summary>
    public event Action<ProgramSocket>? Changed;

    /// <summary>Raised under the lock when a datagram socket is forgotten, with another one of the same user that is bound to the same address of the system.</summary>
    public event Action<ProgramSocket>? Succeeded;

    /// <summary>The lock for all state of the hub. It is never held while something is waited for.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Whether the hub has ended. Under the lock.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Programs' sockets that are known. Under the lock.</summary>
    public IReadOnlyCollection<ProgramSocket> All => _sockets.Values;

    /// <summary>Finds a socket; null if it is not known. Under the lock, like all that follow.</summary>
    public ProgramSocket? Find(SocketDescriptor descriptor) => Find(descriptor.Cookie);

    /// <summary>Finds a socket by its cookie.</summary>
    public ProgramSocket? Find(ulong cookie) => _sockets.GetValueOrDefault(cookie);

    /// <summary>The sockets that are bound to a port and an address that meets the one given.</summary>
    public IEnumerable<ProgramSocket> Bound(InterceptSocketType type, InetEndpoint local) =>
        _ports.TryGetValue((type, local.Port), out var sharing) ? sharing.Where(other => Meets(other.Local.Address, local.Address)) : [];

    /// <summary>Chooses a port that no socket is bound to.</summary>
    public bool TryChoosePort(InterceptSocketType type, InetAddress address, out ushort port)
    {
        var start = RandomNumberGenerator.GetInt32(ChosenPorts);
        for (var i = 0; i < ChosenPorts; i++)
        {
            port = (ushort)(InterceptProtocol.FirstChosenPort + ((start + i) % ChosenPorts));
            if (Bound(type, new InetEndpoint(address, port)).FirstOrDefault() is null)
                return true;
        }

        port = 0;
        return false;
    }

    /// <summary>Binds a datagram socket to a port of the system's network that is also free on the virtual networks. Returns 0 or an errno.</summary>
    public int TryBindShared(SocketDescriptor descriptor, InetAddress local, out ushort port)
    {
        for (var trial = 1; ; trial++)
        {
            if (!TryChoosePort(InterceptSocketType.Datagram, local, out port))
                return Errno.AddressInUse;
            var error = descriptor.BindToSystem(port);
            if (error != Errno.AddressInUse || trial == SharedPortTrials)
                return error;
        }
    }

    /// <summary>Whether a socket that does not share its port is bound where another one is to be bound.</summary>
    public bool IsTaken(InterceptSocketType type, InetEndpoint local, SocketTraits traits, uint user)
    {
        foreach (var other in Bound(type, local).ToArray())
        {
            var both = traits & other.Traits;
            if ((both & SocketTraits.ReusePort) != 0 && other.User == user)
                continue;
            if ((both & SocketTraits.ReuseAddress) != 0 && other.User == user && other.Listener is null)
                continue;
            // The program may have closed it meanwhile.
            if (probe.IsPresent(other))
                return true;
            Forget(other);
        }

        return false;
    }

    /// <summary>Registers a socket, and binds it to a loopback alias address unless it is bound. Returns 0 or an errno.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="local">The virtual address and port.</param>
    /// <param name="owner">The user that created it, and the one network that it may use.</param>
    /// <param name="more">Traits beside those that its options set.</param>
    /// <param name="socket">The registered socket.</param>
    public int TryMake(SocketDescriptor descriptor, InetEndpoint local, SocketOwner owner, SocketTraits more, out ProgramSocket? socket)
    {
        socket = null;
        var (cookie, user) = (descriptor.Cookie, owner.User);
        if (IsDisposed || cookie == 0 || _countOfUser.GetValueOrDefault(user) >= MaxSocketsOfUser || !descriptor.TryGetNear(out var near))
            return Errno.NoBufferSpace;
        var traits = descriptor.Traits | more;
        SocketTokens tokens;
        AliasGuard? guard = null;
        if (near.Port == 0)
        {
            tokens = tokenKey.Of(cookie);
            if (TryBindToAlias(descriptor, tokens, out near, out guard) is var unbound and not 0)
                return unbound;
        }
        else if (LoopbackAliases.IsNear(near.Address))
        {
            // Bound earlier, by this service or by one before it, and forgotten since; or by the program itself, which then has no filter.
            if (!addresses.TryTakeNear(near.Address))
                return Errno.NetworkDown;
            tokens = tokenKey.Of(cookie);
            if (descriptor.Type == InterceptSocketType.Datagram && !descriptor.HasFilter(SocketFilter.OfToken(tokens.ToProgram, isOnAlias: true)))
            {
                addresses.ReleaseNear(near.Address);
                return Errno.NetworkDown;
            }
        }
        else
        {
            // A socket that is bound to the wildcard address of the system sends from 127.0.0.1 to an alias address.
            if (near.Address.IsUnspecified)
                near = near with { Address = InetAddress.FromV4(0x7f000001) };
            if (LoopbackAliases.IsFar(near.Address) || IsOfAnotherUser(descriptor.Type, near, user))
                return Errno.AddressInUse;
            tokens = tokenKey.Of(user, near);
            if (Protect(descriptor, tokens, isOnAlias: false) is var unprotected and not 0)
                return unprotected;
        }

        if (_sockets.TryGetValue(cookie, out var former))
            Forget(former);
        socket = new ProgramSocket(cookie, owner, descriptor.Type, near, local) { Traits = traits, Tokens = tokens, Guard = guard };
        Add(socket);
        return 0;
    }

    /// <summary>Takes up a socket that an earlier service knew; null if it cannot be.</summary>
    public ProgramSocket? Adopt(RememberedSocket known)
    {
        var isOnAlias = LoopbackAliases.IsNear(known.Near.Address);
        if (_sockets.ContainsKey(known.Cookie) || (isOnAlias && !addresses.TryTakeNear(known.Near.Address)))
            return null;
        var tokens = isOnAlias ? tokenKey.Of(known.Cookie) : tokenKey.Of(known.User, known.Near);
        var owner = new SocketOwner(known.User, known.Network);
        var socket = new ProgramSocket(known.Cookie, owner, known.Type, known.Near, known.Local) { Traits = known.Traits, Tokens = tokens };
        Add(socket);
        return socket;
    }

    /// <summary>Says that something changed of a socket that a later service takes up.</summary>
    public void NoteChange(ProgramSocket socket) => Changed?.Invoke(socket);

    /// <summary>Forgets a socket that is gone.</summary>
    public void Forget(ProgramSocket socket)
    {
        if (!_sockets.TryGetValue(socket.Cookie, out var present) || present != socket)
            return;
        _sockets.Remove(socket.Cookie);
        socket.Guard?.Dispose();
        if (socket.IsRemembered)
            NoteChange(socket);
        if (LoopbackAliases.IsNear(socket.Near.Address))
            addresses.ReleaseNear(socket.Near.Address);
        if (--CollectionsMarshal.GetValueRefOrAddDefault(_countOfUser, socket.User, out _) <= 0)
            _countOfUser.Remove(socket.User);
        if (_ports.TryGetValue((socket.Type, socket.Local.Port), out var sharing) && sharing.Remove(socket) && sharing.Count == 0)
            _ports.Remove((socket.Type, socket.Local.Port));
        if (datagrams.Remove(socket) && !IsDisposed && !LoopbackAliases.IsNear(socket.Near.Address)
            && _sockets.Values.FirstOrDefault(other => other.Type == socket.Type && other.Near == socket.Near) is { } next)
            Succeeded?.Invoke(next);
        if (socket.Listener is not { } group)
            return;
        socket.Listener = null;
        group.Remove(socket);
        if (group.Count == 0)
            group.Dispose();
    }

    /// <summary>Whether a socket is still there; if not, forgets it. Not under the lock.</summary>
    public bool KeepIfAlive(ProgramSocket socket)
    {
        if (probe.IsAlive(socket))
            return true;
        lock (Lock)
            Forget(socket);
        return false;
    }

    /// <summary>Forgets all sockets. False if that was done before. Not under the lock.</summary>
    public bool Close()
    {
        lock (Lock)
        {
            if (IsDisposed)
                return false;
            IsDisposed = true;
            foreach (var socket in _sockets.Values.ToArray())
                Forget(socket);
            return true;
        }
    }

    private int TryBindToAlias(SocketDescriptor descriptor, SocketTokens tokens, out InetEndpoint near, out AliasGuard? guard)
    {
        near = default;
        guard = null;
        // Before the socket has an address that others could send to.
        if (Protect(descriptor, tokens, isOnAlias: true) is var unprotected and not 0)
            return unprotected;
        for (var trial = 1; ; trial++)
        {
            if (!addresses.TryTakeNear(out near))
                return Errno.NoBufferSpace;
            // If the system does not report bound sockets, the service cannot distinguish the guard from the program's socket. Bind without a guard.
            var error = descriptor.Type == InterceptSocketType.Datagram && probe.IsAvailable
                ? AliasGuard.Bind(descriptor, near, out guard) : descriptor.Bind(near);
            if (error == 0)
                return 0;
            addresses.ReleaseNear(near.Address);
            if (error != Errno.AddressInUse || trial == BindTrials)
                return error;
            addresses.ChangeNearPort();
        }
    }

    // Attaches the filter and the token of a UDP socket. A TCP connection needs neither: its peer is known. Returns 0 or an errno.
    private static int Protect(SocketDescriptor descriptor, SocketTokens tokens, bool isOnAlias)
    {
        if (descriptor.Type != InterceptSocketType.Datagram)
            return 0;
        var error = descriptor.Attach(SocketFilter.OfToken(tokens.ToProgram, isOnAlias));
        // A socket on an alias address sends only to the service, so all its datagrams may carry the token.
        return error == 0 && isOnAlias ? descriptor.SetOptions(tokens.FromProgram) : error;
    }

    // Whether another user's socket is at the same address of the system.
    private bool IsOfAnotherUser(InterceptSocketType type, InetEndpoint near, uint user)
    {
        if (type != InterceptSocketType.Datagram || datagrams.Find(near) is not { } open || open.Program.User == user)
            return false;
        if (probe.IsAlive(open.Program))
            return true;
        Forget(open.Program);
        return false;
    }

    private void Add(ProgramSocket socket)
    {
        _sockets.Add(socket.Cookie, socket);
        if (socket.Local.Port != 0)
        {
            ref var sharing = ref CollectionsMarshal.GetValueRefOrAddDefault(_ports, (socket.Type, socket.Local.Port), out _);
            (sharing ??= []).Add(socket);
        }

        if (socket.IsEcho)
            datagrams.AddEcho(socket);
        CollectionsMarshal.GetValueRefOrAddDefault(_countOfUser, socket.User, out _)++;
        if (socket.IsRemembered)
            NoteChange(socket);
    }

    private static bool Meets(InetAddress a, InetAddress b) =>
        a == b || a.Family == InetFamily.None || b.Family == InetFamily.None || (a.Family == b.Family && (a.IsUnspecified || b.IsUnspecified));
}
