using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>
/// What programs' sockets stand for on the virtual networks, and what moves their bytes. A program's socket is one of the system's, bound to a loopback
/// address of its own (its near end); the other end of each of its connections has such an address too (the far end). This knows both.
/// </summary>
/// <remarks>All state is under one lock, which is never held while something is waited for.</remarks>
internal sealed partial class InterceptHub : IDisposable
{
    private const int MaxSocketsOfUser = 65_536;
    private const int MaxSockets = 500_000;
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly VirtualNetworks _networks;
    private readonly LoopbackSockets _sockets = new();
    private readonly StandIns _standIns = new();
    private readonly Dictionary<(InterceptSocketType Type, InetEndpoint Near), ProgramSocket> _near = [];
    private readonly Dictionary<InetAddress, ConnectionNames> _far = [];
    private readonly Dictionary<uint, int> _socketsOfUser = [];
    private readonly LoopbackDatagrams _datagrams;
    private readonly Pings _pings;
    private readonly Timer _sweep;
    private bool _isDisposed;

    public InterceptHub(LanyardNode node, Func<uint, LanyardNetwork, bool> mayUse)
    {
        _networks = new VirtualNetworks(node, mayUse);
        _datagrams = new LoopbackDatagrams(ReceiveFromProgram);
        _pings = new Pings(this);
        _sweep = new Timer(static hub => ((InterceptHub)hub!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>Programs' sockets that are known.</summary>
    public int SocketCount
    {
        get
        {
            lock (_lock)
                return _near.Count;
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
    /// <param name="user">Its user, as the system says.</param>
    /// <param name="gaveUp">Says that the program does not wait any longer.</param>
    public ValueTask<InterceptReply> HandleAsync(InterceptRequest request, uint user, CancellationToken gaveUp)
    {
        if (request.Magic != InterceptRequest.ExpectedMagic || !request.VirtualEndpoint.TryRead(out var local) || !request.NearEndpoint.TryRead(out var near)
            || !request.FarEndpoint.TryRead(out var far) || request.Type is not (InterceptSocketType.Stream or InterceptSocketType.Datagram))
            return ValueTask.FromResult(InterceptReply.Failed(Errno.BadRequest));
        switch (request.Operation)
        {
            case InterceptOperation.Connect when request.Type == InterceptSocketType.Stream:
                return ConnectAsync(request, local, OwnNear(near), user, gaveUp);
            case InterceptOperation.Outcome:
                return ValueTask.FromResult(Outcome(request, OwnNear(near), user));
            case InterceptOperation.Bind:
                return ValueTask.FromResult(Bind(request, local, user));
            case InterceptOperation.Listen when request.Type == InterceptSocketType.Stream:
                return ValueTask.FromResult(Listen(request, near, user));
            case InterceptOperation.Send when request.Type == InterceptSocketType.Datagram:
                return ValueTask.FromResult(Send(request, local, OwnNear(near), user));
            case InterceptOperation.Group when request.Type == InterceptSocketType.Datagram:
                return ValueTask.FromResult(Group(request, local, OwnNear(near), user));
            case InterceptOperation.Names:
                return ValueTask.FromResult(Names(request, OwnNear(near), far, user));
            default:
                return ValueTask.FromResult(InterceptReply.Failed(Errno.BadRequest));
        }
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
        ProgramSocket[] sockets;
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            sockets = [.. _near.Values];
            foreach (var socket in sockets)
                Forget(socket);
        }

        _sweep.Dispose();
        _sockets.Dispose();
        _datagrams.Dispose();
    }

    // A socket that is bound to all addresses of the system speaks from 127.0.0.1 to one that stands for a virtual address.
    private static InetEndpoint OwnNear(InetEndpoint near) =>
        !near.IsNone && near.Address.IsUnspecified && near.Port != 0 ? near with { Address = InetAddress.FromV4(0x7f000001) } : near;

    private InterceptReply Names(in InterceptRequest request, InetEndpoint near, InetEndpoint far, uint user)
    {
        lock (_lock)
        {
            if (!far.IsNone && request.Type == InterceptSocketType.Datagram)
            {
                if (!_datagramFar.TryGetValue(far.Address, out var sender) || sender.User != user)
                    return InterceptReply.Host;
                var local = _near.TryGetValue((request.Type, near), out var receiver) ? receiver.Local : default;
                // A connected socket has the address that it sends from.
                if (local.IsNone || local.Address.IsUnspecified)
                    local = new InetEndpoint(_networks.SourceFor(sender.Remote.Address, user, request.Network), local.Port);
                return InterceptReply.Of(local, sender.Remote);
            }

            if (!far.IsNone)
            {
                return _far.TryGetValue(far.Address, out var names) && names.User == user
                    ? InterceptReply.Of(names.Local, names.Remote) : InterceptReply.Host;
            }

            if (!_near.TryGetValue((request.Type, near), out var socket) || socket.User != user)
                return InterceptReply.Host;

            // What is bound to all addresses of both families is an IPv6 socket.
            return InterceptReply.Of(socket.Local.IsNone
                ? new InetEndpoint((socket.Flags & InterceptFlags.V6Socket) == 0 ? InetAddress.AnyV4 : InetAddress.AnyV6, socket.Local.Port) : socket.Local);
        }
    }

    private InterceptReply Bind(in InterceptRequest request, InetEndpoint local, uint user)
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

        // What is bound to all IPv6 addresses hears on the IPv4 ones as well, unless it says otherwise.
        if (local.Address == InetAddress.AnyV6 && (request.Flags & InterceptFlags.V6Only) == 0)
            local = new InetEndpoint(default, local.Port);
        ProgramSocket bound;
        lock (_lock)
        {
            if (local.Port == 0)
            {
                if (!TryChoosePort(request.Type, local.Address, out var port))
                    return InterceptReply.Failed(Errno.AddressInUse);
                local = local with { Port = port };
            }
            else if (IsTaken(request.Type, local, request.Flags, user))
            {
                return InterceptReply.Failed(Errno.AddressInUse);
            }

            if (Make(request, local, user) is not { } socket)
                return InterceptReply.Failed(Errno.NoBufferSpace);
            bound = socket;
        }

        if (request.Type == InterceptSocketType.Datagram && !bound.IsEcho)
            Open(bound);
        return InterceptReply.Of(bound.Near);
    }

    // Under the lock.
    private ProgramSocket? Make(in InterceptRequest request, InetEndpoint local, uint user, InetEndpoint near = default)
    {
        var count = _socketsOfUser.GetValueOrDefault(user);
        if (_isDisposed || count >= MaxSocketsOfUser || _near.Count >= MaxSockets)
            return null;
        if (near.IsNone)
            near = _standIns.TakeNear();
        var socket = new ProgramSocket(user, request.Type, near, local, request.Flags, request.Network);
        if (_near.Remove((request.Type, near), out var former))
            Forget(former);
        _near.Add((request.Type, near), socket);
        _socketsOfUser[user] = count + 1;
        return socket;
    }

    // Under the lock.
    private void Forget(ProgramSocket socket)
    {
        if (_near.TryGetValue((socket.Type, socket.Near), out var present) && present == socket)
            _near.Remove((socket.Type, socket.Near));
        _standIns.Release(socket.Near.Address);
        if (--CollectionsMarshal.GetValueRefOrAddDefault(_socketsOfUser, socket.User, out _) <= 0)
            _socketsOfUser.Remove(socket.User);
        if (socket.Type == InterceptSocketType.Datagram && _datagramSockets.TryRemove(socket.Near, out var datagrams))
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
    private bool IsTaken(InterceptSocketType type, InetEndpoint local, InterceptFlags flags, uint user)
    {
        foreach (var other in Bound(type, local).ToArray())
        {
            var both = flags & other.Flags;
            if ((both & InterceptFlags.ReusePort) != 0 && other.User == user)
                continue;
            if ((both & InterceptFlags.ReuseAddress) != 0 && other.User == user && other.Listener is null)
                continue;
            // Its program may have closed it a moment ago.
            if (IsAlive(other))
                return true;
            Forget(other);
        }

        return false;
    }

    // Under the lock: the sockets that are bound to a port and an address that meets the one given.
    private IEnumerable<ProgramSocket> Bound(InterceptSocketType type, InetEndpoint local) => _near.Values.Where(other =>
        other.Type == type && other.Local.Port == local.Port && Meets(other.Local.Address, local.Address));

    private static bool Meets(InetAddress a, InetAddress b) =>
        a == b || a.Family == InetFamily.None || b.Family == InetFamily.None || (a.Family == b.Family && (a.IsUnspecified || b.IsUnspecified));
}
