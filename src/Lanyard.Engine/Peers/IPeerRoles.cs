using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>The roles of nodes in networks, as the networks' layer knows them. The peers' layer decides by them which peers to keep.</summary>
internal interface IPeerRoles
{
    /// <summary>Whether this node is a controller.</summary>
    bool IsController { get; }

    /// <summary>Whether a node is the controller of a network that this node has joined.</summary>
    bool IsControllerOfJoined(NodeAddress address);

    /// <summary>Whether a node is an anchor or a multicast replicator of a network that this node has joined.</summary>
    bool IsHelper(NodeAddress address);

    /// <summary>The identity of a member of a network that this node controls; null if the node is none.</summary>
    Identity? FindMember(NodeAddress address);
}
