using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>A TCP port of a virtual network that accepts connections. One accept may be under way at a time.</summary>
public sealed class LanyardListener : IDisposable
{
    private readonly ListenChannel _channel;

    internal LanyardListener(ListenChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>The address (unspecified where it listens on all) and port.</summary>
    public IPEndPoint LocalEndPoint => _channel.LocalEndpoint.IsNone
        ? new IPEndPoint(IPAddress.IPv6Any, _channel.LocalEndpoint.Port)
        : _channel.LocalEndpoint.ToIPEndPoint();

    /// <summary>The settings of connections that come from now on; those accepted have their own.</summary>
    public TcpOptions Options
    {
        get => _channel.Options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _channel.Options = value;
        }
    }

    /// <summary>Waits for the next connection.</summary>
    /// <exception cref="ObjectDisposedException">The listener was disposed of, before or meanwhile.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    /// <exception cref="LanyardSocketException">The listener's address no longer belongs to this node.</exception>
    public ValueTask<LanyardStream> AcceptAsync(CancellationToken cancellationToken = default) => _channel.AcceptAsync(cancellationToken);

    /// <summary>Stops listening. Connections that nobody accepted are reset.</summary>
    public void Dispose() => _channel.Dispose();
}

/// <summary>What a <see cref="LanyardListener"/> does. Under the gate, but for what says otherwise.</summary>
internal sealed class ListenChannel : ITcpListenEvents, IPortUser
{
    private readonly AcceptOperation _accept;
    private TcpOptions? _options;
    private TcpListenSocket? _socket;
    private bool _isAddressGone;
    private bool _isDisposed;

    /// <exception cref="LanyardSocketException">The port is taken, or the address is not this node's.</exception>
    public ListenChannel(NetworkPort port, InetEndpoint local, int backlog, TcpOptions? options)
    {
        Port = port;
        _options = options;
        _accept = new AcceptOperation(this);
        var error = port.Host.ListenTcp(local, this, out _socket, backlog, options);
        if (error != NetError.None)
            throw SocketErrors.Bind(error, local, port);
        LocalEndpoint = _socket!.LocalEndpoint;
        port.AddUser(this);
    }

    public NetworkPort Port { get; }

    public InetEndpoint LocalEndpoint { get; }

    /// <summary>Not under the gate.</summary>
    public TcpOptions Options
    {
        get
        {
            using (new GateHold(Port.Runtime))
                return _options ?? Port.Runtime.Options.Tcp;
        }
        set
        {
            using (new GateHold(Port.Runtime))
            {
                if (FindEndReason() is { } error)
                    throw error;
                _socket!.Options = value;
                _options = value;
            }
        }
    }

    bool IPortUser.IsFinishing => false;

    /// <summary>Not under the gate.</summary>
    public ValueTask<LanyardStream> AcceptAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask<LanyardStream>(Task.FromCanceled<LanyardStream>(cancellationToken));
        Port.Runtime.Enter();
        try
        {
            _accept.ThrowIfBusy();
            if (FindEndReason() is { } error)
                return new ValueTask<LanyardStream>(Task.FromException<LanyardStream>(error));
            if (TryAccept() is { } stream)
                return new ValueTask<LanyardStream>(stream);
            _accept.Begin();
        }
        finally
        {
            Port.Runtime.Exit();
        }

        return _accept.Issue(cancellationToken);
    }

    /// <summary>Not under the gate.</summary>
    public void Dispose()
    {
        Port.Runtime.Enter();
        try
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _socket?.Close(Port.Runtime.NowMicroseconds);
            Port.RemoveUser(this);
            if (FindEndReason() is { } error)
                _accept.Fail(error);
        }
        finally
        {
            Port.Runtime.Exit();
        }
    }

    void ITcpListenEvents.OnAcceptable(TcpListenSocket listener)
    {
        if (_accept.IsPending && TryAccept() is { } stream)
            _accept.Finish(stream);
    }

    void ITcpListenEvents.OnClosed(TcpListenSocket listener, NetError reason)
    {
        _isAddressGone = true;
        ((IPortUser)this).OnPortLeft();
    }

    void IPortUser.OnPortLeft()
    {
        _socket = null;
        if (FindEndReason() is { } error)
            _accept.Fail(error);
    }

    private LanyardStream? TryAccept()
    {
        if (_socket is not { Pending: > 0 })
            return null;
        var channel = new TcpChannel(Port);
        if (!_socket.TryAccept(channel, out var connection))
            return null;
        channel.Attach(connection);
        return new LanyardStream(channel);
    }

    private Exception? FindEndReason() =>
        _isDisposed ? new ObjectDisposedException(nameof(LanyardListener), "The listener was disposed of.")
        : Port.IsLeft ? Port.Owner.Errors.Left()
        : _isAddressGone ? SocketErrors.AddressGone(LocalEndpoint, Port)
        : _socket is null ? Port.Owner.Errors.Left()
        : null;

    private sealed class AcceptOperation(ListenChannel channel) : Operation<LanyardStream>(channel.Port.Runtime)
    {
        protected override string BusyMessage => "An accept of this listener is under way: await it before the next.";
    }
}
