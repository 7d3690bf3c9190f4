namespace Lanyard.Service.Intercept;

// Programs close sockets, and die, without saying so: what is gone is forgotten.
internal sealed partial class InterceptHub
{
    // Looked at in one go; the next go looks at the next ones.
    private const int MaxLooks = 2_048;

    private readonly Queue<ProgramSocket> _toLookAt = new();

    private void Sweep()
    {
        SweepDatagrams();
        for (var looks = 0; looks < MaxLooks; looks++)
        {
            ProgramSocket socket;
            lock (_lock)
            {
                if (_isDisposed)
                    return;
                if (_toLookAt.Count == 0)
                {
                    if (looks > 0)
                        return;
                    // A connection that is carried, or on its way, is told of its end.
                    foreach (var known in _programSockets.Values)
                    {
                        if (known is not { Listener: null, Attempt.Outcome: null or 0 })
                            _toLookAt.Enqueue(known);
                    }
                }

                if (!_toLookAt.TryDequeue(out socket!))
                    return;
            }

            if (IsAlive(socket))
                continue;
            lock (_lock)
                Forget(socket);
        }
    }

    private bool IsAlive(ProgramSocket socket)
    {
        if (_systemSockets.TryFind(socket.Type, socket.Near, out var user, out var cookie))
            return cookie == socket.Cookie || (user == socket.User && !StandIns.IsNear(socket.Near.Address));
        // A TCP socket that does not listen, and a UDP socket that is connected, are not found. What is left of a listener's connections has its address too.
        return (socket.Listener is null || !_systemSockets.IsAvailable) && LoopbackSockets.IsBound(socket.Near, socket.Type);
    }
}
