using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

// Sockets outlive the service: those that listen, and those that receive datagrams, are taken up by the next one. Networks come and go under them.
internal sealed partial class InterceptHub
{
    // Write changes to listeners and bound sockets at once. Delay those of client sockets, which are many and short-lived.
    private static readonly TimeSpan MemoryDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ClientMemoryDelay = TimeSpan.FromSeconds(1);

    private readonly string? _memoryPath;
    private readonly Timer _memory;
    private readonly Lock _memoryLock = new();
    private bool _isChanged;
    private bool _isChangedUrgently;

    // Under the lock.
    private void NoteChange(ProgramSocket socket)
    {
        var isUrgent = !socket.IsClient;
        if (_isChangedUrgently || (_isChanged && !isUrgent) || _isDisposed || _memoryPath is null)
            return;
        _isChanged = true;
        _isChangedUrgently = isUrgent;
        _memory.Change(isUrgent ? MemoryDelay : ClientMemoryDelay, Timeout.InfiniteTimeSpan);
    }

    private static bool IsRemembered(ProgramSocket socket) => socket.Listener is not null
        || (socket is { Type: InterceptSocketType.Datagram, IsEcho: false } && (!socket.IsClient || !socket.Connected.Last.IsNone));

    // Writes down what listens and what receives, where that changed. One at a time: an older state never takes a newer one's place.
    private void Remember()
    {
        lock (_memoryLock)
            RememberOnce();
    }

    private void RememberOnce()
    {
        RememberedSocket[] sockets;
        lock (_lock)
        {
            if (!_isChanged || _isDisposed)
                return;
            _isChanged = _isChangedUrgently = false;
            sockets = [.. _programSockets.Values.Where(IsRemembered).Select(socket => new RememberedSocket(
                socket.Cookie, socket.User, socket.Type, socket.Near, socket.Local, socket.Traits, socket.Network, socket.Listener?.Backlog ?? 0,
                socket.Connected.Last, _datagramFars.TryFind(socket.Connected.Last.Address, out var far) && !far.Key.IsOutside ? far.Key.Remote : default))];
        }

        RememberedSocket.Write(_memoryPath!, _tokenKey, _datagrams.Port, sockets);
    }

    // What a service before this one left, and what the tokens of its sockets came from.
    private SocketTokenKey ReadMemory(out IReadOnlyList<RememberedSocket> sockets, out ushort port)
    {
        sockets = [];
        port = 0;
        if (_memoryPath is null)
            return SocketTokenKey.Create();
        sockets = RememberedSocket.Read(_memoryPath, out var key, out port);
        // Written before the first socket has a token.
        if (key is null)
            RememberedSocket.Write(_memoryPath, key = SocketTokenKey.Create(), 0, []);
        return key;
    }

    // Takes up what a service before this one left: the system says whether it is still the same socket.
    private void Adopt(IReadOnlyList<RememberedSocket> sockets)
    {
        foreach (var known in sockets)
        {
            // The system finds a connected UDP socket by its peer.
            if (!(known.Far.IsNone ? _systemSockets.TryFind(known.Type, known.Near, out var user, out var cookie)
                : _systemSockets.TryFind(known.Type, known.Near, known.Far, out user, out cookie)) || cookie != known.Cookie || user != known.User)
                continue;
            lock (_lock)
            {
                if (_programSockets.ContainsKey(cookie) || (StandIns.IsNear(known.Near.Address) && !_standIns.TryTake(known.Near.Address)))
                    continue;
                var tokens = StandIns.IsNear(known.Near.Address) ? _tokenKey.Of(cookie) : _tokenKey.Of(known.User, known.Near);
                var socket = new ProgramSocket(cookie, known.User, known.Type, known.Near, known.Local, known.Traits, known.Network, tokens);
                Add(socket);
                if (!known.Remote.IsNone && known.Far.Port == _datagrams.Port)
                {
                    _datagramFars.Restore(new FarKey(known.User, known.Remote), known.Far.Address);
                    socket.Connected = (default, known.Far);
                }

                if (known.Backlog == 0)
                    continue;
                Join(
                    Bound(socket.Type, socket.Local).Select(other => other.Listener).FirstOrDefault(group => group?.Local == socket.Local)
                        ?? new ListenGroup(socket.Local, socket.User, socket.Network, known.Backlog),
                    socket);
            }
        }

        OpenAll();
    }

    private void OnNetworkChanged(object? sender, LanyardNetworkEventArgs e) => _ = Task.Run(OpenAll);

    // On each network that there is now.
    private void OpenAll()
    {
        ProgramSocket[] sockets;
        lock (_lock)
            sockets = _isDisposed ? [] : [.. _programSockets.Values.Where(IsRemembered)];
        foreach (var group in sockets.Select(socket => socket.Listener).OfType<ListenGroup>().Distinct())
        {
            try
            {
                Open(group);
            }
            catch (LanyardException)
            {
                // The port is somebody else's there.
            }
        }

        foreach (var socket in sockets)
        {
            if (socket is { Type: InterceptSocketType.Datagram, IsEcho: false })
                Open(socket)?.OpenAll();
        }
    }
}
