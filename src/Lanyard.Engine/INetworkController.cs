using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>
/// What makes a node the controller of networks. Called on the node's thread, from inside a call to the node: it answers from memory.
/// </summary>
public interface INetworkController
{
    /// <summary>Answers a member's, or a stranger's, request for a network's configuration.</summary>
    /// <param name="nowMs">Milliseconds since 1970.</param>
    /// <param name="requester">Who asks: proven.</param>
    /// <param name="endpoint">Where the request came from; none where it was relayed.</param>
    /// <param name="network">The network; its controller is this node.</param>
    /// <param name="metadata">The requester's description of itself, a dictionary: hostile until parsed.</param>
    ControllerReply Handle(long nowMs, Identity requester, in InetEndpoint endpoint, NetworkId network, ReadOnlySpan<byte> metadata);

    /// <summary>Returns the identity of a member of any of the controller's networks, which a restarted node needs to read the member's packets; null if there is no such member.</summary>
    Identity? FindIdentity(NodeAddress member);
}

/// <summary>A controller's answer to a request for configuration.</summary>
/// <param name="Kind">What to answer.</param>
/// <param name="Config">The configuration, where <paramref name="Kind"/> is <see cref="ControllerReplyKind.Config"/>.</param>
public readonly record struct ControllerReply(ControllerReplyKind Kind, NetworkConfig? Config = null);

/// <summary>The kinds of answer.</summary>
public enum ControllerReplyKind
{
    /// <summary>None: the asker asks too often.</summary>
    Ignore,

    /// <summary>The configuration.</summary>
    Config,

    /// <summary>There is no such network.</summary>
    NotFound,

    /// <summary>The asker is not authorized.</summary>
    AccessDenied,
}
