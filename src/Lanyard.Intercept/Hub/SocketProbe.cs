using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Asks the system whether programs' sockets are still there. Programs close sockets, and die, without saying so.</summary>
internal sealed class SocketProbe : IDisposable
{
    private readonly SystemSockets _system = new();

    /// <summary>Whether the system reports sockets.</summary>
    public bool IsAvailable => _system.IsAvailable;

    /// <summary>Whether a socket that an earlier service knew is still there, and still the same user's.</summary>
    public bool IsPresent(RememberedSocket known)
    {
        // The system finds a connected UDP socket by its peer.
        var isFound = known.Far.IsNone ? _system.TryFind(known.Type, known.Near, out var user, out var cookie)
            : _system.TryFind(known.Type, known.Near, known.Far, out user, out cookie);
        return isFound && cookie == known.Cookie && user == known.User;
    }

    /// <summary>Whether a socket of the program's user is at the address of the socket.</summary>
    public bool IsAlive(ProgramSocket socket)
    {
        if (_system.TryFind(socket.Type, socket.Near, out var user, out var cookie) && cookie != socket.Guard?.Cookie)
            return IsSame(socket, user, cookie);
        // A UDP socket that is connected is found by its peer. Somebody else may be bound where one was.
        if (socket.Type == InterceptSocketType.Datagram && _system.IsAvailable)
            return IsConnected(socket, socket.Connected.Last) || IsConnected(socket, socket.Connected.Before);
        // A TCP socket that does not listen is not found. What is left of a listener's connections has its address too.
        return (socket.Listener is null || !_system.IsAvailable) && LoopbackSockets.IsBound(socket.Near, socket.Type);
    }

    /// <summary>Like <see cref="IsAlive"/>, but rejects another socket of the same user at the address. The check takes longer.</summary>
    public bool IsPresent(ProgramSocket socket) =>
        IsAlive(socket) && (LoopbackAliases.IsNear(socket.Near.Address) || !_system.IsAvailable || _system.Contains(socket.Type, socket.Near.Port, socket.Cookie));

    /// <summary>Whether a socket, or another one of its user at an address of the system, listens there. True if the system does not report sockets.</summary>
    public bool IsListening(ProgramSocket socket) =>
        !_system.IsAvailable || (_system.TryFind(socket.Type, socket.Near, out var user, out var cookie) && IsSame(socket, user, cookie));

    /// <summary>Whether a connection to a far end is the socket's own. True if the system does not report sockets.</summary>
    public bool IsConnectionOf(ProgramSocket socket, InetEndpoint far) =>
        !_system.IsAvailable || (_system.TryFind(socket.Type, socket.Near, far, out _, out var cookie) && cookie == socket.Cookie);

    /// <summary>Whether a connection to a far end is of a socket of the same user.</summary>
    public bool IsConnectionOfUser(ProgramSocket socket, InetEndpoint far) =>
        _system.TryFind(socket.Type, socket.Near, far, out var user, out _) && user == socket.User;

    public void Dispose() => _system.Dispose();

    private bool IsConnected(ProgramSocket socket, InetEndpoint far) =>
        !far.IsNone && _system.TryFind(socket.Type, socket.Near, far, out var user, out var cookie) && IsSame(socket, user, cookie);

    // Sockets of one user may share an address of the system.
    private static bool IsSame(ProgramSocket socket, uint user, ulong cookie) =>
        cookie == socket.Cookie || (user == socket.User && !LoopbackAliases.IsNear(socket.Near.Address));
}
