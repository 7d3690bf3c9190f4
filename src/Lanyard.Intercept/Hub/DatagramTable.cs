using System.Collections.Concurrent;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Programs' datagram sockets that are open, and those for pings, by where they are bound in the system; and what programs set before they bound a socket. Reads need no
/// lock; writes, and all that concerns sockets that are not bound, run under the lock of <see cref="SocketTable"/>.
/// </summary>
internal sealed class DatagramTable
{
    // Sockets that are not bound yet. The service learns of no close of these sockets, so the oldest entry makes room.
    private const int MaxPendingSockets = 1_024;

    private readonly ConcurrentDictionary<InetEndpoint, ProgramDatagramSocket> _open = new();
    private readonly ConcurrentDictionary<InetEndpoint, ProgramSocket> _echo = new();
    private readonly Dictionary<ulong, PendingGroups> _pending = [];
    private readonly Queue<ulong> _pendingInTurn = new();

    /// <summary>The open socket at an address; null if there is none.</summary>
    public ProgramDatagramSocket? Find(InetEndpoint near) => _open.GetValueOrDefault(near);

    /// <summary>The socket for pings at an address; null if there is none.</summary>
    public ProgramSocket? FindEcho(InetEndpoint near) => _echo.GetValueOrDefault(near);

    /// <summary>Adds a socket for pings.</summary>
    public void AddEcho(ProgramSocket socket) => _echo[socket.Near] = socket;

    /// <summary>Adds a socket, with the groups and the interface that the program set before it bound the socket. Returns the one that is open at the address.</summary>
    /// <param name="near">The address.</param>
    /// <param name="create">Creates the socket if none is open.</param>
    public ProgramDatagramSocket GetOrAdd(InetEndpoint near, Func<ProgramDatagramSocket> create)
    {
        var open = _open.GetOrAdd(near, static (_, create) => create(), create);
        if (_pending.Remove(open.Program.Cookie, out var pending))
        {
            open.Outgoing = pending.Outgoing;
            open.Take(pending.Groups);
        }

        return open;
    }

    /// <summary>Removes and closes a socket. Returns whether it was open, and not for pings.</summary>
    public bool Remove(ProgramSocket socket)
    {
        if (socket.IsEcho)
        {
            _echo.TryRemove(socket.Near, out _);
            return false;
        }

        if (Find(socket.Near) is not { } open || open.Program != socket || !_open.TryRemove(socket.Near, out _))
            return false;
        open.Dispose();
        return true;
    }

    /// <summary>Whether a program has set something of a socket that it has not bound.</summary>
    public bool IsPending(ulong cookie) => _pending.ContainsKey(cookie);

    /// <summary>What a program has set of a socket that it has not bound.</summary>
    public PendingGroups PendingOf(ulong cookie)
    {
        if (_pending.TryGetValue(cookie, out var pending))
            return pending;
        if (_pendingInTurn.Count >= MaxPendingSockets)
            _pending.Remove(_pendingInTurn.Dequeue());
        _pendingInTurn.Enqueue(cookie);
        return _pending[cookie] = new PendingGroups();
    }
}

/// <summary>The multicast settings of a socket that is not bound yet.</summary>
internal sealed class PendingGroups
{
    /// <summary>The groups that it has joined.</summary>
    public GroupMemberships Groups { get; } = new();

    /// <summary>The ID of the network that sends its multicast datagrams; 0 for all networks.</summary>
    public ulong Outgoing { get; set; }
}
