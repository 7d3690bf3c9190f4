using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

// Programs' datagrams.
internal sealed partial class InterceptHub
{
    // Programs remember for five seconds what stands for what.
    private const long FarIdleMs = 120_000;
    private const int MaxFarOfUser = 65_536;

    // For so long a destination's network is not looked up again, which is more work than sending.
    private const long FoundMs = 1_000;

    // Read by the thread that receives, without the lock.
    private readonly ConcurrentDictionary<InetEndpoint, DatagramSocket> _datagramSockets = new();
    private readonly ConcurrentDictionary<InetEndpoint, ProgramSocket> _echoSockets = new();
    private readonly ConcurrentDictionary<InetAddress, DatagramFar> _datagramFar = new();

    // Written under the lock.
    private readonly ConcurrentDictionary<(uint User, InetEndpoint Remote), DatagramFar> _farOf = new();
    private readonly Dictionary<uint, int> _farOfUser = [];

    /// <summary>Where a program's datagrams to a virtual address are to be sent to.</summary>
    private InterceptReply Send(SocketDescriptor descriptor, InetEndpoint remote, InterceptFlags flags, ulong only, uint user)
    {
        ProgramSocket? socket;
        lock (_lock)
            socket = Find(descriptor);
        user = socket?.User ?? user;
        var isVirtual = (flags & InterceptFlags.Groups) != 0 || (socket is not null && StandIns.IsNear(socket.Near.Address));
        var network = _networks.FindFor(remote.Address, user, only)
            ?? (isVirtual && IsGroup(remote.Address) ? _networks.Of(user, only).FirstOrDefault() : null);
        if (network is null)
            return InterceptReply.Host with { Flags = (uint)(socket is { IsEcho: true } ? InterceptFlags.Echo : 0) };
        DatagramFar? far;
        lock (_lock)
        {
            if (socket is null)
            {
                var family = remote.Address.IsV4 ? InetAddress.AnyV4 : InetAddress.AnyV6;
                if (!TryChoosePort(InterceptSocketType.Datagram, family, out var port))
                    return InterceptReply.Failed(Errno.NoBufferSpace);
                if (TryMake(descriptor, new InetEndpoint(default, port), user, only, SocketTraits.None, out socket) is var error and not 0)
                    return InterceptReply.Failed(error);
            }

            far = FarFor(user, remote);
        }

        if (far is null)
            return InterceptReply.Failed(Errno.NoBufferSpace);
        if (!socket!.IsEcho && Open(socket) is { } opened && (flags & InterceptFlags.Connect) != 0)
            opened.Connect(network, remote);
        return InterceptReply.Of(new InetEndpoint(far.Address, _datagrams.Port));
    }

    // They are of all virtual networks for a socket that is bound there, or whose program wants that.
    private static bool IsGroup(InetAddress address) => address.IsMulticast || address == InetAddress.BroadcastV4;

    // Under the lock.
    private DatagramFar? FarFor(uint user, InetEndpoint remote)
    {
        if (!_farOf.TryGetValue((user, remote), out var far))
        {
            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_farOfUser, user, out _);
            if (count >= MaxFarOfUser || !_standIns.TryTakeFar(out var address))
                return null;
            count++;
            far = new DatagramFar(user, remote, address);
            _farOf[(user, remote)] = far;
            _datagramFar[address] = far;
        }

