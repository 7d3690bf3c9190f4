using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Stores programs' sockets in a file. Sockets outlive the service: the next service process adopts sockets that listen or receive datagrams.
/// </summary>
internal sealed class SocketMemory : IDisposable
{
    // Write changes to listeners and bound sockets at once. Delay those of client sockets, which are many and short-lived.
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ClientDelay = TimeSpan.FromSeconds(1);

    private readonly string? _path;
    private readonly Timer _timer;
    private readonly Lock _writing = new();
    private SocketTable? _sockets;
    private AddressMap? _addresses;
    private ushort _port;
    private bool _isChanged;
    private bool _isChangedUrgently;

    /// <summary>Reads the file of the previous service process.</summary>
    /// <param name="path">The file; null for none.</param>
    public SocketMemory(string? path)
    {
        _path = path;
        _timer = new Timer(static memory => ((SocketMemory)memory!).Write(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (path is null)
        {
            Key = SocketTokenKey.Create();
            return;
        }

        Former = RememberedSocket.Read(path, out var key, out var port);
        FormerPort = port;
        Key = key ?? SocketTokenKey.Create();
        // Written before the first socket has a token.
        if (key is null)
            RememberedSocket.Write(path, Key, 0, []);
    }

    /// <summary>The sockets of the previous service process.</summary>
    public IReadOnlyList<RememberedSocket> Former { get; } = [];

    /// <summary>The UDP port of the previous service process; 0 if unknown.</summary>
    public ushort FormerPort { get; }

    /// <summary>The key from which this and the previous service process derive the tokens of sockets.</summary>
    public SocketTokenKey Key { get; }

    /// <summary>Starts to write changes.</summary>
    /// <param name="sockets">Programs' sockets.</param>
    /// <param name="addresses">The loopback alias addresses.</param>
    /// <param name="port">The service's UDP port.</param>
    public void Follow(SocketTable sockets, AddressMap addresses, ushort port)
    {
        (_sockets, _addresses, _port) = (sockets, addresses, port);
        sockets.Changed += NoteChange;
    }

    /// <summary>Writes the sockets that listen or receive, if they changed. One write at a time, so that an older state never replaces a newer one.</summary>
    public void Write()
    {
        lock (_writing)
            WriteOnce();
    }

    public void Dispose() => _timer.Dispose();

    // Runs under the lock of the sockets.
    private void NoteChange(ProgramSocket socket)
    {
        var isUrgent = !socket.IsClient;
        if (_isChangedUrgently || (_isChanged && !isUrgent) || _sockets!.IsDisposed || _path is null)
            return;
        _isChanged = true;
        _isChangedUrgently = isUrgent;
        _timer.Change(isUrgent ? Delay : ClientDelay, Timeout.InfiniteTimeSpan);
    }

    private void WriteOnce()
    {
        RememberedSocket[] sockets;
        lock (_sockets!.Lock)
        {
            if (!_isChanged || _sockets.IsDisposed)
                return;
            _isChanged = _isChangedUrgently = false;
            sockets = [.. _sockets.All.Where(socket => socket.IsRemembered).Select(Describe)];
        }

        RememberedSocket.Write(_path!, Key, _port, sockets);
    }

    private RememberedSocket Describe(ProgramSocket socket) => new(
        socket.Cookie, socket.User, socket.Type, socket.Near, socket.Local, socket.Traits, socket.Network, socket.Listener?.Backlog ?? 0, socket.Connected.Last,
        _addresses!.Datagrams.TryFind(socket.Connected.Last.Address, out var far) && !far.Key.IsOutside ? far.Key.Remote : default);
}
