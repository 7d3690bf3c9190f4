using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

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

    private bool IsConnected(ProgramSocket socket, InetEndpoint far) =>
        !far.IsNone && _systemSockets.TryFind(socket.Type, socket.Near, far, out var user, out var cookie) && IsSame(socket, user, cookie);

    // Sockets of one user may share an address of the system.
    private static bool IsSame(ProgramSocket socket, uint user, ulong cookie) =>
        cookie == socket.Cookie || (user == socket.User && !StandIns.IsNear(socket.Near.Address));

    private bool IsAlive(ProgramSocket socket)
    {
        if (_systemSockets.TryFind(socket.Type, socket.Near, out var user, out var cookie) && cookie != socket.Guard?.Cookie)
            return IsSame(socket, user, cookie);
        // A UDP socket that is connected is found by its peer. Somebody else may be bound where one was.
        if (socket.Type == InterceptSocketType.Datagram && _systemSockets.IsAvailable)
            return IsConnected(socket, socket.Connected.Last) || IsConnected(socket, socket.Connected.Before);
        // A TCP socket that does not listen is not found. What is left of a listener's connections has its address too.
        return (socket.Listener is null || !_systemSockets.IsAvailable) && LoopbackSockets.IsBound(socket.Near, socket.Type);
    }

    // Like IsAlive, but rejects another socket of the same user at the address. The check takes longer.
    private bool IsPresent(ProgramSocket socket) =>
        IsAlive(socket) && (StandIns.IsNear(socket.Near.Address) || !_systemSockets.IsAvailable || _systemSockets.Contains(socket.Type, socket.Near.Port, socket.Cookie));
}
