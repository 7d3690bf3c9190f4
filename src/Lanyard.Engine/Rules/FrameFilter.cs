using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Rules;

/// <summary>Asks a network's rules about frames, and sends the copies and redirected frames that they demand.</summary>
internal sealed class FrameFilter(NodeContext context, FrameSender sender)
{
    private const ExtFrameFlags WatchOutbound = (ExtFrameFlags)0x16;
    private const ExtFrameFlags WatchInbound = (ExtFrameFlags)0x1c;

    /// <summary>Whether a frame may be sent.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="network">The network.</param>
    /// <param name="to">The receiver; none for a multicast frame as a whole.</param>
    /// <param name="sent">The frame.</param>
    /// <param name="isCopy">Whether the frame was judged as a whole before: then no further copies are made.</param>
    public bool PermitsOutgoing(long nowMs, VirtualNetwork network, NodeAddress to, in EthernetFrame sent, bool isCopy)
    {
        if (DropsDeceptive(sent))
            return false;
        var frame = new RuleFrame
        {
            IsInbound = false,
            Self = context.Address,
            Source = context.Address,
            Destination = to,
            SourceMac = sent.Source,
            DestinationMac = sent.Destination,
            EtherType = sent.EtherType,
            Payload = sent.Payload,
            FrameLength = sent.Payload.Length,
            Random = context.Random.Next(),
        };
        var decision = RuleEvaluator.Filter(frame, network.Config!, network.OwnCapabilities, network.OwnCredentials, to.IsNone ? null : network.FindMember(to));
        if (!isCopy)
            Forward(nowMs, network, sent, decision, ExtFrameFlags.TeeOutbound, WatchOutbound, ExtFrameFlags.RedirectOutbound);
        if (decision.IsAccepted)
            return true;
        context.Counters.Drop(DropReason.Filtered);
        return false;
    }

    /// <summary>Judges a frame that a member sent.</summary>
    public RuleVerdict JudgeIncoming(in IncomingPacket incoming, VirtualNetwork network, in EthernetFrame received)
    {
        if (DropsDeceptive(received))
            return RuleVerdict.Drop;
        var member = network.GetMember(incoming.Peer.Address);
        var frame = Inbound(incoming.Peer.Address, received, received.Payload.Length);
        var decision = RuleEvaluator.Filter(frame, network.Config!, member.CurrentCapabilities, network.OwnCredentials, member);
        Forward(incoming.NowMs, network, received, decision, ExtFrameFlags.TeeInbound, WatchInbound, ExtFrameFlags.RedirectInbound);
        if (decision.IsAccepted)
            return decision.Verdict;
        context.Counters.Drop(DropReason.Filtered);
        return RuleVerdict.Drop;
    }

    /// <summary>Whether a packet reassembled from a member's fragments passes the rules.</summary>
    public bool PermitsReassembled(VirtualNetwork network, in EthernetFrame packet)
    {
        if (network.Config is not { } config)
            return false;
        var from = DerivedAddresses.NodeOf(network.Id, packet.Source);
        if (from.IsNone)
            network.TryFindBridge(packet.Source, out from);
        var member = from.IsNone ? null : network.FindMember(from);

        // Rules on the size of frames see the size that the fragments had.
        var frame = Inbound(from, packet, Math.Min(packet.Payload.Length, config.Mtu));
        if (RuleEvaluator.Filter(frame, config, member is null ? default : member.CurrentCapabilities, network.OwnCredentials, member).IsAccepted)
            return true;
        context.Counters.Drop(DropReason.Filtered);
        return false;
    }

    private RuleFrame Inbound(NodeAddress from, in EthernetFrame frame, int frameLength) => new()
    {
        IsInbound = true,
        Self = context.Address,
        Source = from,
        Destination = context.Address,
        SourceMac = frame.Source,
        DestinationMac = frame.Destination,
        EtherType = frame.EtherType,
        Payload = frame.Payload,
        FrameLength = frameLength,
        Random = context.Random.Next(),
    };

    private bool DropsDeceptive(in EthernetFrame frame)
    {
        if (!new FrameHeaders(frame.EtherType, frame.Payload).IsDeceptiveFragment)
            return false;
        context.Counters.Drop(DropReason.DeceptiveFragment);
        return true;
    }

    private void Forward(
        long nowMs, VirtualNetwork network, in EthernetFrame frame, in FilterDecision decision, ExtFrameFlags tee, ExtFrameFlags watch, ExtFrameFlags redirect)
    {
        if (decision.Verdict == RuleVerdict.Drop)
            return;
        Copy(nowMs, network, frame, decision.CapabilityCopy, tee, watch);
        Copy(nowMs, network, frame, decision.Copy, tee, watch);
        if (decision.Verdict == RuleVerdict.Redirect && !decision.RedirectTo.IsNone)
            sender.Send(nowMs, network, decision.RedirectTo, redirect, frame);
    }

    private void Copy(long nowMs, VirtualNetwork network, in EthernetFrame frame, in FrameCopy copy, ExtFrameFlags tee, ExtFrameFlags watch)
    {
        if (copy.To.IsNone)
            return;
        var part = new EthernetFrame(frame.Source, frame.Destination, frame.EtherType, frame.Payload[..copy.Length]);
        sender.Send(nowMs, network, copy.To, copy.IsWatch ? watch : tee, part);
    }
}
