using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Relay;

/// <summary>Forwards packets and fragments for other nodes, if this node is a root.</summary>
internal sealed class PacketRelay(NodeContext context, PeerTable peers, RootTable roots, PacketSender sender, Introductions introductions)
{
    private const int MaxHops = 3;

    /// <summary>Forwards a packet, or the first fragment of one, and introduces the two peers to each other.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="datagram">The datagram; its hop count is changed.</param>
    /// <param name="source">The sender in the packet's header.</param>
    /// <param name="destination">The receiver in the packet's header.</param>
    public void RelayPacket(long nowMs, in InetEndpoint endpoint, Span<byte> datagram, NodeAddress source, NodeAddress destination)
    {
        if (!CanRelay())
            return;
        if (!PacketHeader.TryIncrementHops(datagram, MaxHops))
        {
            context.Counters.Drop(DropReason.TooManyHops);
            return;
        }

        if (FindRoute(nowMs, destination, source) is not { } route)
            return;
        sender.Forward(nowMs, route, datagram);
        if (route.Via.Address == destination)
            introductions.Consider(nowMs, route.Via, source, endpoint);
    }

    /// <summary>Forwards a fragment other than the first.</summary>
    public void RelayFragment(long nowMs, NodeAddress destination, Span<byte> datagram)
    {
        if (!CanRelay())
            return;
        if (!FragmentView.TryIncrementHops(datagram, MaxHops))
            context.Counters.Drop(DropReason.TooManyHops);
        else if (FindRoute(nowMs, destination, default) is { } route)
            sender.Forward(nowMs, route, datagram);
    }

    private bool CanRelay()
    {
        if (roots.IsSelf)
            return true;
        context.Counters.Drop(DropReason.NotARoot);
        return false;
    }

    // To the destination if this root reaches it, otherwise to another root.
    private PeerRoute? FindRoute(long nowMs, NodeAddress destination, NodeAddress source)
    {
        if (peers.Find(destination) is { } peer && peer.BestPathOfAll(nowMs) is { } path)
            return new PeerRoute(peer, path);
        if (roots.Best(nowMs, except: source) is { } root && root.BestPath(nowMs) is { } upward)
            return new PeerRoute(root, upward);
        context.Counters.Drop(DropReason.RelayUnknownDestination);
        return null;
    }
}
