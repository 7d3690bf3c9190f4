using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Finds the virtual addresses of programs' sockets and datagrams.</summary>
/// <param name="sockets">Programs' sockets.</param>
/// <param name="addresses">The loopback alias addresses.</param>
/// <param name="networks">The virtual networks.</param>
/// <param name="table">The open datagram sockets.</param>
/// <param name="port">The service's UDP port.</param>
internal sealed class SocketNames(SocketTable sockets, AddressMap addresses, VirtualNetworks networks, DatagramTable table, ushort port)
{
    private long _refused;

    /// <summary>The number of requests about a connection or datagram at a loopback alias address that this service did not create.</summary>
    public long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Replies with the virtual addresses of both ends of a socket or datagram.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="listener">The listener of an accepted connection; null for other sockets.</param>
    /// <param name="sender">The far end of the datagram; none for the peer that the socket is connected to.</param>
    /// <param name="owner">The requesting user, and the networks that it may use.</param>
    public InterceptReply Find(SocketDescriptor descriptor, SocketDescriptor? listener, InetEndpoint sender, SocketOwner owner)
    {
        lock (sockets.Lock)
            return InFamilyOf(descriptor, FindUnderLock(descriptor, listener, sender, owner.Network), owner.User);
    }

    private InterceptReply FindUnderLock(SocketDescriptor descriptor, SocketDescriptor? listener, InetEndpoint sender, ulong only)
    {
        var socket = sockets.Find(descriptor);
        if (descriptor.Type == InterceptSocketType.Datagram && (!sender.IsNone || descriptor.TryGetFar(out sender)))
        {
            // For a registered socket, the kernel drops datagrams from any sender but the service, whose port no other socket can bind.
            if (socket is null || sender.Port != port || !addresses.Datagrams.TryFind(sender.Address, out var from) || from.Key.User != socket.User)
                return Refused();
            return OfDatagram(socket, from.Key, only);
        }

        if (descriptor.Type == InterceptSocketType.Stream && descriptor.TryGetFar(out var far))
        {
            // A socket whose connection attempt is being refused is not connected.
            if (socket?.Attempt?.Outcome is not (null or 0) || addresses.Find(descriptor, far) is not { } names)
                return Refused();
            if (listener is not null && names.Acceptance is { } acceptance && acceptance.Listener == listener.Cookie)
            {
                acceptance.IsAccepted = true;
                names.Connection.Set(ProgramSocketOptions.Read(descriptor, isOpening: false));
            }

            return InterceptReply.Of(names.Local, names.Remote);
        }

        if (socket is null)
            return InterceptReply.Host;
        // A socket on the wildcard address of both families is an IPv6 socket.
        return InterceptReply.Of(socket.Local.IsNone
            ? new InetEndpoint((socket.Traits & SocketTraits.V6) == 0 ? InetAddress.AnyV4 : InetAddress.AnyV6, socket.Local.Port) : socket.Local);
    }

    private InterceptReply OfDatagram(ProgramSocket socket, FarKey far, ulong only)
    {
        if (far.IsOutside)
            return InterceptReply.Of(table.Find(socket.Near)?.Outside is { } outside ? outside.LocalFor(far.Remote) : default, far.Remote);
        var owner = socket.Owner with { Network = only };
        var (local, own) = (socket.Local, networks.SourceFor(far.Remote.Address, owner));
        if (far.Local.Family != InetFamily.None)
            local = new InetEndpoint(far.Local, local.Port);
        else if (Datagrams.IsWildcard(local.Address) || local.Address.IsMulticast)
            // The local address of a connected socket is its source address.
            local = new InetEndpoint(own, local.Port);
        if (!Datagrams.IsGroup(local.Address))
            own = local.Address;
        var reply = InterceptReply.Of(local, far.Remote);
        reply.Own = InterceptEndpoint.Of(new InetEndpoint(own, 0));
        reply.Own.Scope = VirtualInterfaces.Find(networks.Of(owner), own, 0) is { } network ? VirtualInterfaces.IndexOf(network) : 0;
        return reply;
    }

    // An IPv4 socket knows an IPv6 address only by its alias address.
    private InterceptReply InFamilyOf(SocketDescriptor descriptor, InterceptReply reply, uint user)
    {
        if (descriptor.Domain != Libc.DomainV4 || !reply.Second.TryRead(out var remote) || !remote.Address.IsV6)
            return reply;
        reply.Second = InterceptEndpoint.Of(remote with { Address = addresses.Names.Take(user, remote.Address) });
        return reply;
    }

    private InterceptReply Refused()
    {
        Interlocked.Increment(ref _refused);
        return InterceptReply.Host;
    }
}
