using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Hub;

/// <summary>Receives datagrams of the system's network for programs' sockets, on one thread.</summary>
internal sealed class OutsideSockets : IDisposable
{
    private const int WaitMs = 500;

    private readonly ConcurrentDictionary<ulong, OutsideSocket> _sockets = new();
    private readonly EventPoll _poll = new();
    private readonly Lock _lock = new();
    private Thread? _thread;
    private ulong _last;
    private bool _isDisposed;

    /// <summary>Starts to receive from a socket. Returns the key for <see cref="Remove"/>.</summary>
    public ulong Add(OutsideSocket socket)
    {
        lock (_lock)
        {
            var key = ++_last;
            _sockets[key] = socket;
            _poll.Add(socket.Number, Libc.PollIn, key);
            if (_thread is null && !_isDisposed)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "Lanyard programs' datagrams outside" };
                _thread.Start();
            }

            return key;
        }
    }

    /// <summary>Stops receiving from a socket and closes it.</summary>
    public void Remove(ulong key)
    {
        if (!_sockets.TryRemove(key, out var socket))
            return;
        // The program may keep a duplicate, so epoll would still report the socket after it is closed here.
        _poll.Remove(socket.Number);
        socket.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _thread?.Join();
        foreach (var key in _sockets.Keys)
            Remove(key);
        _poll.Dispose();
    }

    private void Run()
    {
        var buffer = new byte[LoopbackDatagrams.MaxDatagram + 1];
        while (!Volatile.Read(ref _isDisposed))
        {
            foreach (var (key, _) in _poll.Wait(WaitMs))
            {
                try
                {
                    if (_sockets.TryGetValue(key, out var socket))
                        socket.Receive(buffer);
                }
                catch (ObjectDisposedException)
                {
                    // The program's socket is closed.
                }
            }
        }
    }
}
