using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Carries datagrams between programs' sockets, the virtual networks and the system's network.</summary>
internal sealed class Datagrams : IDisposable
{
    // Much longer than the cache of programs (InterceptProtocol.RememberSeconds).
    private const long FarIdleMs = 120_000;

    // How long a socket counts as present after the system reported it.
    private const long SeenMs = 50;

    // How long the network of a destination is cached: finding it is more work than sending.
    private const long FoundMs = 1_000;

    private const byte UsualHopLimit = 64;

    private readonly SocketTable _sockets;
    private readonly AddressMap _addresses;
    private readonly VirtualNetworks _networks;
    private readonly DatagramTable _table;
    private readonly OutsideSockets _outsideSockets = new();
    private readonly Pings _pings;
    private readonly LoopbackDatagrams _loopback;
    private long _refused;

    /// <param name="sockets">Programs' sockets.</param>
    /// <param name="addresses">The loopback alias addresses.</param>
    /// <param name="networks">The virtual networks.</param>
    /// <param name="table">The open datagram sockets.</param>
    /// <param name="formerPort">The port of the previous service process, which sockets are connected to; 0 for none.</param>
    public Datagrams(SocketTable sockets, AddressMap addresses, VirtualNetworks networks, DatagramTable table, ushort formerPort)
    {
        _sockets = sockets;
        _addresses = addresses;
        _networks = networks;
        _table = table;
        _pings = new Pings(this);
        sockets.Succeeded += next => Task.Run(() => Open(next));
        _loopback = new LoopbackDatagrams(ReceiveFromProgram, formerPort);
    }

    /// <summary>The service's port, on every loopback address.</summary>
    public ushort Port => _loopback.Port;

    /// <summary>The number of datagrams dropped because they came from a program's address without the socket's token.</summary>
    public long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Returns whether an address is a multicast group or the broadcast address.</summary>
    public static bool IsGroup(InetAddress address) => address.IsMulticast || address == InetAddress.BroadcastV4;

    /// <summary>Returns whether a socket is bound to the wildcard address of one family or of both.</summary>
    public static bool IsWildcard(InetAddress address) => address.Family == InetFamily.None || address.IsUnspecified;

    /// <summary>Decides where to send a program's datagrams to an address.</summary>
    public InterceptReply Send(SocketDescriptor descriptor, SocketDescriptor? outside, in SocketRequest request, SocketOwner owner)
    {
        ProgramSocket? socket;
        lock (_sockets.Lock)
            socket = _sockets.Find(descriptor);
        owner = owner with { User = socket?.User ?? owner.User };
        var (remote, source, flags) = (request.Virtual, request.Own, request.Flags);
        var isOnAlias = socket is not null && LoopbackAliases.IsNear(socket.Near.Address);
        // The kernel handles the groups of a socket that is bound to a system address.
        var isVirtual = isOnAlias || ((flags & InterceptFlags.Groups) != 0 && descriptor.TryGetNear(out var bound) && bound.Address.IsUnspecified);
        var network = _networks.FindFor(remote.Address, owner) ?? (isVirtual && IsGroup(remote.Address) ? _networks.Of(owner).FirstOrDefault() : null);
        if (network is null && (socket is null or { IsEcho: true } || !isOnAlias))
            return InterceptReply.Host with { Flags = (uint)(socket is { IsEcho: true } ? InterceptFlags.Echo : 0) };
        if (network is null && !HasOutside(socket!, outside))
            return InterceptReply.Host with { Flags = (uint)InterceptFlags.Outside };
        DatagramFar? far;
        lock (_sockets.Lock)
        {
            if (socket is null && TryMakeClient(descriptor, owner, (flags & InterceptFlags.Shared) != 0, out socket) is var error and not 0)
                return InterceptReply.Failed(error);
            far = _addresses.Datagrams.Take(new FarKey(owner.User, remote, source.IsMulticast || source.IsUnspecified ? default : source, IsOutside: network is null));
        }

        if (far is null)
            return InterceptReply.Failed(Errno.NoBufferSpace);
        var isConnecting = (flags & InterceptFlags.Connected) != 0;
        if (!socket!.IsEcho && Open(socket, descriptor) is { } opened && isConnecting)
            opened.Connect(network is null ? default : remote);
        var end = new InetEndpoint(far.Address, Port);
        var reply = InterceptReply.Of(end);
        if (isConnecting)
        {
            lock (_sockets.Lock)
            {
                socket.Connected = (socket.Connected.Last, end);
                _sockets.NoteChange(socket);
            }
        }

        if (LoopbackAliases.IsNear(socket.Near.Address))
            return reply;
        // From now on, the socket sends datagrams without a destination to this peer.
        if (isConnecting && descriptor.SetOptions(socket.Tokens.FromProgram) is var refused and not 0)
            return InterceptReply.Failed(refused);
        socket.Tokens.CopyTokenFromProgram(reply.Token);
        return reply;
    }

