using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A TCP port that accepts connections. Created by <see cref="NetworkHost.ListenTcp"/>.</summary>
/// <remarks>
/// When as many established connections as the backlog are pending, SYNs are ignored. When twice the backlog, but at least 256, are half-open, SYNs
/// are answered with cookies, which hold no memory (RFC 4987 section 3.6), up to <see cref="HostLimits.CookiesPerNeighborAndSecond"/>.
/// </remarks>
public sealed class TcpListenSocket
{
    private const int MinHalfOpen = 256;

    private readonly NetworkHost _host;
    private readonly Queue<TcpConnection> _ready = new();
    private readonly ConnectionList _halfOpen = new();
    private readonly int _backlog;
    private bool _closed;

    internal TcpListenSocket(NetworkHost host, InetEndpoint local, ITcpListenEvents? events, int backlog, TcpOptions options)
    {
        _host = host;
        _backlog = backlog;
        LocalEndpoint = local;
        Events = events;
        Options = options;
    }

    /// <summary>The handler of the listener's events.</summary>
    public ITcpListenEvents? Events { get; set; }

    /// <summary>The address and port listened on.</summary>
    public InetEndpoint LocalEndpoint { get; }

    /// <summary>The number of connections to accept.</summary>
    public int Pending => _ready.Count;

    /// <summary>The settings of later connections.</summary>
    public TcpOptions Options { get; set; }

    /// <summary>Whether there is room for one more established connection.</summary>
    internal bool HasRoom => _ready.Count < _backlog;

    /// <summary>Whether it is in the host's queue of listeners to settle.</summary>
    internal bool IsMarked { get; set; }

    /// <summary>Accepts the oldest pending connection. Data may have arrived on it already.</summary>
    /// <param name="events">The handler of the connection's events.</param>
    /// <param name="connection">The connection.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAccept(ITcpEvents? events, [NotNullWhen(true)] out TcpConnection? connection)
    {
        while (_ready.TryDequeue(out connection))
        {
            connection.Listener = null;
            // Skip connections that were reset meanwhile and have nothing to read.
            if (connection.Error != NetError.None && connection.ReadableBytes == 0)
                continue;
            connection.Events = events;
            return true;
        }

        return false;
    }

    /// <summary>Stops listening. Resets the pending connections.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Close(long now)
    {
        if (_closed)
            return;
        _closed = true;
        _host.BeginBatch(now);
        _host.Tcp.OnListenerClosed(this);
        while (_halfOpen.First is { } connection)
        {
            connection.Abort(now);
            _halfOpen.Remove(connection);
        }

        while (_ready.TryDequeue(out var connection))
        {
            connection.Listener = null;
            connection.Abort(now);
        }

        _host.EndBatch(now);
    }

    /// <summary>Closes the listener and notifies its owner of the reason.</summary>
    internal void Fail(NetError reason)
    {
        Close(_host.Now);
        Events?.OnClosed(this, reason);
    }

    /// <summary>Handles a SYN for this port.</summary>
    internal void Receive(long now, in InboundPacket packet, in TcpSegment segment)
    {
        if (!HasRoom)
        {
            _host.Count(HostCounter.TcpBacklogFull);
            return;
        }

        if (_halfOpen.Count >= Math.Max(MinHalfOpen, 2 * _backlog))
        {
            _host.Tcp.SendCookie(packet, segment, Options);
            return;
        }

        var local = new InetEndpoint(packet.Destination, segment.DestinationPort);
        var remote = new InetEndpoint(packet.Source, segment.SourcePort);
        var connection = new TcpConnection(_host, local, remote, Options, this) { RemoteMac = packet.FrameSource };
        if (!_host.Tcp.TryAdd(connection))
            return;
        _halfOpen.AddLast(connection);
        connection.OpenPassively(now, segment);
    }

    /// <summary>Handles an acknowledgment without a connection, which may return a cookie. Returns false if it must be answered with a reset.</summary>
    internal bool ReceiveCookie(long now, in InboundPacket packet, in TcpSegment segment)
    {
        var local = new InetEndpoint(packet.Destination, segment.DestinationPort);
        var remote = new InetEndpoint(packet.Source, segment.SourcePort);
        if (!SynCookies.TryRead(_host, packet.FrameSource, local, remote, segment, out var offer))
        {
            _host.Count(HostCounter.TcpCookiesRejected);
            // The acknowledgment and the stream's first segment return the cookie. If both are lost, a reset in answer to the second segment would end
            // the connection that the retransmission of the first opens.
            return !segment.Payload.IsEmpty;
        }

        if (!HasRoom)
        {
            _host.Count(HostCounter.TcpBacklogFull);
            return true;
        }

        var connection = new TcpConnection(_host, local, remote, Options, this) { RemoteMac = packet.FrameSource };
        if (!_host.Tcp.TryAdd(connection))
            return true;
        _host.Count(HostCounter.TcpCookiesAccepted);
        _halfOpen.AddLast(connection);
        connection.OpenByCookie(now, offer, segment);
        return true;
    }

    internal void OnEstablished(TcpConnection connection)
    {
        _halfOpen.Remove(connection);
        _ready.Enqueue(connection);
        _host.Settling.Add(this);
    }

    internal void OnFinished(TcpConnection connection, bool wasHalfOpen)
    {
        if (wasHalfOpen)
            _halfOpen.Remove(connection);
    }

    internal void RaiseAcceptable()
    {
        IsMarked = false;
        if (!_closed && _ready.Count > 0)
            Events?.OnAcceptable(this);
    }
}
