using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>Sends Ethernet frames to members (FRAME and EXT_FRAME).</summary>
internal sealed class FrameSender(NodeContext context, IPeerLayer peers)
{
    /// <summary>Sends a frame of this node's own port. It is encrypted where it lies.</summary>
    public void Send(long nowMs, VirtualNetwork network, NodeAddress to, in OutgoingFrame frame)
    {
        var start = frame.Start - FrameMessage.HeaderBytes;
        var writer = new ByteWriter(frame.Buffer.Slice(start, FrameMessage.HeaderBytes));
        new FrameMessage { NetworkId = network.Id, EtherType = frame.EtherType }.Write(ref writer);
        context.Counters.FramesSent++;
        var packet = new OutgoingPacket(Verb.Frame, frame.Buffer, start, frame.Length + FrameMessage.HeaderBytes) { Room = frame.Room };
        if (peers.Find(to) is { } peer)
        {
            peer.LastUsedMs = nowMs;
            peers.Send(nowMs, peer, packet);
        }
        else
        {
            peers.Send(nowMs, to, packet);
        }
    }

    /// <summary>Sends a frame together with its Ethernet addresses.</summary>
    public void Send(long nowMs, VirtualNetwork network, NodeAddress to, ExtFrameFlags flags, in EthernetFrame frame)
    {
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ExtFrameMessage
        {
            NetworkId = network.Id,
            Flags = flags,
            Destination = frame.Destination,
            Source = frame.Source,
            EtherType = frame.EtherType,
            Data = frame.Payload,
        }.Write(ref writer);
        if (writer.Failed)
        {
            context.Counters.Drop(DropReason.FrameSize);
            return;
        }

        context.Counters.FramesSent++;
        peers.Send(nowMs, to, buffer.Complete(Verb.ExtFrame, writer));
    }
}
