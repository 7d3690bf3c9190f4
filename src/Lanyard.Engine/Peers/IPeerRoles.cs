using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>What the networks' layer knows about nodes. The peers' layer uses it to decide which peers to keep, and keeps no state of networks itself.</summary>
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