    /// <summary>Handles the end of a datagram socket's connection to a peer of a virtual network.</summary>
    public InterceptReply Disconnect(SocketDescriptor descriptor)
    {
        ProgramSocket? socket;
        lock (_sockets.Lock)
        {
            socket = _sockets.Find(descriptor);
            if (socket is null)
                return InterceptReply.Host;
            socket.Connected = (socket.Connected.Last, default);
            _sockets.NoteChange(socket);
        }

        Open(socket)?.Connect(default);
        return InterceptReply.Of(default);
    }

    /// <summary>Opens a program's socket on the virtual networks, unless it is open. Returns null if the socket was removed.</summary>
    public ProgramDatagramSocket? Open(ProgramSocket socket, SocketDescriptor? descriptor = null)
    {
        if (_table.Find(socket.Near) is { } known)
            return known;
        ProgramDatagramSocket open;
        lock (_sockets.Lock)
        {
            if (_sockets.Find(socket.Cookie) != socket)
                return null;
            var settings = descriptor?.DatagramSettings ?? new DatagramSettings(0, UsualHopLimit, GroupHopLimit: 1, LoopsBack: true);
            open = _table.GetOrAdd(socket.Near, () => new ProgramDatagramSocket(this, _networks, _outsideSockets, socket, settings));
            if (_addresses.Datagrams.TryFind(socket.Connected.Last.Address, out var far) && !far.Key.IsOutside)
                open.Connect(far.Key.Remote);
        }

        open.OpenAll();
        return open;
    }

    /// <summary>Delivers a datagram of a virtual network to the program.</summary>
    public void ReceiveFromNetwork(ProgramDatagramSocket socket, LanyardNetwork network, in LanyardDatagram datagram, ReadOnlySpan<byte> payload)
    {
        var (program, remote, local) = (socket.Program, datagram.Remote, datagram.Local.Address);
        if (local.IsMulticast && !socket.Receives(local, network, remote.Address))
            return;
        // A program may ask for the destination address. Either only one address is possible, or the alias address records it.
        var isPlain = !IsGroup(local) && (!IsWildcard(program.Local.Address) || IsOnly(network, local));
        Deliver(program, new FarKey(program.User, remote, isPlain ? default : local), payload);
    }

    /// <summary>Delivers a datagram of the system's network to the program.</summary>
    public void ReceiveFromSystem(ProgramSocket program, InetEndpoint remote, ReadOnlySpan<byte> payload) =>
        Deliver(program, new FarKey(program.User, remote, IsOutside: true), payload);

    /// <summary>Sends a datagram to a program's socket.</summary>
    public void SendToProgram(InetAddress far, ProgramSocket socket, ReadOnlySpan<byte> payload) =>
        _loopback.Send(far, socket.Near, socket.Tokens.ToProgram, payload);

    /// <summary>Removes idle far ends.</summary>
    public void Sweep()
    {
        lock (_sockets.Lock)
        {
            var connected = new HashSet<InetAddress>();
            foreach (var socket in _sockets.All)
            {
                if (!socket.Connected.Last.IsNone)
                    connected.Add(socket.Connected.Last.Address);
            }

            _addresses.Datagrams.Sweep(Environment.TickCount64 - FarIdleMs, connected);
        }
    }

    public void Dispose()
    {
        _loopback.Dispose();
        _outsideSockets.Dispose();
    }

