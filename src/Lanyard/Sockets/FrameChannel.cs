using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// What a <see cref="LanyardFrameSocket"/> does. Its methods enter the gate themselves; events and the port's calls come under it.
/// </summary>
internal sealed class FrameChannel : IFrameEvents, IPortUser
{
    private readonly ReceiveOperation _receive;
    private readonly List<MacAddress> _groups = [];
    private FrameSocket? _socket;
    private FrameOptions _options;
    private long _droppedBefore;
    private bool _isDisposed;

    /// <summary>Under the gate.</summary>
    /// <exception cref="LanyardSocketException">There are too many already.</exception>
    public FrameChannel(NetworkPort port, ushort etherType, FrameOptions options)
    {
        Port = port;
        EtherType = etherType;
        _options = options;
        _receive = new ReceiveOperation(this);
        var error = port.Host.OpenFrames(etherType, this, out _socket, options);
        if (error != NetError.None)
            throw SocketErrors.Frames(error, port);
        port.AddUser(this);
    }

    public NetworkPort Port { get; }

    public ushort EtherType { get; }

    public int ReceiveBufferBytes
    {
        get
        {
            using (Hold())
                return _options.ReceiveBufferBytes;
        }
        set
        {
            using (Hold())
            {
                _options = _options with { ReceiveBufferBytes = value };
                Socket().Options = _options;
            }
        }
    }

    public long Dropped
    {
        get
        {
            using (Hold())
                return _droppedBefore + (_socket?.Dropped ?? 0);
        }
    }

    bool IPortUser.IsFinishing => false;

    public void Send(MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        if (etherType < FrameSocket.FirstEtherType)
            throw new ArgumentOutOfRangeException(nameof(etherType), etherType, "An Ethernet type is 0x0600 or more.");
        using (Hold())
        {
            var socket = Socket();
            if (payload.IsEmpty || payload.Length > Port.Host.Mtu)
                throw new ArgumentException($"A frame on this network carries 1 to {Port.Host.Mtu} bytes, not {payload.Length}.", nameof(payload));
            if (destination == Port.Host.Mac)
                throw new ArgumentException("Frames to oneself do not go over the network.", nameof(destination));
            var error = socket.Send(Port.Runtime.NowMicroseconds, destination, etherType, payload);
            if (error != NetError.None)
                throw SocketErrors.Frames(error, Port);
        }
    }

    public ValueTask<LanyardFrame> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask<LanyardFrame>(Task.FromCanceled<LanyardFrame>(cancellationToken));
        using (Hold())
        {
            _receive.ThrowIfBusy();
            if (WhyNot() is { } error)
                return new ValueTask<LanyardFrame>(Task.FromException<LanyardFrame>(error));
            if (TryReceive(buffer.Span, out var frame))
                return new ValueTask<LanyardFrame>(frame);
            _receive.Begin(buffer);
        }

        return _receive.Issue(cancellationToken);
    }

    public bool JoinGroup(MacAddress group)
    {
        using (Hold())
        {
            if (!Socket().JoinGroup(group))
                return false;
            _groups.Add(group);
            return true;
        }
    }

    public bool LeaveGroup(MacAddress group)
    {
        using (Hold())
        {
            _groups.Remove(group);
            return Socket().LeaveGroup(group);
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

    void IFrameEvents.OnReadable(FrameSocket socket)
    {
        if (_receive.IsPending && ReferenceEquals(socket, _socket))
            _receive.Advance();
    }

    void IPortUser.OnHostReplaced()
    {
        _droppedBefore += _socket?.Dropped ?? 0;
        if (Port.Host.OpenFrames(EtherType, this, out _socket, _options) != NetError.None)
        {
            ((IPortUser)this).OnPortLeft();
            return;
        }

        foreach (var group in _groups)
            _socket!.JoinGroup(group);
    }

    void IPortUser.OnPortLeft()
    {
        _socket = null;
        if (WhyNot() is { } error)
            _receive.Fail(error);
    }

    private GateHold Hold() => new(Port.Runtime);

    private FrameSocket Socket() => WhyNot() is { } error ? throw error : _socket!;

    private Exception? WhyNot() =>
        _isDisposed ? new ObjectDisposedException(nameof(LanyardFrameSocket), "The socket was disposed of.")
        : _socket is null || Port.IsLeft ? Port.Owner.LeftException()
        : null;

    private bool TryReceive(Span<byte> buffer, out LanyardFrame frame)
    {
        var isThere = _socket!.TryReceive(buffer, out var info);
        frame = new LanyardFrame(Math.Min(info.Length, buffer.Length), info.Length > buffer.Length, info.Source, info.Destination,
            info.EtherType);
        return isThere;
    }

    private sealed class ReceiveOperation(FrameChannel channel) : Operation<LanyardFrame>(channel.Port.Runtime)
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
            if (channel.TryReceive(_buffer.Span, out var frame))
                Finish(frame);
        }

        protected override void Release() => _buffer = default;
    }
}
