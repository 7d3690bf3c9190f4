using System.Collections.Concurrent;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Programs' open datagram and ping sockets by their address in the system, and the multicast settings of sockets that are not bound yet. Reads need no
/// lock. Writes, and all access to settings of sockets that are not bound, run under the lock of <see cref="SocketTable"/>.
/// </summary>
internal sealed class DatagramTable
{
    // Sockets that are not bound yet. The service learns of no close of these sockets, so the oldest entry makes room.
    private const int MaxPendingSockets = 1_024;

    private readonly ConcurrentDictionary<InetEndpoint, ProgramDatagramSocket> _open = new();
    private readonly ConcurrentDictionary<InetEndpoint, ProgramSocket> _echo = new();
    private readonly Dictionary<ulong, PendingGroups> _pending = [];
    private readonly Queue<ulong> _pendingInTurn = new();

    /// <summary>Finds the open socket at an address; returns null if there is none.</summary>
    public ProgramDatagramSocket? Find(InetEndpoint near) => _open.GetValueOrDefault(near);

    /// <summary>Finds the ping socket at an address; returns null if there is none.</summary>
    public ProgramSocket? FindEcho(InetEndpoint near) => _echo.GetValueOrDefault(near);

    /// <summary>Adds a ping socket.</summary>
    public void AddEcho(ProgramSocket socket) => _echo[socket.Near] = socket;

    /// <summary>
    /// Adds a socket, with the groups and the interface that the program set before it bound the socket. Returns the existing socket if one is open at the
    /// address.
    /// </summary>
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

    /// <summary>Removes and closes a socket. Returns whether a datagram socket was open; false for a ping socket.</summary>
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

    /// <summary>Returns whether a socket that is not bound has multicast settings.</summary>
    public bool IsPending(ulong cookie) => _pending.ContainsKey(cookie);

    /// <summary>Returns the multicast settings of a socket that is not bound, and creates them if necessary.</summary>
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
    /// <summary>The joined groups.</summary>
    public GroupMemberships Groups { get; } = new();

    /// <summary>The ID of the network that sends the multicast datagrams; 0 for all networks.</summary>
    public ulong Outgoing { get; set; }
}
