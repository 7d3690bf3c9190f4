using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Handles requests for multicast groups of programs' datagram sockets, and for outgoing interfaces of groups. A program may set both before it binds the
/// socket.
/// </summary>
/// <param name="sockets">Programs' sockets.</param>
/// <param name="networks">The virtual networks.</param>
/// <param name="datagrams">Opens sockets.</param>
/// <param name="table">The settings of sockets that are not bound yet.</param>
internal sealed class GroupRequests(SocketTable sockets, VirtualNetworks networks, Datagrams datagrams, DatagramTable table)
{
    /// <summary>Joins or leaves a group, or a source in a group.</summary>
    public InterceptReply Change(SocketDescriptor descriptor, in SocketRequest request, SocketOwner owner)
    {
        if (!request.Virtual.Address.IsMulticast)
            return InterceptReply.Failed(Errno.BadRequest);
        var socket = Find(descriptor, ref owner);
        if (socket is { IsEcho: true } || (socket is null && IsOfSystem(descriptor)) || !networks.Of(owner).Any())
            return InterceptReply.Host;
        // If the interface belongs to no virtual network, the change applies to all networks.
        var network = VirtualInterfaces.Find(networks.Of(owner), request.Own, request.Index)?.Id.Value ?? 0;
        var change = new GroupChange(
            request.Virtual.Address, network, (request.Flags & (InterceptFlags.Source | InterceptFlags.Block)) != 0 ? request.Far.Address : default,
            (request.Flags & InterceptFlags.Join) != 0, (request.Flags & InterceptFlags.Block) != 0);
        if (socket is not null)
            return datagrams.Open(socket, descriptor) is { } open && open.Change(change) is var error and not 0 ? InterceptReply.Failed(error) : InterceptReply.Of(default);
        lock (sockets.Lock)
            return table.PendingOf(descriptor.Cookie).Groups.Change(change) is var error and not 0 ? InterceptReply.Failed(error) : InterceptReply.Of(default);
    }

    /// <summary>Handles changed options of a socket, or a changed outgoing interface of its groups.</summary>
    public InterceptReply ApplyOptions(SocketDescriptor descriptor, in SocketRequest request, SocketOwner owner)
    {
        var socket = Find(descriptor, ref owner);
        var isChoosing = (request.Flags & InterceptFlags.Outgoing) != 0;
        var isAny = Datagrams.IsWildcard(request.Own) && request.Index == 0;
        var outgoing = VirtualInterfaces.Find(networks.Of(owner), request.Own, request.Index)?.Id.Value ?? 0;
        if (socket is { IsEcho: false } && datagrams.Open(socket, descriptor) is { } open)
        {
            open.Set(descriptor.DatagramSettings);
            if (isChoosing)
                open.Outgoing = outgoing;
        }
        else if (isChoosing && socket is null && !IsOfSystem(descriptor) && (outgoing != 0 || isAny))
        {
            lock (sockets.Lock)
            {
                if (outgoing != 0 || table.IsPending(descriptor.Cookie))
                    table.PendingOf(descriptor.Cookie).Outgoing = outgoing;
            }
        }

        return outgoing != 0 ? InterceptReply.Of(default) : InterceptReply.Host;
    }

    private ProgramSocket? Find(SocketDescriptor descriptor, ref SocketOwner owner)
    {
        ProgramSocket? socket;
        lock (sockets.Lock)
            socket = sockets.Find(descriptor);
        owner = owner with { User = socket?.User ?? owner.User };
        return socket;
    }

    // Whether the socket is bound to a system address. The kernel then handles its groups.
    private static bool IsOfSystem(SocketDescriptor descriptor) => descriptor.TryGetNear(out var near) && near.Port != 0 && !near.Address.IsUnspecified;
}