    // Runs under the lock. Registers a socket that sends to a virtual network without a bind. It gets the port of the system's network if that port is free.
    private int TryMakeClient(SocketDescriptor descriptor, SocketOwner owner, bool isShared, out ProgramSocket? socket)
    {
        socket = null;
        if (!descriptor.TryGetNear(out var near))
            return Errno.BadRequest;
        var port = near.Port;
        if (port == 0 && isShared && _sockets.TryBindShared(descriptor, default, out port) is var unbound and not 0)
            return unbound;
        if ((port == 0 || _sockets.Bound(InterceptSocketType.Datagram, new InetEndpoint(default, port)).Any())
            && !_sockets.TryChoosePort(InterceptSocketType.Datagram, default, out port))
            return Errno.NoBufferSpace;
        return _sockets.TryMake(descriptor, new InetEndpoint(default, port), owner, SocketTraits.Client, out socket);
    }

    // Whether a socket can send to the system's network. Takes over the descriptor that came with the request for that purpose.
    private bool HasOutside(ProgramSocket socket, SocketDescriptor? outside)
    {
        if (Open(socket) is not { } datagrams)
            return false;
        if (datagrams.Outside is null && outside is not null && OutsideSocket.TryCreate(this, socket, outside) is { } fresh)
            datagrams.SetOutside(fresh);
        return datagrams.Outside is not null;
    }

    private void ReceiveFromProgram(InetEndpoint near, InetAddress far, ReadOnlySpan<byte> options, ReadOnlySpan<byte> payload)
    {
        var socket = _table.Find(near);
        var program = socket?.Program ?? _table.FindEcho(near);
        // Any user can send from any loopback address.
        if (program is null || !program.Tokens.IsFromProgram(options))
        {
            Interlocked.Increment(ref _refused);
            return;
        }

        if (!_addresses.Datagrams.TryFind(far, out var to) || to.Key.User != program.User)
            return;
        to.UsedAt = Environment.TickCount64;
        var remote = to.Key.Remote;
        if (socket is null)
        {
            if (FindFor(to, program.Network) is { } over)
                _pings.Send(over, program, remote.Address, far, payload);
        }
        else if (to.Key.IsOutside)
        {
            socket.Outside?.Send(remote, payload);
        }
        else if (IsGroup(remote.Address) && socket.Outgoing is var outgoing and not 0)
        {
            SendOnAll(socket, program.Owner with { Network = outgoing }, to.Key, payload);
        }
        else if (FindFor(to, program.Network) is { } network)
        {
            socket.Send(network, payload, remote, to.Key.Local);
        }
        else if (IsGroup(remote.Address))
        {
            SendOnAll(socket, program.Owner, to.Key, payload);
        }
    }

    private void SendOnAll(ProgramDatagramSocket socket, SocketOwner owner, FarKey to, ReadOnlySpan<byte> payload)
    {
        foreach (var network in _networks.Of(owner))
            socket.Send(network, payload, to.Remote, to.Local);
    }

    private LanyardNetwork? FindFor(DatagramFar far, ulong only)
    {
        var now = Environment.TickCount64;
        if (far.Found is { } known && known.Only == only && now - known.At < FoundMs)
            return known.Network;
        var network = _networks.FindFor(far.Key.Remote.Address, new SocketOwner(far.Key.User, only));
        far.Found = new FoundNetwork(only, network, now);
        return network;
    }

    private void Deliver(ProgramSocket program, FarKey key, ReadOnlySpan<byte> payload)
    {
        // Another user may bind the address of a closed socket unless a guard holds it. Do not deliver the datagram to that user.
        if (Environment.TickCount64 - program.SeenAt > SeenMs)
        {
            if (!_sockets.KeepIfAlive(program))
                return;
            program.SeenAt = Environment.TickCount64;
        }

        // The kernel delivers to a connected socket only datagrams from the connected address.
        var fars = _addresses.Datagrams;
        if (program.Connected.Last is { IsNone: false } connected && fars.TryFind(connected.Address, out var far)
            && far.Key.Remote == key.Remote && far.Key.IsOutside == key.IsOutside)
            key = far.Key;
        if (fars.TryFind(key, out far))
        {
            far.UsedAt = Environment.TickCount64;
        }
        else
        {
            lock (_sockets.Lock)
                far = fars.Take(key);
        }

        if (far is not null)
            SendToProgram(far.Address, program, payload);
    }

    // Whether the address is this node's only address of its family on the network.
    private static bool IsOnly(LanyardNetwork network, InetAddress address)
    {
        foreach (var own in network.Addresses)
        {
            if (own.Address.Family == address.Family && own.Address != address)
                return false;
        }

        return true;
    }
}
