using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Paths;

/// <summary>Sends peers the endpoints of this node (PUSH_DIRECT_PATHS).</summary>
internal sealed class DirectPaths(NodeContext context, OwnEndpoints endpoints, PacketRouter router)
{
    private const int MaxInPacket = 48;

    /// <summary>Sends the endpoints to a peer.</summary>
    public void Push(long nowMs, Peer peer)
    {
        var reachable = endpoints.Reachable();
        for (var start = 0; start < reachable.Count; start += MaxInPacket)
        {
            using var buffer = context.Buffers.Rent();
            var writer = buffer.CreateWriter();
            PushDirectPathsMessage.Write(ref writer, reachable.Skip(start).Take(MaxInPacket).Select(e => new DirectPath(e)).ToArray());
            router.Send(nowMs, peer, buffer.Complete(Verb.PushDirectPaths, writer));
        }
    }
}
