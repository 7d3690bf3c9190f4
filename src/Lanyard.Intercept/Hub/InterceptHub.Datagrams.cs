using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

// Programs' datagrams.
internal sealed partial class InterceptHub
{
    // Programs remember for five seconds what stands for what.
    private const long FarIdleMs = 120_000;

    // For so long a socket is taken to be there after the system said so.
    private const long SeenMs = 50;

    // For so long a destination's network is not looked up again, which is more work than sending.
    private const long FoundMs = 1_000;

    // The number of ports to try, each free on the virtual networks, before giving up because the system's network uses them.
    private const int SharedPortTrials = 64;

    // Read by the thread that receives, without the lock.
    private readonly ConcurrentDictionary<InetEndpoint, ProgramDatagramSocket> _datagramSockets = new();
    private readonly ConcurrentDictionary<InetEndpoint, ProgramSocket> _echoSockets = new();
    private readonly DatagramFars _datagramFars;
    private readonly OutsideSockets _outsideSockets = new();

    /// <summary>Decides where to send a program's datagrams to an address.</summary>
    private InterceptReply Send(SocketDescriptor descriptor, SocketDescriptor? outside, InetEndpoint remote, InetAddress source, in InterceptRequest request, uint user)
    {
        ProgramSocket? socket;
        lock (_lock)
            socket = Find(descriptor);
        user = socket?.User ?? user;
        var (flags, only) = (request.Flags, request.Network);
        var isOnAlias = socket is not null && StandIns.IsNear(socket.Near.Address);
        // A socket that is bound to an address of the system uses the system's groups.
        var isVirtual = isOnAlias || ((flags & InterceptFlags.Groups) != 0 && descriptor.TryGetNear(out var bound) && bound.Address.IsUnspecified);
        var network = _networks.FindFor(remote.Address, user, only)
            ?? (isVirtual && IsGroup(remote.Address) ? _networks.Of(user, only).FirstOrDefault() : null);
        if (network is null && (socket is null or { IsEcho: true } || !isOnAlias))
            return InterceptReply.Host with { Flags = (uint)(socket is { IsEcho: true } ? InterceptFlags.Echo : 0) };
        if (network is null && !HasOutside(socket!, outside))
            return InterceptReply.Host with { Flags = (uint)InterceptFlags.Outside };
        DatagramFar? far;
        lock (_lock)
        {
            if (socket is null && TryMakeClient(descriptor, user, only, (flags & InterceptFlags.Shared) != 0, out socket) is var error and not 0)
                return InterceptReply.Failed(error);
            far = _datagramFars.Take(new FarKey(user, remote, source.IsMulticast || source.IsUnspecified ? default : source, IsOutside: network is null));
        }

        if (far is null)
            return InterceptReply.Failed(Errno.NoBufferSpace);
        var isConnecting = (flags & InterceptFlags.Connect) != 0;
        if (!socket!.IsEcho && Open(socket, descriptor) is { } opened && isConnecting)
            opened.Connect(network is null ? default : remote);
        var reply = InterceptReply.Of(new InetEndpoint(far.Address, _datagrams.Port));
        if (isConnecting)
        {
            lock (_lock)
            {
                socket.Connected = (socket.Connected.Last, new InetEndpoint(far.Address, _datagrams.Port));
                NoteChange(socket);
            }
        }

        if (StandIns.IsNear(socket.Near.Address))
            return reply;
        // What it sends to nobody else in particular goes there from now on.
        if (isConnecting && descriptor.SetOptions(socket.Tokens.FromProgram) is var refused and not 0)
            return InterceptReply.Failed(refused);
        socket.Tokens.CopyTokenFromProgram(reply.SendToken);
        return reply;
    }

    // Runs under the lock. Registers a socket that sends to a virtual network without a bind. It gets the port of the system's network if that port is free.
    private int TryMakeClient(SocketDescriptor descriptor, uint user, ulong only, bool isShared, out ProgramSocket? socket)
    {
        socket = null;
        if (!descriptor.TryGetNear(out var near))
            return Errno.BadRequest;
        var port = near.Port;
        if (port == 0 && isShared && TryBindShared(descriptor, default, out port) is var unbound and not 0)
            return unbound;
        if ((port == 0 || Bound(InterceptSocketType.Datagram, new InetEndpoint(default, port)).Any())
            && !TryChoosePort(InterceptSocketType.Datagram, default, out port))
            return Errno.NoBufferSpace;
        return TryMake(descriptor, new InetEndpoint(default, port), user, only, SocketTraits.Client, out socket);
    }

    // Runs under the lock. Binds a socket to a port of the system's network that is also free on the virtual networks. Returns 0 or an errno.
    private int TryBindShared(SocketDescriptor descriptor, InetAddress local, out ushort port)
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

    // They are of all virtual networks for a socket that is bound there, or whose program wants that.
    private static bool IsGroup(InetAddress address) => address.IsMulticast || address == InetAddress.BroadcastV4;

    // Whether a socket can send to the system's network. Takes over the descriptor that came with the request for that purpose.
    private bool HasOutside(ProgramSocket socket, SocketDescriptor? outside)
    {
        if (Open(socket) is not { } datagrams)
            return false;
        if (datagrams.Outside is null && outside is not null && OutsideSocket.TryCreate(this, socket, outside) is { } fresh)
            datagrams.SetOutside(fresh);
        return datagrams.Outside is not null;
    }

