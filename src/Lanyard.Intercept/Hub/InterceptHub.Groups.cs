using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

// Multicast groups of programs' datagram sockets, and the outgoing interfaces of groups. A program may set both before it binds the socket.
internal sealed partial class InterceptHub
{
    private const byte UsualHopLimit = 64;

    // Sockets that are not bound yet. The service learns of no close of these sockets, so the oldest entry makes room.
    private const int MaxPendingSockets = 1_024;

    private readonly Dictionary<ulong, PendingGroups> _pendingGroups = [];
    private readonly Queue<ulong> _pendingInTurn = new();

    private InterceptReply Group(SocketDescriptor descriptor, InetEndpoint group, InetAddress source, InetAddress own, in InterceptRequest request, uint user)
    {
        if (!group.Address.IsMulticast)
            return InterceptReply.Failed(Errno.BadRequest);
        ProgramSocket? socket;
        lock (_lock)
            socket = Find(descriptor);
        user = socket?.User ?? user;
        if (socket is { IsEcho: true } || (socket is null && IsOfSystem(descriptor)) || !_networks.Of(user, request.Network).Any())
            return InterceptReply.Host;
        // An interface that belongs to no virtual network came from elsewhere. The change applies to all networks.
        var network = VirtualInterfaces.Find(_networks.Of(user, request.Network), own, request.OwnEndpoint.Scope)?.Id.Value ?? 0;
        var change = new GroupChange(group.Address, network, (request.Flags & (InterceptFlags.Source | InterceptFlags.Block)) != 0 ? source : default,
            (request.Flags & InterceptFlags.Join) != 0, (request.Flags & InterceptFlags.Block) != 0);
        if (socket is not null)
            return Open(socket, descriptor) is { } open && open.Change(change) is var error and not 0 ? InterceptReply.Failed(error) : InterceptReply.Of(default);
        lock (_lock)
            return PendingOf(descriptor.Cookie).Groups.Change(change) is var error and not 0 ? InterceptReply.Failed(error) : InterceptReply.Of(default);
    }

    // Handles changed options of a socket, or a changed outgoing interface of its groups.
    private InterceptReply Options(SocketDescriptor descriptor, InetAddress own, in InterceptRequest request, uint user)
    {
        ProgramSocket? socket;
        lock (_lock)
            socket = Find(descriptor);
        user = socket?.User ?? user;
        var isAny = (own.Family == InetFamily.None || own.IsUnspecified) && request.OwnEndpoint.Scope == 0;
        var outgoing = VirtualInterfaces.Find(_networks.Of(user, request.Network), own, request.OwnEndpoint.Scope)?.Id.Value ?? 0;
        if (socket is { IsEcho: false } && Open(socket, descriptor) is { } open)
        {
            open.Set(descriptor.DatagramSettings);
            if ((request.Flags & InterceptFlags.Outgoing) != 0)
                open.Outgoing = outgoing;
        }
        else if ((request.Flags & InterceptFlags.Outgoing) != 0 && socket is null && !IsOfSystem(descriptor) && (outgoing != 0 || isAny))
        {
            lock (_lock)
            {
                if (outgoing != 0 || _pendingGroups.ContainsKey(descriptor.Cookie))
                    PendingOf(descriptor.Cookie).Outgoing = outgoing;
            }
        }

        return outgoing != 0 ? InterceptReply.Of(default) : InterceptReply.Host;
    }

    // Whether the socket is bound to an address of the system. The system then handles its groups.
    private static bool IsOfSystem(SocketDescriptor descriptor) => descriptor.TryGetNear(out var near) && near.Port != 0 && !near.Address.IsUnspecified;

    // Runs under the lock.
    private PendingGroups PendingOf(ulong cookie)
    {
        if (_pendingGroups.TryGetValue(cookie, out var pending))
            return pending;
        if (_pendingInTurn.Count >= MaxPendingSockets)
            _pendingGroups.Remove(_pendingInTurn.Dequeue());
        _pendingInTurn.Enqueue(cookie);
        return _pendingGroups[cookie] = new PendingGroups();
    }

    // Runs under the lock. Applies the groups and the interface that the program set before it bound the socket.
    private void TakePending(ProgramDatagramSocket socket)
    {
        if (!_pendingGroups.Remove(socket.Program.Cookie, out var pending))
            return;
        socket.Outgoing = pending.Outgoing;
        socket.Take(pending.Groups);
    }

    private sealed class PendingGroups
    {
        public GroupMemberships Groups { get; } = new();

        public ulong Outgoing { get; set; }
    }
}
