using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// The implementation of <see cref="LanyardFrameSocket"/>. Public methods take the lock; the callers of events and of the port's methods hold it.
/// </summary>
internal sealed class FrameChannel : ReceiveChannel<LanyardFrame>, IFrameEvents
{
    private FrameSocket? _socket;
    private FrameOptions _options;

    /// <summary>Opens the socket. Callers hold the lock.</summary>
    /// <exception cref="LanyardSocketException">The limit of sockets for frames is reached.</exception>
    public FrameChannel(NetworkPort port, ushort etherType, FrameOptions options)
        : base(port, nameof(LanyardFrameSocket))
    {
        EtherType = etherType;
        _options = options;
        var error = port.Host.OpenFrames(etherType, this, out _socket, options);
        if (error != NetError.None)
            throw SocketErrors.Frames(error, port);
        port.AddUser(this);
    }

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
                return _socket?.Dropped ?? 0;
        }
    }

    protected override bool HasSocket => _socket is not null;

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
                throw new ArgumentException("The destination is this node's own Ethernet address. Use the address of another member.", nameof(destination));
            var error = socket.Send(Port.Runtime.NowMicroseconds, destination, etherType, payload);
            if (error != NetError.None)
                throw SocketErrors.Frames(error, Port);
        }
    }

    public bool JoinGroup(MacAddress group)
    {
        using (Hold())
        {
            return Socket().JoinGroup(group);
        }
    }

    public bool LeaveGroup(MacAddress group)
    {
        using (Hold())
        {
            return Socket().LeaveGroup(group);
        }
    }

    void IFrameEvents.OnReadable(FrameSocket socket) => AdvanceReceive();

    protected override void CloseSocket() => _socket?.Close(Port.Runtime.NowMicroseconds);

    protected override void ForgetSocket() => _socket = null;

    protected override bool TryReceive(Span<byte> buffer, out LanyardFrame frame, out Exception? error)
    {
        error = null;
        var isThere = _socket!.TryReceive(buffer, out var info);
        frame = new LanyardFrame(Math.Min(info.Length, buffer.Length), info.Length > buffer.Length, info.Source, info.Destination,
            info.EtherType);
        return isThere;
    }

    private FrameSocket Socket()
    {
        ThrowIfEnded();
        return _socket!;
    }
}
