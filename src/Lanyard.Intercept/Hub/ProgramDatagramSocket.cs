using System.Buffers;
using Lanyard.Intercept.Linux;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A program's datagram socket on the virtual networks: one UDP socket on each network that it uses.</summary>
internal sealed class ProgramDatagramSocket(
    Datagrams datagrams, VirtualNetworks networks, OutsideSockets outsideSockets, ProgramSocket program, DatagramSettings settings) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<LanyardNetwork, LanyardUdpSocket> _sockets = [];
    private GroupMemberships _groups = new();
    private DatagramSettings _settings = settings;
    private InetEndpoint _connected;
    private ulong _outgoing;
    private OutsideSocket? _outside;
    private ulong _outsideKey;
    private bool _isDisposed;

    public ProgramSocket Program { get; } = program;

    /// <summary>The ID of the network that sends the multicast datagrams; 0 for all networks.</summary>
    public ulong Outgoing
    {
        get => Volatile.Read(ref _outgoing);
        set => Volatile.Write(ref _outgoing, value);
    }

    /// <summary>The socket that carries datagrams to and from the system's network; null if there is none.</summary>
    public OutsideSocket? Outside => Volatile.Read(ref _outside);

    public void Send(LanyardNetwork network, ReadOnlySpan<byte> payload, InetEndpoint remote, InetAddress source)
    {
        try
        {
            On(network)?.SendTo(payload, remote, source);
        }
        catch (Exception e) when (e is LanyardException or ObjectDisposedException or ArgumentException)
        {
            // The datagram is lost, as UDP permits.
        }
    }

    /// <summary>Opens the socket on every network on which it is not open yet. Returns false if it is open on no network.</summary>
    public bool OpenAll()
    {
        var isOpen = false;
        foreach (var network in networks.Of(Program.Owner))
            isOpen |= On(network) is not null;
        return isOpen;
    }

    /// <summary>Sets the socket that carries datagrams to the system's network.</summary>
    public void SetOutside(OutsideSocket outside)
    {
        lock (_lock)
        {
            if (!_isDisposed && _outside is null)
            {
                _outsideKey = outsideSockets.Add(outside);
                Volatile.Write(ref _outside, outside);
                return;
            }
        }

        outside.Dispose();
    }

    /// <summary>Connects the socket to a peer, so that it precedes other sockets on its port. An endpoint of none disconnects.</summary>
    public void Connect(InetEndpoint remote)
    {
        lock (_lock)
        {
            _connected = remote;
            foreach (var (network, socket) in _sockets)
                TryConnect(network, socket);
        }
    }

    /// <summary>Applies changed socket settings.</summary>
    public void Set(DatagramSettings settings)
    {
        lock (_lock)
        {
            _settings = settings;
            foreach (var socket in _sockets.Values)
                socket.Options = Options();
        }
    }

    /// <summary>Joins or leaves a multicast group. Returns 0 or an errno.</summary>
    public int Change(in GroupChange change)
    {
        lock (_lock)
        {
            var error = _groups.Change(change);
            foreach (var (network, socket) in _sockets)
                JoinGroups(network, socket);
            return error;
        }
    }

    /// <summary>Takes over the groups that the program joined before it bound the socket.</summary>
    public void Take(GroupMemberships groups)
    {
        lock (_lock)
        {
            _groups = groups;
            foreach (var (network, socket) in _sockets)
                JoinGroups(network, socket);
        }
    }

    /// <summary>Returns whether the program receives a datagram that was sent to a group.</summary>
    public bool Receives(InetAddress group, LanyardNetwork network, InetAddress source)
    {
        lock (_lock)
            return _groups.Receives(group, network.Id.Value, source);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var socket in _sockets.Values)
                socket.Dispose();
            outsideSockets.Remove(_outsideKey);
        }
    }

    // Returns null if the program's address does not belong to the network.
    private LanyardUdpSocket? On(LanyardNetwork network)
    {
        lock (_lock)
        {
            if (_isDisposed)
                return null;
            if (_sockets.TryGetValue(network, out var socket))
                return socket;
            try
            {
                socket = network.OpenUdp(Program.Local, Options());
                _sockets.Add(network, socket);
                JoinGroups(network, socket);
                TryConnect(network, socket);
                _ = ReceiveAsync(network, socket);
                return socket;
            }
            catch (LanyardException)
            {
                return null;
            }
        }
    }

    private UdpOptions Options() => new()
    {
        Broadcast = true,
        ReuseAddress = (Program.Traits & (SocketTraits.ReuseAddress | SocketTraits.ReusePort)) != 0,
        ReusePort = (Program.Traits & SocketTraits.ReusePort) != 0,
        HopLimit = _settings.HopLimit,
        MulticastHopLimit = _settings.GroupHopLimit,
        MulticastLoopback = _settings.LoopsBack,
        TrafficClass = _settings.TrafficClass,
    };

    // Runs under the lock. Only the socket on the peer's network is connected.
    private void TryConnect(LanyardNetwork network, LanyardUdpSocket socket)
    {
        try
        {
            var isThere = !_connected.IsNone && networks.FindFor(_connected.Address, Program.Owner) == network;
            if (isThere || socket.RemoteEndPoint is not null)
                socket.Connect(isThere ? _connected : default);
        }
        catch (Exception e) when (e is LanyardException or ObjectDisposedException)
        {
            // The next send reports the error.
        }
    }

    // Runs under the lock. Joins the groups of the network and leaves all other groups.
    private void JoinGroups(LanyardNetwork network, LanyardUdpSocket socket)
    {
        var wanted = _groups.Groups.Where(joined => joined.Network == 0 || joined.Network == network.Id.Value).Select(joined => joined.Group).ToHashSet();
        try
        {
            foreach (var left in socket.Groups.Where(group => !wanted.Contains(group)))
                socket.LeaveGroup(left);
            foreach (var group in wanted)
                socket.JoinGroup(group);
        }
        catch (Exception e) when (e is LanyardException or ObjectDisposedException)
        {
            // The network is gone. The socket joins again when the network returns.
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
                    datagrams.ReceiveFromNetwork(this, network, datagram, buffer.AsSpan(0, datagram.Length));
                }
                catch (LanyardSocketException)
                {
                    // An ICMP error for an earlier datagram. It concerns only one receiver.
                }
            }
        }
        catch (Exception e) when (e is LanyardNetworkException or ObjectDisposedException)
        {
            // The program's socket is closed, or the network is gone. The network may return.
            lock (_lock)
            {
                if (_sockets.GetValueOrDefault(network) == socket)
                    _sockets.Remove(network);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