        far.UsedAt = Environment.TickCount64;
        return far;
    }

    // Opens the sockets on the networks. Null where the program's is forgotten already.
    private DatagramSocket? Open(ProgramSocket socket)
    {
        if (_datagramSockets.TryGetValue(socket.Near, out var open))
            return open;
        lock (_lock)
        {
            if (_programSockets.GetValueOrDefault(socket.Cookie) != socket)
                return null;
            open = _datagramSockets.GetOrAdd(socket.Near, static (_, of) => new DatagramSocket(of.Hub, of.Socket), (Hub: this, Socket: socket));
        }

        open.OpenAll();
        return open;
    }

    private void ReceiveFromProgram(InetEndpoint near, InetAddress far, ReadOnlySpan<byte> payload)
    {
        if (!_datagramFar.TryGetValue(far, out var to))
            return;
        to.UsedAt = Environment.TickCount64;
        if (!_datagramSockets.TryGetValue(near, out var socket))
        {
            if (_echoSockets.TryGetValue(near, out var echo) && echo.User == to.User && FindFor(to, echo.Network) is { } over)
                _pings.Send(over, near, to.Remote.Address, far, payload);
            return;
        }

        if (to.User != socket.Program.User)
            return;
        if (FindFor(to, socket.Program.Network) is { } network)
        {
            socket.Send(network, payload, to.Remote);
        }
        else if (IsGroup(to.Remote.Address) && StandIns.IsNear(near.Address))
        {
            foreach (var any in _networks.Of(to.User, socket.Program.Network))
                socket.Send(any, payload, to.Remote);
        }
    }

    private LanyardNetwork? FindFor(DatagramFar far, ulong only)
    {
        var now = Environment.TickCount64;
        if (far.Found is { } known && known.Only == only && now - known.At < FoundMs)
            return known.Network;
        var network = _networks.FindFor(far.Remote.Address, far.User, only);
        far.Found = new FoundNetwork(only, network, now);
        return network;
    }

    private void ReceiveFromNetwork(ProgramSocket socket, InetEndpoint remote, ReadOnlySpan<byte> payload)
    {
        if (_farOf.TryGetValue((socket.User, remote), out var far))
        {
            far.UsedAt = Environment.TickCount64;
        }
        else
        {
            lock (_lock)
                far = FarFor(socket.User, remote);
        }

        if (far is not null)
            SendToProgram(far.Address, socket.Near, payload);
    }

    private InterceptReply Group(SocketDescriptor descriptor, InetEndpoint group, bool isJoining)
    {
        ProgramSocket? socket;
        lock (_lock)
            socket = Find(descriptor);
        if (socket is null or { IsEcho: true })
            return InterceptReply.Host;
        return Open(socket)?.Group(group.Address, isJoining) == true ? InterceptReply.Of(default) : InterceptReply.Failed(Errno.AddressNotAvailable);
    }

    /// <summary>Sends a datagram to a program's socket.</summary>
    public void SendToProgram(InetAddress far, InetEndpoint near, ReadOnlySpan<byte> payload) => _datagrams.Send(far, near, payload);

    private void SweepDatagrams()
    {
        lock (_lock)
        {
            var before = Environment.TickCount64 - FarIdleMs;
            foreach (var far in _farOf.Values.Where(far => far.UsedAt < before).ToArray())
            {
                _farOf.TryRemove((far.User, far.Remote), out _);
                _datagramFar.TryRemove(far.Address, out _);
                _standIns.Release(far.Address);
                if (--CollectionsMarshal.GetValueRefOrAddDefault(_farOfUser, far.User, out _) <= 0)
                    _farOfUser.Remove(far.User);
            }
        }
    }

    /// <summary>What an address stands for that a user's datagrams go to and come from.</summary>
    private sealed class DatagramFar(uint user, InetEndpoint remote, InetAddress address)
    {
        private long _usedAt;

        public uint User { get; } = user;

        public InetEndpoint Remote { get; } = remote;

        public InetAddress Address { get; } = address;

        public FoundNetwork? Found { get; set; }

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }

    /// <summary>Which network a destination was found to belong to, for those who see one or all; it is replaced as a whole.</summary>
    private sealed record FoundNetwork(ulong Only, LanyardNetwork? Network, long At);

    /// <summary>A program's datagram socket on the networks: a UDP socket on each that it uses.</summary>
    private sealed class DatagramSocket : IDisposable
    {
        private readonly InterceptHub _hub;
        private readonly Lock _lock = new();
        private readonly Dictionary<LanyardNetwork, LanyardUdpSocket> _sockets = [];
        private bool _isDisposed;

        public DatagramSocket(InterceptHub hub, ProgramSocket program)
        {
            _hub = hub;
            Program = program;
        }

        public ProgramSocket Program { get; }

        public void Send(LanyardNetwork network, ReadOnlySpan<byte> payload, InetEndpoint remote)
        {
            try
            {
                On(network)?.SendTo(payload, remote);
            }
            catch (Exception e) when (e is LanyardException or ObjectDisposedException or ArgumentException)
            {
                // As any datagram that does not arrive.
            }
        }

        /// <summary>Opens it on the networks that there are, where it is not open yet. False: it is on none.</summary>
        public bool OpenAll()
        {
            var isOpen = false;
            foreach (var network in _hub._networks.Of(Program.User, Program.Network))
                isOpen |= On(network) is not null;
            return isOpen;
        }

        /// <summary>Has it first say on what comes from somebody, before sockets that share its port.</summary>
        public void Connect(LanyardNetwork network, InetEndpoint remote)
        {
            try
            {
                On(network)?.Connect(remote);
            }
            catch (Exception e) when (e is LanyardException or ObjectDisposedException)
            {
                // Sending will tell.
            }
        }

        public bool Group(InetAddress group, bool isJoining)
        {
            var done = false;
            lock (_lock)
            {
                foreach (var socket in _sockets.Values)
                    done |= isJoining ? socket.JoinGroup(group) : socket.LeaveGroup(group);
            }

            return done;
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _isDisposed = true;
                foreach (var socket in _sockets.Values)
                    socket.Dispose();
            }
        }

        // Null where the program's address is none of the network's.
        private LanyardUdpSocket? On(LanyardNetwork network)
        {
            lock (_lock)
            {
                if (_isDisposed)
                    return null;
                ref var socket = ref CollectionsMarshal.GetValueRefOrAddDefault(_sockets, network, out _);
                if (socket is not null)
                    return socket;
                try
                {
                    socket = network.OpenUdp(Program.Local, new UdpOptions
                    {
                        Broadcast = true,
                        ReuseAddress = (Program.Traits & (SocketTraits.ReuseAddress | SocketTraits.ReusePort)) != 0,
                    });
                    _ = ReceiveAsync(network, socket);
                    return socket;
                }
                catch (LanyardException)
                {
                    _sockets.Remove(network);
                    return null;
                }
            }
        }

        private async Task ReceiveAsync(LanyardNetwork network, LanyardUdpSocket socket)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(LoopbackDatagrams.MaxDatagram);
            try
            {
                while (true)
                {
                    try
                    {
                        var datagram = await socket.ReceiveFromAsync(buffer).ConfigureAwait(false);
                        _hub.ReceiveFromNetwork(Program, datagram.Remote, buffer.AsSpan(0, datagram.Length));
                    }
                    catch (LanyardSocketException)
                    {
                        // What was sent before met an error on its way, which concerns one receiver only.
                    }
                }
            }
            catch (Exception e) when (e is LanyardNetworkException or ObjectDisposedException)
            {
                // The program's socket, or the network, is gone; that one may come back.
                lock (_lock)
                    _sockets.Remove(network);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
