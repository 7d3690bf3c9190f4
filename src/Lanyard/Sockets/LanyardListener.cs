using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>A TCP port of a virtual network that accepts connections. Only one accept may be pending at a time.</summary>
public sealed class LanyardListener : IDisposable
{
    private readonly ListenChannel _channel;

    internal LanyardListener(ListenChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>The local endpoint; its address is the wildcard address if the listener is bound to all addresses.</summary>
    public IPEndPoint LocalEndPoint => _channel.LocalEndpoint.IsNone
        ? new IPEndPoint(IPAddress.IPv6Any, _channel.LocalEndpoint.Port)
        : _channel.LocalEndpoint.ToIPEndPoint();

    /// <summary>The settings of new connections. Accepted connections have their own settings.</summary>
    public TcpOptions Options
    {
        get => _channel.Options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _channel.Options = value;
        }
    }

    /// <summary>Accepts the next connection.</summary>
    /// <exception cref="ObjectDisposedException">The listener is disposed.</exception>
    /// <exception cref="LanyardNetworkException">The node has left the network, or has stopped.</exception>
    /// <exception cref="LanyardSocketException">The listener's address no longer belongs to this node.</exception>
    public ValueTask<LanyardStream> AcceptAsync(CancellationToken cancellationToken = default) => _channel.AcceptAsync(cancellationToken);

    /// <summary>Stops listening. Connections that are not accepted are reset.</summary>
    public void Dispose() => _channel.Dispose();
}

/// <summary>The implementation of <see cref="LanyardListener"/>. Callers hold the lock, except where a comment says otherwise.</summary>
internal sealed class ListenChannel : ITcpListenEvents, IPortUser
{
    private readonly AcceptOperation _accept;
    private TcpOptions? _options;
    private TcpListenSocket? _socket;
    private bool _isAddressGone;
    private bool _isDisposed;

    /// <exception cref="LanyardSocketException">The port is in use, or the address is not one of this node's.</exception>
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

    /// <summary>The settings of new connections. Takes the lock.</summary>
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

    /// <summary>Accepts the next connection. Takes the lock.</summary>
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

    /// <summary>Stops listening. Takes the lock.</summary>
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
        _isDisposed ? new ObjectDisposedException(nameof(LanyardListener), "The listener is disposed.")
        : Port.IsLeft ? Port.Owner.Errors.Left()
        : _isAddressGone ? SocketErrors.AddressGone(LocalEndpoint, Port)
        : _socket is null ? Port.Owner.Errors.Left()
        : null;

    private sealed class AcceptOperation(ListenChannel channel) : Operation<LanyardStream>(channel.Port.Runtime)
    {
        protected override string BusyMessage => "An accept of this listener is pending. Await it before the next accept.";
    }
}
