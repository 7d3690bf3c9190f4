using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>Asks a network's rules about frames, and sends the copies and redirected frames that they demand.</summary>
internal sealed class FrameFilter(Node node)
{
    private const ExtFrameFlags WatchOutbound = (ExtFrameFlags)0x16;
    private const ExtFrameFlags WatchInbound = (ExtFrameFlags)0x1c;

    /// <summary>Whether a frame may be sent. <paramref name="isCopy"/> where it was asked for once already: then no further copies are made.</summary>
    public bool PermitsOutgoing(
        VirtualNetwork network, NodeAddress to, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload, long nowMs, bool isCopy)
    {
        if (DropsDeceptive(etherType, payload))
            return false;
        var frame = new RuleFrame
        {
            IsInbound = false,
            Self = node.Address,
            Source = node.Address,
            Destination = to,
            SourceMac = source,
            DestinationMac = destination,
            EtherType = etherType,
            Payload = payload,
            FrameLength = payload.Length,
            Random = node.Random.Next(),
        };
        var decision = RuleEvaluator.Filter(frame, network.Config!, network.OwnCapabilities, network.OwnCredentials, to.IsNone ? null : network.FindMember(to));
        if (!isCopy)
            Forward(nowMs, network, frame, decision, ExtFrameFlags.TeeOutbound, WatchOutbound, ExtFrameFlags.RedirectOutbound);
        if (decision.IsAccepted)
            return true;
        node.Counters.Drop(DropReason.Filtered);
        return false;
    }

    /// <summary>What is done with a frame that a member sent.</summary>
    public RuleVerdict JudgeIncoming(
        in Incoming incoming, VirtualNetwork network, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        if (DropsDeceptive(etherType, payload))
            return RuleVerdict.Drop;
        var member = network.GetMember(incoming.Peer.Address);
        var frame = Inbound(incoming.Peer.Address, source, destination, etherType, payload, payload.Length);
        var decision = RuleEvaluator.Filter(frame, network.Config!, member.CurrentCapabilities, network.OwnCredentials, member);
        Forward(incoming.NowMs, network, frame, decision, ExtFrameFlags.TeeInbound, WatchInbound, ExtFrameFlags.RedirectInbound);
        if (decision.IsAccepted)
            return decision.Verdict;
        node.Counters.Drop(DropReason.Filtered);
        return RuleVerdict.Drop;
    }

    /// <summary>Whether a packet reassembled from a member's fragments passes the rules.</summary>
    public bool PermitsReassembled(VirtualNetwork network, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet)
    {
        if (network.Config is not { } config)
            return false;
        var from = DerivedAddresses.NodeOf(network.Id, source);
        if (from.IsNone)
            network.TryFindBridge(source, out from);
        var member = from.IsNone ? null : network.FindMember(from);

        // Rules on the size of frames see the size that the fragments had.
        var frame = Inbound(from, source, destination, etherType, packet, Math.Min(packet.Length, config.Mtu));
        if (RuleEvaluator.Filter(frame, config, member is null ? default : member.CurrentCapabilities, network.OwnCredentials, member).IsAccepted)
            return true;
        node.Counters.Drop(DropReason.Filtered);
        return false;
    }

    private RuleFrame Inbound(
        NodeAddress from, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload, int frameLength) => new()
    {
        IsInbound = true,
        Self = node.Address,
        Source = from,
        Destination = node.Address,
        SourceMac = source,
        DestinationMac = destination,
        EtherType = etherType,
        Payload = payload,
        FrameLength = frameLength,
        Random = node.Random.Next(),
    };

    private bool DropsDeceptive(ushort etherType, ReadOnlySpan<byte> payload)
    {
        if (!new FrameHeaders(etherType, payload).IsDeceptiveFragment)
            return false;
        node.Counters.Drop(DropReason.DeceptiveFragment);
        return true;
    }

    private void Forward(
        long nowMs, VirtualNetwork network, in RuleFrame frame, in FilterDecision decision, ExtFrameFlags tee, ExtFrameFlags watch, ExtFrameFlags redirect)
    {
        if (decision.Verdict == RuleVerdict.Drop)
            return;
        Copy(nowMs, network, frame, decision.CapabilityCopy, tee, watch);
        Copy(nowMs, network, frame, decision.Copy, tee, watch);
        if (decision.Verdict == RuleVerdict.Redirect && !decision.RedirectTo.IsNone)
            node.FrameVerbs.SendExtFrame(nowMs, network, decision.RedirectTo, redirect, frame.SourceMac, frame.DestinationMac, frame.EtherType, frame.Payload);
    }

    private void Copy(long nowMs, VirtualNetwork network, in RuleFrame frame, in FrameCopy copy, ExtFrameFlags tee, ExtFrameFlags watch)
    {
        if (!copy.To.IsNone)
        {
            node.FrameVerbs.SendExtFrame(
                nowMs, network, copy.To, copy.IsWatch ? watch : tee, frame.SourceMac, frame.DestinationMac, frame.EtherType, frame.Payload[..copy.Length]);
        }
    }
}
