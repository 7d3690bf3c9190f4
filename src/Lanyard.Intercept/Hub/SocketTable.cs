using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Programs' sockets, by the kernel's cookies and by virtual ports. Any user that has a descriptor of a socket may use it. A new socket belongs to the user
/// that created it, and that user's networks apply to it.
/// </summary>
/// <param name="addresses">The loopback alias addresses.</param>
/// <param name="probe">Checks whether sockets still exist.</param>
/// <param name="datagrams">The open datagram sockets.</param>
/// <param name="tokenKey">The key from which tokens are derived.</param>
internal sealed class SocketTable(AddressMap addresses, SocketProbe probe, DatagramTable datagrams, SocketTokenKey tokenKey)
{
    private const int MaxSocketsOfUser = 65_536;
    private const int BindTrials = 8;

    // The default range of ephemeral ports on Linux.
    private const int ChosenPorts = 28_232;

    // The number of ports to try, each free on the virtual networks, before giving up because the system's network uses them.
    private const int SharedPortTrials = 64;

    private readonly Dictionary<ulong, ProgramSocket> _sockets = [];
    private readonly Dictionary<(InterceptSocketType Type, ushort Port), List<ProgramSocket>> _ports = [];
    private readonly Dictionary<uint, int> _countOfUser = [];

    /// <summary>Raised under the lock when a socket changed that the next service process adopts.</summary>
    public event Action<ProgramSocket>? Changed;

    /// <summary>Raised under the lock when a datagram socket is removed, with another socket of the same user at the same system address.</summary>
    public event Action<ProgramSocket>? Succeeded;

    /// <summary>The lock for all state of the hub. Never held during a wait.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Whether the hub is disposed. Under the lock.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>The number of programs' sockets. Under the lock.</summary>
    public IReadOnlyCollection<ProgramSocket> All => _sockets.Values;

    /// <summary>Finds a socket; returns null if it is not registered. Under the lock, like all following methods.</summary>
    public ProgramSocket? Find(SocketDescriptor descriptor) => Find(descriptor.Cookie);

    /// <summary>Finds a socket by its cookie.</summary>
    public ProgramSocket? Find(ulong cookie) => _sockets.GetValueOrDefault(cookie);

    /// <summary>Returns the sockets that are bound to a port, on an address that conflicts with the given address.</summary>
    public IEnumerable<ProgramSocket> Bound(InterceptSocketType type, InetEndpoint local) =>
        _ports.TryGetValue((type, local.Port), out var sharing) ? sharing.Where(other => Conflicts(other.Local.Address, local.Address)) : [];

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

    /// <summary>Returns whether a socket that does not share its port conflicts with a new binding.</summary>
    public bool IsTaken(InterceptSocketType type, InetEndpoint local, SocketTraits traits, uint user)
    {
        foreach (var other in Bound(type, local).ToArray())
        {
            var both = traits & other.Traits;
            if ((both & SocketTraits.ReusePort) != 0 && other.User == user)
                continue;
            if ((both & SocketTraits.ReuseAddress) != 0 && other.User == user && other.Listener is null)
                continue;
            // The program may have closed the socket in the meantime.
            if (probe.IsPresent(other))
                return true;
            Forget(other);
        }

        return false;
    }

    /// <summary>Registers a socket, and binds it to a loopback alias address unless it is bound. Returns 0 or an errno.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="local">The virtual address and port.</param>
    /// <param name="owner">The user that created the socket, and the networks that it may use.</param>
    /// <param name="more">Traits in addition to the socket's options.</param>
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
            // Bound earlier by this service or a previous one and removed since, or bound by the program itself, without a filter.
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

    /// <summary>Adopts a socket of the previous service process. Returns null on failure.</summary>
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

    /// <summary>Reports a change of a socket that the next service process adopts.</summary>
    public void NoteChange(ProgramSocket socket) => Changed?.Invoke(socket);

    /// <summary>Removes a closed socket.</summary>
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

    /// <summary>Returns whether a socket still exists, and removes it if not. Not under the lock.</summary>
    public bool KeepIfAlive(ProgramSocket socket)
    {
        if (probe.IsAlive(socket))
            return true;
        lock (Lock)
            Forget(socket);
        return false;
    }

    /// <summary>Removes all sockets. Returns false if the table was closed before. Not under the lock.</summary>
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
        // Before the socket has an address to which other programs can send.
        if (Protect(descriptor, tokens, isOnAlias: true) is var unprotected and not 0)
            return unprotected;
        for (var trial = 1; ; trial++)
        {
            if (!addresses.TryTakeNear(out near))
                return Errno.NoBufferSpace;
            // If the kernel does not report bound sockets, the service cannot distinguish the guard from the program's socket. Bind without a guard.
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

    // Whether another user's socket is at the same system address.
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

    private static bool Conflicts(InetAddress a, InetAddress b) =>
        a == b || a.Family == InetFamily.None || b.Family == InetFamily.None || (a.Family == b.Family && (a.IsUnspecified || b.IsUnspecified));
}
