using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// What a <see cref="LanyardUdpSocket"/> does. Its methods enter the gate themselves; events and the port's calls come under it.
/// </summary>
internal sealed class UdpChannel : IUdpEvents, IPortUser
{
    private readonly ReceiveOperation _receive;
    private readonly List<InetAddress> _groups = [];
    private UdpSocket? _socket;
    private UdpOptions _options;
    private InetEndpoint _remote;
    private bool _isDisposed;

    /// <summary>Under the gate.</summary>
    /// <exception cref="LanyardSocketException">The port is taken, or the address is not this node's.</exception>
    public UdpChannel(NetworkPort port, InetEndpoint local, UdpOptions options)
    {
        Port = port;
        _options = options;
        _receive = new ReceiveOperation(this);
        var error = port.Host.OpenUdp(local, this, out _socket, options);
        if (error != NetError.None)
            throw SocketErrors.Bind(error, local, port);
        LocalEndpoint = _socket!.LocalEndpoint;
        port.AddUser(this);
    }

    public NetworkPort Port { get; }

    public InetEndpoint LocalEndpoint { get; }

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

    bool IPortUser.IsFinishing => false;

    /// <summary>Changes one setting.</summary>
    public void Change<T>(Func<UdpOptions, T, UdpOptions> change, T value)
    {
        using (Hold())
        {
            var options = change(_options, value);
            Socket().Options = options;
            _options = options;
        }
    }

    public bool TryTakeError(out UdpError error)
    {
        using (Hold())
            return Socket().TryTakeError(out error);
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

    public void Send(ReadOnlySpan<byte> payload, InetEndpoint remote)
    {
        using (Hold())
        {
            var socket = Socket();
            var error = socket.TakeError();
            if (error == NetError.None)
                error = remote.IsNone
                    ? socket.Send(Port.Runtime.NowMicroseconds, payload) : socket.SendTo(Port.Runtime.NowMicroseconds, remote, payload);
            if (error != NetError.None)
                throw SocketErrors.Datagram(error, remote.IsNone ? _remote : remote, Port);
        }
    }

    public ValueTask<LanyardDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask<LanyardDatagram>(Task.FromCanceled<LanyardDatagram>(cancellationToken));
        using (Hold())
        {
            _receive.ThrowIfBusy();
            if (TryReceive(buffer.Span, out var datagram, out var error))
                return error is null
                    ? new ValueTask<LanyardDatagram>(datagram) : new ValueTask<LanyardDatagram>(Task.FromException<LanyardDatagram>(error));
            _receive.Begin(buffer);
        }

        return _receive.Issue(cancellationToken);
    }

    public bool JoinGroup(InetAddress group)
    {
        using (Hold())
        {
            if (!Socket().JoinGroup(Port.Runtime.NowMicroseconds, group))
                return false;
            _groups.Add(group);
            return true;
        }
    }

    public bool LeaveGroup(InetAddress group)
    {
        using (Hold())
        {
            _groups.Remove(group);
            return Socket().LeaveGroup(Port.Runtime.NowMicroseconds, group);
        }
    }

    public void Dispose()
    {
        using (Hold())
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _socket?.Close(Port.Runtime.NowMicroseconds);
            Port.RemoveUser(this);
            if (WhyNot() is { } error)
                _receive.Fail(error);
        }
    }

    void IUdpEvents.OnReadable(UdpSocket socket) => Advance(socket);

    void IUdpEvents.OnError(UdpSocket socket, NetError error) => Advance(socket);

    void IPortUser.OnHostReplaced()
    {
        if (Port.Host.OpenUdp(LocalEndpoint, this, out _socket, _options) != NetError.None)
        {
            ((IPortUser)this).OnPortLeft();
            return;
        }

        foreach (var group in _groups)
            _socket!.JoinGroup(Port.Runtime.NowMicroseconds, group);
        // The way to the other end may come a little later, with the addresses; until then everybody's datagrams are received.
        if (!_remote.IsNone)
            _socket!.Connect(_remote);
    }

    void IPortUser.OnPortLeft()
    {
        _socket = null;
        if (WhyNot() is { } error)
            _receive.Fail(error);
    }

    // What a socket of a host that was replaced says does not count.
    private void Advance(UdpSocket socket)
    {
        if (_receive.IsPending && ReferenceEquals(socket, _socket))
            _receive.Advance();
    }

    private GateHold Hold() => new(Port.Runtime);

    private UdpSocket Socket() => WhyNot() is { } error ? throw error : _socket!;

    private Exception? WhyNot() =>
        _isDisposed ? new ObjectDisposedException(nameof(LanyardUdpSocket), "The socket was disposed of.")
        : _socket is null || Port.IsLeft ? Port.Owner.LeftException()
        : null;

    private bool TryReceive(Span<byte> buffer, out LanyardDatagram datagram, out Exception? error)
    {
        datagram = default;
        error = WhyNot();
        if (error is not null)
            return true;
        if (_socket!.TryReceive(buffer, out var info))
        {
            datagram = new LanyardDatagram(Math.Min(info.Length, buffer.Length), info.Length > buffer.Length, info.Remote, info.Local,
                info.HopLimit, info.TrafficClass);
            return true;
        }

        var failure = _socket.TakeError();
        if (failure == NetError.None)
            return false;
        error = SocketErrors.Datagram(failure, _remote, Port);
        return true;
    }

    private sealed class ReceiveOperation(UdpChannel channel) : Operation<LanyardDatagram>(channel.Port.Runtime)
    {
        private Memory<byte> _buffer;

        protected override string BusyMessage => "A receive on this socket is under way: await it before the next.";

        public void Begin(Memory<byte> buffer)
        {
            Begin();
            _buffer = buffer;
        }

        public void Advance()
        {
            if (!channel.TryReceive(_buffer.Span, out var datagram, out var error))
                return;
            if (error is null)
                Finish(datagram);
            else
                Fail(error);
        }

        protected override void Release() => _buffer = default;
    }
}
