using System.Net;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The join status of a network.</summary>
public enum LanyardNetworkStatus
{
    /// <summary>The controller has not answered yet.</summary>
    RequestingConfiguration,

    /// <summary>The node is a member.</summary>
    Ok,

    /// <summary>The controller refuses this node: it is not authorized.</summary>
    AccessDenied,

    /// <summary>The controller does not have this network, or the node is not a controller.</summary>
    NotFound,

    /// <summary>The controller requires the user to sign in first.</summary>
    AuthenticationRequired,
}

/// <summary>A change of a peer.</summary>
public enum LanyardPeerChange
{
    /// <summary>The identity of the peer became known. A root relays packets until a direct path is found.</summary>
    Met,

    /// <summary>A direct path was found; packets use it.</summary>
    DirectPathFound,

    /// <summary>The last direct path failed; a root relays packets again.</summary>
    DirectPathLost,
}

/// <summary>The data of <see cref="LanyardNode.NetworkChanged"/>.</summary>
public sealed class LanyardNetworkEventArgs(LanyardNetwork network, LanyardNetworkStatus status) : EventArgs
{
    /// <summary>The network.</summary>
    public LanyardNetwork Network { get; } = network;

    /// <summary>The join status when the event was raised.</summary>
    public LanyardNetworkStatus Status { get; } = status;
}

/// <summary>The data of <see cref="LanyardNode.PeerChanged"/>.</summary>
public sealed class LanyardPeerEventArgs(NodeAddress peer, LanyardPeerChange change, IPEndPoint? endPoint) : EventArgs
{
    /// <summary>The peer.</summary>
    public NodeAddress Peer { get; } = peer;

    /// <summary>The change.</summary>
    public LanyardPeerChange Change { get; } = change;

    /// <summary>The physical endpoint in use; null if a root relays packets.</summary>
    public IPEndPoint? EndPoint { get; } = endPoint;
}

/// <summary>The data of <see cref="LanyardNode.UserMessageReceived"/>.</summary>
public sealed class LanyardUserMessageEventArgs(NodeAddress source, ulong type, ReadOnlyMemory<byte> message) : EventArgs
{
    /// <summary>The node that sent it.</summary>
    public NodeAddress Source { get; } = source;

    /// <summary>The application's type number.</summary>
    public ulong Type { get; } = type;

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Message { get; } = message;
}

/// <summary>The data of <see cref="LanyardNetwork.AddressConflict"/>.</summary>
public sealed class LanyardAddressConflictEventArgs(LanyardNetwork network, IPAddress address, MacAddress claimant, bool isLost) : EventArgs
{
    /// <summary>The network.</summary>
    public LanyardNetwork Network { get; } = network;

    /// <summary>The address.</summary>
    public IPAddress Address { get; } = address;

    /// <summary>The Ethernet address of the other member.</summary>
    public MacAddress Claimant { get; } = claimant;

    /// <summary>Whether this node has given the address up. If not, it continues to use and defend the address.</summary>
    public bool IsLost { get; } = isLost;
}
