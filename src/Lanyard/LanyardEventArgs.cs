using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>About a network.</summary>
public sealed class LanyardNetworkEventArgs(LanyardNetwork network, NetworkStatus status) : EventArgs
{
    /// <summary>The network.</summary>
    public LanyardNetwork Network { get; } = network;

    /// <summary>Its status when the event arose.</summary>
    public NetworkStatus Status { get; } = status;
}

/// <summary>About a peer.</summary>
public sealed class LanyardPeerEventArgs(NodeAddress peer, PeerChange change, InetEndpoint endpoint) : EventArgs
{
    /// <summary>The peer.</summary>
    public NodeAddress Peer { get; } = peer;

    /// <summary>What changed.</summary>
    public PeerChange Change { get; } = change;

    /// <summary>The physical endpoint in use from now on; none where there is none.</summary>
    public InetEndpoint Endpoint { get; } = endpoint;
}

/// <summary>A message of the application's own.</summary>
public sealed class LanyardUserMessageEventArgs(NodeAddress source, ulong type, ReadOnlyMemory<byte> message) : EventArgs
{
    /// <summary>The node that sent it.</summary>
    public NodeAddress Source { get; } = source;

    /// <summary>The application's type number.</summary>
    public ulong Type { get; } = type;

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Message { get; } = message;
}

/// <summary>About an address that another member claims.</summary>
public sealed class LanyardAddressConflictEventArgs(LanyardNetwork network, AddressConflict conflict) : EventArgs
{
    /// <summary>The network.</summary>
    public LanyardNetwork Network { get; } = network;

    /// <summary>Which address, who claims it, and whether this node has given it up.</summary>
    public AddressConflict Conflict { get; } = conflict;
}
