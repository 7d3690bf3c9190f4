using Lanyard.Engine.Members;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>
/// What a node needs from its surroundings, and where its output goes. The node calls it only from inside a call to the node, on that call's
/// thread. Spans are valid during the call only. The host must not call the node back from inside, except where a method says so.
/// </summary>
public interface INodeHost
{
    /// <summary>Sends a datagram. It may get lost; a failure is the host's to count.</summary>
    /// <param name="localSocket">The socket to send from, as the host numbered it when it called <see cref="Node.Receive(long, int, in InetEndpoint, Span{byte})"/>; -1 leaves the choice to the host.</param>
    /// <param name="destination">The destination.</param>
    /// <param name="datagram">The UDP payload.</param>
    /// <param name="timeToLive">The IP time to live, or 0 for the system's default. Low values open a NAT without reaching the other end.</param>
    void SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive);

    /// <summary>Receives an Ethernet frame from a network. The host may send frames from inside this call.</summary>
    /// <param name="network">The network.</param>
    /// <param name="frame">The frame, for this port's Ethernet address, a multicast group's, or, at a bridge, any other.</param>
    void FrameReceived(VirtualNetwork network, in EthernetFrame frame);

    /// <summary>
    /// Reports an exception that a datagram caused inside the node, which is a fault of the node: the datagram was dropped and the node goes on.
    /// </summary>
    void InternalErrorOccurred(Exception exception);

    /// <summary>A network's status or configuration changed: look at <see cref="VirtualNetwork.Status"/> and <see cref="VirtualNetwork.Config"/>.</summary>
    void NetworkChanged(VirtualNetwork network);

    /// <summary>The node came online (it reaches a root, or is one) or went offline.</summary>
    void OnlineChanged(bool online);

    /// <summary>Something about a peer changed.</summary>
    void PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint);

    /// <summary>A message of the application's own arrived (verb USER_MESSAGE).</summary>
    void UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message);

    /// <summary>
    /// Whether a physical endpoint may be used to reach a peer. Addresses of the virtual networks that the host uses must not be: their packets would
    /// travel through themselves. What a controller assigns and the host refuses does not count, nor does it keep a root from being reached
    /// (<see cref="Node.IsRootAddress"/>).
    /// </summary>
    bool MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint);

    /// <summary>Gives back what <see cref="SaveState"/> was last given; null where there is nothing.</summary>
    byte[]? LoadState(StateKind kind, ulong id);

    /// <summary>Returns the IDs of the saved states of a kind, in any order. Called once, after the start.</summary>
    IReadOnlyList<ulong> ListState(StateKind kind);

    /// <summary>Keeps something over restarts. Failing to is the host's to report.</summary>
    void SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state);

    /// <summary>Forgets something that was kept.</summary>
    void DeleteState(StateKind kind, ulong id);
}

/// <summary>The kinds of state that a node stores.</summary>
public enum StateKind
{
    /// <summary>The roots: file <c>planet</c>. The ID is 0.</summary>
    Planet,

    /// <summary>More roots: file <c>moons.d/ID.moon</c>, with the moon's ID.</summary>
    Moon,

    /// <summary>A network's last configuration: file <c>networks.d/ID.conf</c>, with the network's ID.</summary>
    NetworkConfig,

    /// <summary>The revocations of a network: file <c>networks.d/ID.revoked</c>, with the network's ID.</summary>
    Revocations,

    /// <summary>A peer's identity and where it was last reached: file <c>peers.d/ADDRESS.peer</c>, with the node's address.</summary>
    Peer,
}

/// <summary>A change of a peer.</summary>
public enum PeerChange
{
    /// <summary>Its identity became known; packets to it go through a root until a direct path is found.</summary>
    Met,

    /// <summary>A direct path was found and is used from now on.</summary>
    DirectPathFound,

    /// <summary>The last direct path failed; packets go through a root again.</summary>
    DirectPathLost,
}
