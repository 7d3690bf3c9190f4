using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

// Sockets outlive the service: those that listen, and those that receive datagrams, are taken up by the next one. Networks come and go under them.
internal sealed partial class InterceptHub
{
    // What changes at once is written at once.
    private static readonly TimeSpan MemoryDelay = TimeSpan.FromMilliseconds(50);

    private readonly string? _memoryPath;
    private readonly Timer _memory;
    private bool _isChanged;

    // Under the lock.
    private void NoteChange()
    {
        if (_isChanged || _isDisposed || _memoryPath is null)
            return;
        _isChanged = true;
        _memory.Change(MemoryDelay, Timeout.InfiniteTimeSpan);
    }

    private static bool IsRemembered(ProgramSocket socket) =>
        socket.Listener is not null || (socket.Type == InterceptSocketType.Datagram && !socket.Local.IsNone);

    // Writes down what listens and what receives, where that changed.
    private void Remember()
    {
        RememberedSocket[] sockets;
        lock (_lock)
        {
            if (!_isChanged || _isDisposed)
                return;
            _isChanged = false;
            sockets = [.. _programSockets.Values.Where(IsRemembered).Select(socket => new RememberedSocket(
                socket.Cookie, socket.User, socket.Type, socket.Near, socket.Local, socket.Traits, socket.Network, socket.Listener?.Backlog ?? 0))];
        }

        RememberedSocket.Write(_memoryPath!, sockets);
    }

    // Takes up what a service before this one left: the system says whether it is still the same socket.
    private void Adopt()
    {
        if (_memoryPath is null)
            return;
        foreach (var known in RememberedSocket.Read(_memoryPath))
        {
            if (!_systemSockets.TryFind(known.Type, known.Near, out _, out var cookie) || cookie != known.Cookie)
                continue;
            lock (_lock)
            {
                if (_programSockets.ContainsKey(cookie) || (StandIns.IsNear(known.Near.Address) && !_standIns.TryTake(known.Near.Address)))
                    continue;
                var socket = new ProgramSocket(cookie, known.User, known.Type, known.Near, known.Local, known.Traits, known.Network);
                Add(socket);
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
            sockets = _isDisposed ? [] : [.. _programSockets.Values.Where(socket => !socket.Local.IsNone)];
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
