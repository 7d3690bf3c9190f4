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

    // Read by the thread that receives, without the lock.
    private readonly ConcurrentDictionary<InetEndpoint, DatagramSocket> _datagramSockets = new();
    private readonly ConcurrentDictionary<InetAddress, DatagramFar> _datagramFar = new();

    // Under the lock.
    private readonly Dictionary<(uint User, InetEndpoint Remote), DatagramFar> _farOf = [];

    /// <summary>Where a program's datagrams to a virtual address are to be sent to.</summary>
    private InterceptReply Send(in InterceptRequest request, InetEndpoint remote, InetEndpoint near, uint user)
    {
        ProgramSocket? socket;
        if (FindForDatagrams(remote.Address, near, user, request.Network) is null)
        {
            lock (_lock)
                return InterceptReply.Host with { Flags = (uint)(_near.TryGetValue((request.Type, near), out socket) ? socket.Flags & InterceptFlags.Echo : 0) };
        }

        var isNew = near.IsNone;
        DatagramFar? far;
        lock (_lock)
        {
            if (near.IsNone || !_near.TryGetValue((request.Type, near), out socket) || socket.User != user)
            {
                var family = remote.Address.IsV4 ? InetAddress.AnyV4 : InetAddress.AnyV6;
                if (!TryChoosePort(request.Type, family, out var port) || (socket = Make(request, new InetEndpoint(default, port), user, near)) is null)
                    return InterceptReply.Failed(Errno.NoBufferSpace);
            }

            far = FarFor(user, remote);
        }

        if (far is null)
            return InterceptReply.Failed(Errno.NoBufferSpace);
        if (!socket.IsEcho)
            Open(socket);
        return InterceptReply.Of(isNew ? socket.Near : default, new InetEndpoint(far.Address, _datagrams.Port));
    }

    // Groups and broadcasts are of a virtual network for a socket that is bound there.
    private LanyardNetwork? FindForDatagrams(InetAddress remote, InetEndpoint near, uint user, ulong only) =>
        _networks.FindFor(remote, user, only)
        ?? (StandIns.IsNear(near.Address) && (remote.IsMulticast || remote == InetAddress.BroadcastV4) ? _networks.Of(user, only).FirstOrDefault() : null);

    // Under the lock.
    private DatagramFar? FarFor(uint user, InetEndpoint remote)
    {
        if (!_farOf.TryGetValue((user, remote), out var far))
        {
            if (_farOf.Count >= MaxFarOfUser)
                return null;
            far = new DatagramFar(user, remote, _standIns.TakeFar());
            _farOf.Add((user, remote), far);
            _datagramFar[far.Address] = far;
        }

        far.UsedAt = Environment.TickCount64;
        return far;
    }

    // Opens the sockets on the networks.
    private DatagramSocket Open(ProgramSocket socket) => _datagramSockets.GetOrAdd(socket.Near, static (_, of) => new DatagramSocket(of.Hub, of.Socket), (Hub: this, Socket: socket));

    private void ReceiveFromProgram(InetEndpoint near, InetAddress far, ReadOnlySpan<byte> payload)
    {
        if (!_datagramFar.TryGetValue(far, out var to))
            return;
        to.UsedAt = Environment.TickCount64;
        if (!_datagramSockets.TryGetValue(near, out var socket))
        {
            _pings.Send(near, to.User, to.Remote.Address, far, payload);
            return;
        }

        if (to.User != socket.Program.User)
            return;
        if (FindForDatagrams(to.Remote.Address, near, to.User, socket.Program.Network) is { } network)
            socket.Send(network, payload, to.Remote);
    }

    private void ReceiveFromNetwork(ProgramSocket socket, InetEndpoint remote, ReadOnlySpan<byte> payload)
    {
        DatagramFar? far;
        lock (_lock)
            far = FarFor(socket.User, remote);
        if (far is not null)
            SendToProgram(far.Address, socket.Near, payload);
    }

    private InterceptReply Group(in InterceptRequest request, InetEndpoint group, InetEndpoint near, uint user)
    {
        ProgramSocket? socket;
        lock (_lock)
        {
            if (!_near.TryGetValue((request.Type, near), out socket) || socket.User != user || socket.IsEcho)
                return InterceptReply.Host;
        }

        var isJoining = (request.Flags & InterceptFlags.Join) != 0;
        return Open(socket).Group(group.Address, isJoining) ? InterceptReply.Of(default) : InterceptReply.Failed(Errno.AddressNotAvailable);
    }

    /// <summary>The network on which a program's socket for pings reaches an address; null where it is no such socket, or on none.</summary>
    public LanyardNetwork? FindForEcho(InetEndpoint near, uint user, InetAddress remote)
    {
        ulong only;
        lock (_lock)
        {
            if (!_near.TryGetValue((InterceptSocketType.Datagram, near), out var socket) || socket.User != user || !socket.IsEcho)
                return null;
            only = socket.Network;
        }

        return _networks.FindFor(remote, user, only);
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
                _farOf.Remove((far.User, far.Remote));
                _datagramFar.TryRemove(far.Address, out _);
                _standIns.Release(far.Address);
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

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }

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
            foreach (var network in hub._networks.Of(program.User, program.Network))
                On(network);
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
                    socket = network.OpenUdp(Program.Local, new UdpOptions { Broadcast = true });
                    _ = ReceiveAsync(socket);
                    return socket;
                }
                catch (LanyardException)
                {
                    _sockets.Remove(network);
                    return null;
                }
            }
        }

        private async Task ReceiveAsync(LanyardUdpSocket socket)
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
                // The program's socket, or the network, is gone.
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
