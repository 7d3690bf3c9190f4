using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>
/// Makes a node the controller of networks. A node posts requests to it. Replies are passed to <see cref="Node.Send"/> when they are ready, in any order between
/// members. The node calls it while its lock is held, so an implementation must not block and must not call the node.
/// </summary>
public interface INetworkController
{
    /// <summary>Posts a request for a network's configuration. Returns false if the request was not accepted; the member then sends it again.</summary>
    bool TryPost(ConfigRequest request);

    /// <summary>Returns the identity of a member of any of the controller's networks, which a restarted node needs to read the member's packets; null if there is no such member.</summary>
    Identity? FindIdentity(NodeAddress member);
}

/// <summary>A request for a network's configuration (verb NETWORK_CONFIG_REQUEST), from another node or from the controller's own node.</summary>
/// <param name="ReceivedMs">When it arrived, in milliseconds since 1970.</param>
/// <param name="Requester">The identity of the node that sent it, authenticated.</param>
/// <param name="Endpoint">The physical endpoint that it came from; none if it was relayed.</param>
/// <param name="Network">The network. Its controller is this node.</param>
/// <param name="Metadata">The requester's description of itself, a dictionary of at most <see cref="NetworkLimits.RequestMetadataLength"/> bytes, not validated.</param>
/// <param name="PacketId">The packet to reply to; 0 for a request from the controller's own node.</param>
public sealed record ConfigRequest(
    long ReceivedMs, Identity Requester, InetEndpoint Endpoint, NetworkId Network, ReadOnlyMemory<byte> Metadata, ulong PacketId);
