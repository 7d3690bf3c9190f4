using Lanyard.Engine.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>The peers' layer (VL1) as the networks' layer (VL2) sees it: peers by their addresses, and packets to and from them.</summary>
internal interface IPeerLayer
{
    /// <summary>Whether this node is a root.</summary>
    bool IsRootSelf { get; }

    /// <summary>The addresses of the other roots.</summary>
    IReadOnlyList<NodeAddress> Roots { get; }

    /// <summary>Finds a peer that is in memory.</summary>
    Peer? Find(NodeAddress address);

    /// <summary>Finds the identity of this node or of a peer, and asks a root for it if it is not known. Returns null until it is.</summary>
    Identity? FindIdentity(long nowMs, NodeAddress address);

    /// <summary>Returns the root with the lowest latency; null if no root has a path.</summary>
    Peer? BestRoot(long nowMs);

    /// <summary>Sends a packet, or queues it for five seconds until there is a way to the receiver. Looks up the receiver's identity if it is not known.</summary>
    void Send(long nowMs, NodeAddress destination, in OutgoingPacket packet);

    /// <summary>Sends a packet to a known peer, or queues it for five seconds until there is a way to it.</summary>
    void Send(long nowMs, Peer peer, in OutgoingPacket packet);

    /// <summary>Sends a reply to the endpoint that a packet came from.</summary>
    void Reply(in IncomingPacket incoming, in OutgoingPacket packet);

    /// <summary>Returns the maximum length of a reply's payload, in bytes.</summary>
    int MaxReplyBytes(in IncomingPacket incoming);

    /// <summary>Records that a request is answered. Returns false if it is a duplicate.</summary>
    bool TryNoteAnswered(in IncomingPacket incoming);

    /// <summary>Keeps a packet for five seconds until its sender's credentials are known.</summary>
    void Wait(in IncomingPacket incoming);

    /// <summary>Reads the packets of a peer that wait for its credentials.</summary>
    void RetryWaiting(long nowMs, NodeAddress peer);
}
