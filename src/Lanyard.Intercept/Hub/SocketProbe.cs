using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Checks whether programs' sockets still exist. Programs do not report that they close a socket or end.</summary>
internal sealed class SocketProbe : IDisposable
{
    private readonly SystemSockets _system = new();

    /// <summary>Whether the kernel reports sockets.</summary>
    public bool IsAvailable => _system.IsAvailable;

    /// <summary>Returns whether a socket of the previous service process still exists and has the same user.</summary>
    public bool IsPresent(RememberedSocket known)
    {
        // The kernel finds a connected UDP socket by its peer.
        var isFound = known.Far.IsNone ? _system.TryFind(known.Type, known.Near, out var user, out var cookie)
            : _system.TryFind(known.Type, known.Near, known.Far, out user, out cookie);
        return isFound && cookie == known.Cookie && user == known.User;
    }

    /// <summary>Returns whether a socket of the program's user is at the address of the socket.</summary>
    public bool IsAlive(ProgramSocket socket)
    {
        if (_system.TryFind(socket.Type, socket.Near, out var user, out var cookie) && cookie != socket.Guard?.Cookie)
            return IsSame(socket, user, cookie);
        // The kernel finds a connected UDP socket by its peer. Another program may have bound the address.
        if (socket.Type == InterceptSocketType.Datagram && _system.IsAvailable)
            return IsConnected(socket, socket.Connected.Last) || IsConnected(socket, socket.Connected.Before);
        // The kernel does not find a TCP socket that does not listen. Remaining connections of a listener have its address too.
        return (socket.Listener is null || !_system.IsAvailable) && LoopbackSockets.IsBound(socket.Near, socket.Type);
    }

    /// <summary>Like <see cref="IsAlive"/>, but returns false for another socket of the same user at the address. The check takes longer.</summary>
    public bool IsPresent(ProgramSocket socket) =>
        IsAlive(socket) && (LoopbackAliases.IsNear(socket.Near.Address) || !_system.IsAvailable || _system.Contains(socket.Type, socket.Near.Port, socket.Cookie));

    /// <summary>Returns whether a socket, or another socket of its user at a system address, listens there. True if the kernel does not report sockets.</summary>
    public bool IsListening(ProgramSocket socket) =>
        !_system.IsAvailable || (_system.TryFind(socket.Type, socket.Near, out var user, out var cookie) && IsSame(socket, user, cookie));

    /// <summary>Returns whether a connection to a far end belongs to the socket. True if the kernel does not report sockets.</summary>
    public bool IsConnectionOf(ProgramSocket socket, InetEndpoint far) =>
        !_system.IsAvailable || (_system.TryFind(socket.Type, socket.Near, far, out _, out var cookie) && cookie == socket.Cookie);

    /// <summary>Returns whether a connection to a far end belongs to a socket of the same user.</summary>
    public bool IsConnectionOfUser(ProgramSocket socket, InetEndpoint far) =>
        _system.TryFind(socket.Type, socket.Near, far, out var user, out _) && user == socket.User;

    public void Dispose() => _system.Dispose();

    private bool IsConnected(ProgramSocket socket, InetEndpoint far) =>
        !far.IsNone && _system.TryFind(socket.Type, socket.Near, far, out var user, out var cookie) && IsSame(socket, user, cookie);

    // Sockets of one user may share a system address.
    private static bool IsSame(ProgramSocket socket, uint user, ulong cookie) =>
        cookie == socket.Cookie || (user == socket.User && !LoopbackAliases.IsNear(socket.Near.Address));
}
