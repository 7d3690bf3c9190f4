using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Members;
using Lanyard.Engine.Multicast;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>Ethernet frames between members, both ways: FRAME and EXT_FRAME, bridging, and the network's rules.</summary>
internal sealed class FrameVerbs(
    NodeContext context, IPeerLayer peers, MemberGate gate, FrameFilter filter, FrameSender sender, Multicaster multicaster)
{
    private const ushort EtherTypeArp = 0x0806;
    private const int MaxBridgesAsked = 32;

    public VerbOutcome ReceiveFrame(in IncomingPacket incoming)
    {
        if (!FrameMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!gate.TryAdmit(incoming, message.NetworkId, default, out var network, out var config, out var outcome))
            return outcome;
        var frame = new EthernetFrame(DerivedAddresses.Mac(network.Id, incoming.Peer.Address), network.Mac, message.EtherType, message.Data);
        if (message.Data.IsEmpty || message.Data.Length > config.Mtu)
            context.Counters.Drop(DropReason.FrameSize);
        else if (filter.JudgeIncoming(incoming, network, frame) != RuleVerdict.Drop)
            network.Deliver(frame);
        return outcome;
    }

    public VerbOutcome ReceiveExtFrame(in IncomingPacket incoming)
    {
        if (!ExtFrameMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!gate.TryAdmit(incoming, message.NetworkId, message.Certificate, out var network, out var config, out var outcome))
            return outcome;
        if (message.Data.IsEmpty || message.Data.Length > config.Mtu)
            context.Counters.Drop(DropReason.FrameSize);
        else if (message.Source == default || message.Source == network.Mac)
            context.Counters.Drop(DropReason.OwnAddress);
        else
            ReceiveBridged(incoming, network, message);

        if ((message.Flags & ExtFrameFlags.AckWanted) != 0)
            Acknowledge(incoming, network.Id);
        return VerbOutcome.AcceptedFromMember;
    }

    /// <summary>Sends a frame from a network's port, or from behind it if this node is a bridge.</summary>
    public void Send(long nowMs, VirtualNetwork network, in OutgoingFrame outgoing)
    {
        if (network.Config is not { } config)
        {
            context.Counters.Drop(DropReason.NotConfigured);
            return;
        }

        if (outgoing.Length == 0 || outgoing.Length > config.Mtu)
        {
            context.Counters.Drop(DropReason.FrameSize);
            return;
        }

        var frame = outgoing.Frame;
        var isBridged = frame.Source != network.Mac;
        if (isBridged && !config.HasRole(context.Address, SpecialistRoles.ActiveBridge))
        {
            context.Counters.Drop(DropReason.BridgingNotAllowed);
            return;
        }

        if (frame.Destination.IsMulticast)
        {
            SendMulticast(nowMs, network, config, frame, isBridged);
        }
        else if (frame.Destination == network.Mac)
        {
            context.Counters.Drop(DropReason.OwnAddress);
        }
        else if (DerivedAddresses.NodeOf(network.Id, frame.Destination) is { IsNone: false } to)
        {
            if (!filter.PermitsOutgoing(nowMs, network, to, frame, isCopy: false))
                return;
            network.PushCredentialsIfNeeded(nowMs, to);
            if (isBridged)
                sender.Send(nowMs, network, to, ExtFrameFlags.None, frame);
            else
                sender.Send(nowMs, network, to, outgoing);
        }
        else
        {
            SendToBridges(nowMs, network, config, frame);
        }
    }

    private void SendMulticast(long nowMs, VirtualNetwork network, NetworkConfig config, in EthernetFrame frame, bool isBridged)
    {
        var group = new MulticastGroup(frame.Destination, 0);
        if (frame.Destination.IsBroadcast)
        {
            // An ARP request goes only to the one who has the address: the address is the group's distinguishing number.
            if (frame.EtherType == EtherTypeArp && ArpTarget(frame.Payload) is { } target)
            {
                group = new MulticastGroup(frame.Destination, target.V4);
            }
            else if ((config.Flags & NetworkFlags.Broadcast) == 0)
            {
                context.Counters.Drop(DropReason.MulticastDisabled);
                return;
            }
        }

        if (config.MulticastLimit == 0)
        {
            context.Counters.Drop(DropReason.MulticastDisabled);
            return;
        }

        if (isBridged)
            network.LearnGroupBehindBridge(nowMs, group);
        if (!filter.PermitsOutgoing(nowMs, network, default, frame, isCopy: false))
            return;
        context.Counters.FramesSent++;
        multicaster.Send(nowMs, network, default, group, isBridged ? frame.Source : default, frame.EtherType, frame.Payload);
    }

    private void SendToBridges(long nowMs, VirtualNetwork network, NetworkConfig config, in EthernetFrame frame)
    {
        if (!filter.PermitsOutgoing(nowMs, network, default, frame, isCopy: false))
            return;
        if (network.TryFindBridge(frame.Destination, out var known) && known != context.Address && config.HasRole(known, SpecialistRoles.ActiveBridge))
        {
            SendToBridge(nowMs, network, known, frame);
            return;
        }

        var sent = 0;
        foreach (var bridge in config.WithRole(SpecialistRoles.ActiveBridge))
        {
            if (bridge != context.Address && sent++ < MaxBridgesAsked)
                SendToBridge(nowMs, network, bridge, frame);
        }

        if (sent == 0)
            context.Counters.Drop(DropReason.BridgingNotAllowed);
    }

    private void SendToBridge(long nowMs, VirtualNetwork network, NodeAddress bridge, in EthernetFrame frame)
    {
        if (!filter.PermitsOutgoing(nowMs, network, bridge, frame, isCopy: true))
            return;
        network.PushCredentialsIfNeeded(nowMs, bridge);
        sender.Send(nowMs, network, bridge, ExtFrameFlags.None, frame);
    }

    private void ReceiveBridged(in IncomingPacket incoming, VirtualNetwork network, in ExtFrameMessage message)
    {
        var frame = new EthernetFrame(message.Source, message.Destination, message.EtherType, message.Data);
        var verdict = filter.JudgeIncoming(incoming, network, frame);
        if (verdict == RuleVerdict.Drop)
            return;
        var config = network.Config!;
        var isForeign = message.Source != DerivedAddresses.Mac(network.Id, incoming.Peer.Address);

        // A copy of another's frame comes from here or there, but not to this node's own address.
        if (verdict == RuleVerdict.SuperAccept && isForeign && message.Destination == network.Mac)
        {
            context.Counters.Drop(DropReason.ForeignMac);
            return;
        }

        if (verdict == RuleVerdict.Accept)
        {
            if (isForeign)
            {
                if (!config.HasRole(incoming.Peer.Address, SpecialistRoles.ActiveBridge))
                {
                    context.Counters.Drop(DropReason.BridgingNotAllowed);
                    return;
                }

                // Behind a bridge is who is no member.
                if (!DerivedAddresses.NodeOf(network.Id, message.Source).IsNone)
                {
                    context.Counters.Drop(DropReason.ForeignMac);
                    return;
                }

                network.LearnBridgeRoute(message.Source, incoming.Peer.Address);
            }
            else if (message.Destination != network.Mac)
            {
                if (message.Destination.IsMulticast ? config.MulticastLimit == 0 : !config.HasRole(context.Address, SpecialistRoles.ActiveBridge))
                {
                    context.Counters.Drop(message.Destination.IsMulticast ? DropReason.MulticastDisabled : DropReason.BridgingNotAllowed);
                    return;
                }
            }
        }

        network.Deliver(frame);
    }

    private void Acknowledge(in IncomingPacket incoming, NetworkId network)
    {
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.ExtFrame, InRePacketId = incoming.PacketId }.Write(ref writer);
        new OkExtFrameMessage { NetworkId = network }.Write(ref writer);
        peers.Reply(incoming, buffer.Complete(Verb.Ok, writer));
    }

    // The IPv4 address that an ARP request asks for.
    private static InetAddress? ArpTarget(ReadOnlySpan<byte> arp) =>
        arp.Length >= 28 && arp[2..8].SequenceEqual((ReadOnlySpan<byte>)[8, 0, 6, 4, 0, 1]) ? InetAddress.FromBytes(arp.Slice(24, 4)) : null;
}
