using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Binds programs' sockets to virtual addresses.</summary>
/// <param name="sockets">Programs' sockets.</param>
/// <param name="networks">The virtual networks.</param>
/// <param name="datagrams">Opens datagram sockets.</param>
internal sealed class Bindings(SocketTable sockets, VirtualNetworks networks, Datagrams datagrams)
{
    /// <summary>Binds a socket to the virtual address and port of a request.</summary>
    public InterceptReply Bind(SocketDescriptor descriptor, in SocketRequest request, SocketOwner owner)
    {
        var local = request.Virtual;
        if (local.IsNone)
            return InterceptReply.Failed(Errno.BadRequest);
        var isDatagram = descriptor.Type == InterceptSocketType.Datagram;
        var isShared = (request.Flags & InterceptFlags.Shared) != 0 && isDatagram;
        if (local.Address.IsUnspecified)
        {
            // A socket that is also on the system's network needs no virtual network yet. It opens on virtual networks when they appear.
            if (!isShared && !networks.Of(owner).Any())
                return InterceptReply.Failed(Errno.NetworkDown);
        }
        else if (local.Address.IsMulticast)
        {
            // A datagram socket that is bound to a group receives only that group.
            if (!isDatagram || (request.Flags & InterceptFlags.Groups) == 0 || !networks.Of(owner).Any())
                return InterceptReply.Host;
        }
        else if (networks.FindOwner(local.Address, owner) is null)
        {
            return InterceptReply.Host;
        }

        if (!descriptor.TryGetNear(out var near) || (near.Port != 0 && (!isShared || !near.Address.IsUnspecified)))
            return InterceptReply.Failed(Errno.BadRequest);
        if (near.Port != 0)
            local = local with { Port = near.Port };
        var traits = descriptor.Traits;
        // A socket on the IPv6 wildcard address receives on IPv4 addresses as well, unless IPV6_V6ONLY is set.
        if (local.Address == InetAddress.AnyV6 && (traits & SocketTraits.V6Only) == 0)
            local = new InetEndpoint(default, local.Port);
        ProgramSocket? bound;
        lock (sockets.Lock)
        {
            if (local.Port == 0)
            {
                ushort port;
                if (isShared ? sockets.TryBindShared(descriptor, local.Address, out port) is var unbound and not 0
                    : !sockets.TryChoosePort(descriptor.Type, local.Address, out port))
                    return InterceptReply.Failed(Errno.AddressInUse);
                local = local with { Port = port };
            }
            else if (sockets.IsTaken(descriptor.Type, local, traits, owner.User))
            {
                return InterceptReply.Failed(Errno.AddressInUse);
            }

            var isEcho = (request.Flags & InterceptFlags.Echo) != 0 && isDatagram;
            var error = sockets.TryMake(descriptor, local, owner, isEcho ? SocketTraits.Echo : SocketTraits.None, out bound);
            if (error != 0)
                return InterceptReply.Failed(error);
        }

        if (bound is { Type: InterceptSocketType.Datagram, IsEcho: false } && datagrams.Open(bound, descriptor)?.OpenAll() != true
            && !(isShared && !networks.Of(owner).Any()))
        {
            lock (sockets.Lock)
                sockets.Forget(bound);
            return InterceptReply.Failed(Errno.AddressInUse);
        }

        return InterceptReply.Of(default);
    }
}
