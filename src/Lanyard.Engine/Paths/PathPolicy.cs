using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>Which endpoints may be used for a peer, and how: by their scope, by what worlds say of roots, by the options, and by the host.</summary>
internal sealed class PathPolicy(NodeContext context, RootTable roots)
{
    /// <summary>Whether an endpoint may be used for a peer. Roots are only used where their world says they are.</summary>
    public bool Permits(Peer peer, int localSocket, in InetEndpoint endpoint)
    {
        if (endpoint.Port == 0)
            return false;
        switch (IpScopes.Of(endpoint.Address))
        {
            case IpScope.Loopback when roots.AllowsLoopback:
            case IpScope.Private:
            case IpScope.PseudoPrivate:
            case IpScope.Shared:
            case IpScope.Global:
                break;
            default:
                return false;
        }

        if (peer.Root is { Endpoints.Count: > 0 } root && !root.HasAddress(endpoint.Address))
            return false;
        return context.Host.MayUsePath(peer.Address, localSocket, endpoint);
    }

    /// <summary>Whether an endpoint is one that answered: a path of the peer, or of a root that relays to it.</summary>
    public bool IsConfirmed(Peer peer, in InetEndpoint endpoint)
    {
        if (peer.HasPathTo(endpoint))
            return true;
        foreach (var root in roots.Others)
        {
            if (root.Peer.HasPathTo(endpoint))
                return true;
        }

        return false;
    }

    /// <summary>Returns the length of the largest datagram that is sent to a physical address, in bytes of UDP payload.</summary>
    public int MtuTo(InetAddress address)
    {
        var mtus = context.Options.PathMtus;
        for (var i = 0; i < mtus.Count; i++)
        {
            if (mtus[i].Network.Contains(address))
                return mtus[i].Bytes;
        }

        return context.Options.PhysicalMtu;
    }

    /// <summary>Returns the number of the trusted path to a physical address; 0 if packets to it are encrypted.</summary>
    public ulong TrustedPathTo(InetAddress address)
    {
        var trusted = context.Options.TrustedPaths;
        for (var i = 0; i < trusted.Count; i++)
        {
            if (trusted[i].Network.Contains(address))
                return trusted[i].PathId;
        }

        return 0;
    }
}
