using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// The implementation of <see cref="LanyardUdpSocket"/>. Public methods take the lock; the callers of events and of the port's methods hold it.
/// </summary>
internal sealed class UdpChannel : ReceiveChannel<LanyardDatagram>, IUdpEvents
{
    private UdpSocket? _socket;
    private UdpOptions _options;
    private InetEndpoint _remote;

    /// <summary>Opens the socket. Callers hold the lock.</summary>
    /// <exception cref="LanyardSocketException">The port is in use, or the address is not one of this node's.</exception>
    public UdpChannel(NetworkPort port, InetEndpoint local, UdpOptions options)
        : base(port, nameof(LanyardUdpSocket))
    {
        _options = options;
        var error = port.Host.OpenUdp(local, this, out _socket, options);
        if (error != NetError.None)
            throw SocketErrors.Bind(error, local, port);
        LocalEndpoint = _socket!.LocalEndpoint;
        port.AddUser(this);
    }

    public InetEndpoint RemoteEndpoint
    {
        get
        {
            using (Hold())
                return _remote;
        }
    }

    public UdpOptions Options
    {
        get
        {
            using (Hold())
                return _options;
        }
        set
        {
            using (Hold())
            {
                Socket().Options = value;
                _options = value;
            }
        }
    }

    public IReadOnlyList<InetAddress> Groups
    {
        get
        {
            using (Hold())
                return [.. Socket().Groups];
        }
    }

    protected override bool HasSocket => _socket is not null;

    /// <summary>Changes a setting.</summary>
    public void Change<T>(Func<UdpOptions, T, UdpOptions> change, T value)
    {
        using (Hold())
        {
            var options = change(_options, value);
            Socket().Options = options;
            _options = options;
        }
    }

    public bool TryTakeError(out LanyardUdpError error)
    {
        using (Hold())
        {
            error = default;
            if (!Socket().TryTakeError(out var taken))
                return false;
            error = new LanyardUdpError(taken.Remote.ToIPEndPoint(), SocketErrors.Of(taken.Error), taken.From.ToIPAddress(), taken.Mtu);
            return true;
        }
    }

    public void Connect(InetEndpoint remote)
    {
        using (Hold())
        {
            var error = Socket().Connect(remote);
            if (error != NetError.None)
                throw SocketErrors.Datagram(error, remote, Port);
            _remote = remote;
        }
    }

    public void Send(ReadOnlySpan<byte> payload, InetEndpoint remote, InetAddress source = default)
    {
        using (Hold())
        {
            var socket = Socket();
            var error = socket.TakeError();
            if (error == NetError.None)
                error = remote.IsNone
                    ? socket.Send(Port.Runtime.NowMicroseconds, payload) : socket.SendTo(Port.Runtime.NowMicroseconds, remote, payload, source);
            if (error != NetError.None)
                throw SocketErrors.Datagram(error, remote.IsNone ? _remote : remote, Port);
        }
    }

    public bool JoinGroup(InetAddress group)
    {
        using (Hold())
        {
            return Socket().JoinGroup(Port.Runtime.NowMicroseconds, group);
        }
    }

    public bool LeaveGroup(InetAddress group)
    {
        using (Hold())
        {
            return Socket().LeaveGroup(Port.Runtime.NowMicroseconds, group);
        }
    }

    void IUdpEvents.OnReadable(UdpSocket socket) => AdvanceReceive();

    void IUdpEvents.OnError(UdpSocket socket, NetError error)
    {
        if (error == NetError.AddressRemoved)
            OnAddressGone();
        else
            AdvanceReceive();
    }

    protected override void CloseSocket() => _socket?.Close(Port.Runtime.NowMicroseconds);

    protected override void ForgetSocket() => _socket = null;

    protected override bool TryReceive(Span<byte> buffer, out LanyardDatagram datagram, out Exception? error)
    {
        datagram = default;
        error = null;
        if (_socket!.TryReceive(buffer, out var info))
        {
            datagram = new LanyardDatagram(Math.Min(info.Length, buffer.Length), info.Length > buffer.Length, info.Remote, info.Local,
                info.HopLimit, info.TrafficClass, Port.FindNode(info.RemoteMac));
            return true;
        }

        var failure = _socket.TakeError();
        if (failure == NetError.None)
            return false;
        error = SocketErrors.Datagram(failure, _remote, Port);
        return true;
    }

    private UdpSocket Socket()
    {
        ThrowIfEnded();
        return _socket!;
    }
}