    // Handles the end of a datagram socket's connection to a peer of a virtual network.
    private InterceptReply Disconnect(SocketDescriptor descriptor)
    {
        ProgramSocket? socket;
        lock (_lock)
        {
            socket = Find(descriptor);
            if (socket is null)
                return InterceptReply.Host;
            socket.Connected = (socket.Connected.Last, default);
            NoteChange(socket);
        }

        Open(socket)?.Connect(default);
        return InterceptReply.Of(default);
    }

    // Opens the sockets on the networks. Null where the program's is forgotten already.
    private ProgramDatagramSocket? Open(ProgramSocket socket, SocketDescriptor? descriptor = null)
    {
        if (_datagramSockets.TryGetValue(socket.Near, out var open))
            return open;
        lock (_lock)
        {
            if (_programSockets.GetValueOrDefault(socket.Cookie) != socket)
                return null;
            var settings = descriptor?.DatagramSettings ?? new DatagramSettings(0, UsualHopLimit, GroupHopLimit: 1, HearsOwn: true);
            open = _datagramSockets.GetOrAdd(
                socket.Near, static (_, of) => new ProgramDatagramSocket(of.Hub, of.Hub._networks, of.Hub._outsideSockets, of.Socket, of.Settings), (Hub: this, Socket: socket, Settings: settings));
            TakePending(open);
            if (_datagramFars.TryFind(socket.Connected.Last.Address, out var far) && !far.Key.IsOutside)
                open.Connect(far.Key.Remote);
        }

        open.OpenAll();
        return open;
    }

    private void ReceiveFromProgram(InetEndpoint near, InetAddress far, ReadOnlySpan<byte> options, ReadOnlySpan<byte> payload)
    {
        var program = _datagramSockets.TryGetValue(near, out var socket) ? socket.Program : _echoSockets.GetValueOrDefault(near);
        // Any user can send from any loopback address.
        if (program is null || !program.Tokens.IsFromProgram(options))
        {
            Interlocked.Increment(ref _refusedDatagrams);
            return;
        }

        if (!_datagramFars.TryFind(far, out var to) || to.Key.User != program.User)
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
            foreach (var one in _networks.Of(program.User, outgoing))
                socket.Send(one, payload, remote, to.Key.Local);
        }
        else if (FindFor(to, program.Network) is { } network)
        {
            socket.Send(network, payload, remote, to.Key.Local);
        }
        else if (IsGroup(remote.Address))
        {
            foreach (var any in _networks.Of(program.User, program.Network))
                socket.Send(any, payload, remote, to.Key.Local);
        }
    }

    private LanyardNetwork? FindFor(DatagramFar far, ulong only)
    {
        var now = Environment.TickCount64;
        if (far.Found is { } known && known.Only == only && now - known.At < FoundMs)
            return known.Network;
        var network = _networks.FindFor(far.Key.Remote.Address, far.Key.User, only);
        far.Found = new FoundNetwork(only, network, now);
        return network;
    }

    /// <summary>Delivers a datagram of a virtual network to the program.</summary>
    public void ReceiveFromNetwork(ProgramDatagramSocket socket, LanyardNetwork network, in LanyardDatagram datagram, ReadOnlySpan<byte> payload)
    {
        var (program, remote, local) = (socket.Program, datagram.Remote, datagram.Local.Address);
        if (local.IsMulticast && !socket.Hears(local, network, remote.Address))
            return;
        // A program may ask for the destination address. Either only one address is possible, or the alias address records it.
        var isPlain = !IsGroup(local) && (!IsAnywhere(program.Local.Address) || IsOnly(network, local));
        Deliver(program, new FarKey(program.User, remote, isPlain ? default : local), payload);
    }

    /// <summary>Delivers a datagram of the system's network to the program.</summary>
    public void ReceiveFromSystem(ProgramSocket program, InetEndpoint remote, ReadOnlySpan<byte> payload) =>
        Deliver(program, new FarKey(program.User, remote, IsOutside: true), payload);

    private void Deliver(ProgramSocket program, FarKey key, ReadOnlySpan<byte> payload)
    {
        // Another user may bind the address of a closed socket unless a guard holds it. Do not deliver the datagram to that user.
        if (Environment.TickCount64 - program.SeenAt > SeenMs)
        {
            if (!IsAlive(program))
            {
                lock (_lock)
                    Forget(program);
                return;
            }

            program.SeenAt = Environment.TickCount64;
        }

        // The kernel delivers to a connected socket only datagrams from the connected address.
        if (program.Connected.Last is { IsNone: false } connected && _datagramFars.TryFind(connected.Address, out var far)
            && far.Key.Remote == key.Remote && far.Key.IsOutside == key.IsOutside)
            key = far.Key;
        if (_datagramFars.TryFind(key, out far))
        {
            far.UsedAt = Environment.TickCount64;
        }
        else
        {
            lock (_lock)
                far = _datagramFars.Take(key);
        }

        if (far is not null)
            SendToProgram(far.Address, program, payload);
    }

    private static bool IsAnywhere(InetAddress address) => address.Family == InetFamily.None || address.IsUnspecified;

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

    /// <summary>Sends a datagram to a program's socket.</summary>
    public void SendToProgram(InetAddress far, ProgramSocket socket, ReadOnlySpan<byte> payload) =>
        _datagrams.Send(far, socket.Near, socket.Tokens.ToProgram, payload);

    private void SweepDatagrams()
    {
        lock (_lock)
        {
            var connected = new HashSet<InetAddress>();
            foreach (var socket in _programSockets.Values)
            {
                if (!socket.Connected.Last.IsNone)
                    connected.Add(socket.Connected.Last.Address);
            }

            _datagramFars.Sweep(Environment.TickCount64 - FarIdleMs, connected);
        }
    }
}
