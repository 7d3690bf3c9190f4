using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Intercept.Supervision;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

// Answers to programs about addresses, other than the names of connections.
internal sealed partial class InterceptHub
{
    /// <summary>Returns this node's addresses on the networks that a user sees, each with its interface.</summary>
    public InterceptInterface[] Interfaces(ulong only, uint user) =>
        [.. _networks.Of(user, only).SelectMany(network => network.Addresses.Select(address => VirtualInterfaces.Describe(network, address)))];

    /// <summary>Resolves a host name on the networks that a user sees, to IPv4 addresses only. A loopback alias address represents an IPv6 address.</summary>
    public async ValueTask<IReadOnlyList<InetAddress>?> ResolveV4Async(string name, ulong only, uint user, CancellationToken gaveUp)
    {
        var addresses = await ResolveAsync(name, only, user, gaveUp).ConfigureAwait(false);
        if (addresses is null || addresses.Any(address => address.IsV4))
            return addresses?.Where(address => address.IsV4).ToArray();
        lock (_lock)
            return [.. addresses.Select(address => _nameAliases.Take(user, address)).Where(alias => alias.IsV4)];
    }

    // An IPv4 socket knows an IPv6 address only by its alias address.
    private InterceptReply InFamilyOf(SocketDescriptor descriptor, InterceptReply reply, uint user)
    {
        if (descriptor.Domain != Libc.DomainV4 || !reply.Second.TryRead(out var remote) || !remote.Address.IsV6)
            return reply;
        lock (_lock)
            reply.Second = InterceptEndpoint.Of(remote with { Address = _nameAliases.Take(user, remote.Address) });
        return reply;
    }

    // Runs under the lock.
    private InterceptReply DatagramNames(ProgramSocket socket, FarKey far, ulong only)
    {
        if (far.IsOutside)
            return InterceptReply.Of(_datagramSockets.TryGetValue(socket.Near, out var open) && open.Outside is { } outside ? outside.LocalFor(far.Remote) : default, far.Remote);
        var (local, own) = (socket.Local, _networks.SourceFor(far.Remote.Address, socket.User, only));
        if (far.Local.Family != InetFamily.None)
            local = new InetEndpoint(far.Local, local.Port);
        else if (IsAnywhere(local.Address) || local.Address.IsMulticast)
            // The local address of a connected socket is its source address.
            local = new InetEndpoint(own, local.Port);
        if (!IsGroup(local.Address))
            own = local.Address;
        var reply = InterceptReply.Of(local, far.Remote);
        reply.Own = InterceptEndpoint.Of(new InetEndpoint(own, 0));
        reply.Own.Scope = VirtualInterfaces.Find(_networks.Of(socket.User, only), own, 0) is { } network ? VirtualInterfaces.IndexOf(network) : 0;
        return reply;
    }
}
