using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>The physical endpoints of this node: the local ones, and those that roots and peers see.</summary>
internal sealed class OwnEndpoints(PeerTable peers, RootTable roots, Liveness liveness)
{
    private readonly ExternalAddresses _external = new();

    /// <summary>The endpoints of this node's sockets on the local networks.</summary>
    public IReadOnlyList<InetEndpoint> Local { get; set; } = [];

    /// <summary>Takes a peer's report of this node's external endpoint. If the endpoint is new, all paths of its scope must answer again.</summary>
    /// <param name="incoming">The packet with the report. Without a confirmed path its source may be forged, and the report is ignored.</param>
    /// <param name="seenAs">The endpoint that the peer sees.</param>
    public void Report(in IncomingPacket incoming, in InetEndpoint seenAs)
    {
        if (incoming.Peer.FindPath(incoming.LocalSocket, incoming.Endpoint) is null)
            return;
        var isRoot = incoming.Peer.IsRoot;
        if (!_external.Report(incoming.NowMs, incoming.Peer.Address, incoming.LocalSocket, incoming.Endpoint, seenAs, isRoot))
            return;
        var scope = IpScopes.Of(seenAs.Address);
        foreach (var peer in peers.All)
        {
            foreach (var path in peer.Paths)
            {
                if (path.Scope == scope && path.Endpoint.Address.Family == seenAs.Address.Family && path.Endpoint != incoming.Endpoint)
                    liveness.Distrust(incoming.NowMs, peer, path);
            }
        }
    }

    /// <summary>Returns the endpoints that peers may try: the local and the external ones.</summary>
    public List<InetEndpoint> Reachable()
    {
        var list = new List<InetEndpoint>();
        foreach (var endpoint in Local)
        {
            if (!IpScopes.Of(endpoint.Address).Equals(IpScope.Loopback) || roots.AllowsLoopback)
                list.Add(endpoint);
        }

        _external.CopyTo(list);
        return list;
    }

    /// <summary>Returns the external endpoints.</summary>
    public List<InetEndpoint> External()
    {
        var list = new List<InetEndpoint>();
        _external.CopyTo(list);
        return list;
    }

    /// <summary>Removes expired reports.</summary>
    public void Clean(long nowMs) => _external.Clean(nowMs);
}
