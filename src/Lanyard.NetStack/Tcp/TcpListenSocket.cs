using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A TCP port that accepts connections. Made by <see cref="NetworkHost.ListenTcp"/>.</summary>
/// <remarks>
/// At most the backlog of established connections wait to be accepted; beyond it SYNs are not answered. Half-open ones are at most twice
/// the backlog, at least 256; beyond it SYNs are answered with cookies, which hold no memory (RFC 4987 section 3.6), so many a second for a
/// neighbor (<see cref="HostLimits.CookiesPerNeighborAndSecond"/>).
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

    /// <summary>Hears of connections.</summary>
    public ITcpListenEvents? Events { get; set; }

    /// <summary>The address and port listened on.</summary>
    public InetEndpoint LocalEndpoint { get; }

    /// <summary>Connections that wait to be accepted.</summary>
    public int Pending => _ready.Count;

    /// <summary>The settings of connections that come from now on.</summary>
    public TcpOptions Options { get; set; }

    /// <summary>Whether one more established connection may wait.</summary>
    internal bool HasRoom => _ready.Count < _backlog;

    /// <summary>Whether the owner is still to be told of connections.</summary>
    internal bool IsMarked { get; set; }

    /// <summary>Takes the oldest established connection that waits. Data may have arrived on it already.</summary>
    /// <param name="events">Hears what happens to the connection from now on.</param>
    /// <param name="connection">The connection.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAccept(ITcpEvents? events, [NotNullWhen(true)] out TcpConnection? connection)
    {
        while (_ready.TryDequeue(out connection))
        {
            connection.Listener = null;
            // One that was reset while it waited, with nothing to read, is of no use to anybody.
            if (connection.Error != NetError.None && connection.ReadableBytes == 0)
                continue;
            connection.Events = events;
            return true;
        }

        return false;
    }

    /// <summary>Stops listening. Connections that nobody accepted are reset.</summary>
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

    /// <summary>A SYN has come for this port.</summary>
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

    /// <summary>An acknowledgement for no connection has come while cookies are out. False if it is to be answered with a reset.</summary>
    internal bool ReceiveCookie(long now, in InboundPacket packet, in TcpSegment segment)
    {
        var local = new InetEndpoint(packet.Destination, segment.DestinationPort);
        var remote = new InetEndpoint(packet.Source, segment.SourcePort);
        if (!SynCookies.TryRead(_host, packet.FrameSource, local, remote, segment, out var offer))
        {
            _host.Count(HostCounter.TcpCookiesRejected);
            // The cookie comes back with the acknowledgement and the stream's first segment. Were both lost, a reset in answer to the
            // second would end what the repetition of the first brings to life.
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
