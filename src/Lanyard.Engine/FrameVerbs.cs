using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>Ethernet frames between members, both ways: FRAME and EXT_FRAME, bridging, and the network's rules.</summary>
internal sealed class FrameVerbs(Node node)
{
    private const ushort EtherTypeArp = 0x0806;
    private const int MaxBridgesAsked = 32;

    public VerbOutcome ReceiveFrame(in IncomingPacket incoming)
    {
        if (!FrameMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!TryAdmit(incoming, message.NetworkId, default, out var network, out var config, out var outcome))
            return outcome;
        var frame = new EthernetFrame(DerivedAddresses.Mac(network.Id, incoming.Peer.Address), network.Mac, message.EtherType, message.Data);
        if (message.Data.IsEmpty || message.Data.Length > config.Mtu)
            node.Counters.Drop(DropReason.FrameSize);
        else if (node.Filter.JudgeIncoming(incoming, network, frame) != RuleVerdict.Drop)
            node.DeliverFrame(network, frame);
        return outcome;
    }

    public VerbOutcome ReceiveExtFrame(in IncomingPacket incoming)
    {
        if (!ExtFrameMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!TryAdmit(incoming, message.NetworkId, message.Certificate, out var network, out var config, out var outcome))
            return outcome;
        if (message.Data.IsEmpty || message.Data.Length > config.Mtu)
            node.Counters.Drop(DropReason.FrameSize);
        else if (message.Source == default || message.Source == network.Mac)
            node.Counters.Drop(DropReason.OwnAddress);
        else
            ReceiveBridged(incoming, network, message);

        if ((message.Flags & ExtFrameFlags.AckWanted) != 0)
            Acknowledge(incoming, network.Id);
        return VerbOutcome.AcceptedFromMember;
    }

    /// <summary>Finds the network of a frame, if this node takes frames from the peer. Otherwise the packet is counted, or waits and the peer is asked for its credentials.</summary>
    /// <param name="incoming">The packet.</param>
    /// <param name="id">The network.</param>
    /// <param name="certificate">A certificate of membership that came with the frame; empty if none did.</param>
    /// <param name="network">The network.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="outcome">The handler's outcome.</param>
    public bool TryAdmit(in IncomingPacket incoming, NetworkId id, ReadOnlySpan<byte> certificate,
        [NotNullWhen(true)] out VirtualNetwork? network, [NotNullWhen(true)] out NetworkConfig? config, out VerbOutcome outcome)
    {
        network = node.FindNetwork(id);
        config = network?.Config;
        outcome = VerbOutcome.Accepted;
        if (network is null || config is null)
        {
            node.Counters.Drop(DropReason.UnknownNetwork);
            return false;
        }

        if (!certificate.IsEmpty)
            node.ConfigVerbs.AddCertificate(incoming.NowMs, incoming.Peer, certificate);
        if (network.Admits(incoming.NowMs, incoming.Peer))
        {
            outcome = VerbOutcome.AcceptedFromMember;
            return true;
        }

        AskForCredentials(incoming, network);
        outcome = VerbOutcome.Waiting;
        return false;
    }

    /// <summary>Sends a frame from a network's port, or from behind it if this node is a bridge.</summary>
    public void Send(long nowMs, VirtualNetwork network, in OutgoingFrame outgoing)
    {
        if (network.Config is not { } config)
        {
            node.Counters.Drop(DropReason.NotConfigured);
            return;
        }

        if (outgoing.Length == 0 || outgoing.Length > config.Mtu)
        {
            node.Counters.Drop(DropReason.FrameSize);
            return;
        }

        var frame = outgoing.Frame;
        var isBridged = frame.Source != network.Mac;
        if (isBridged && !config.HasRole(node.Address, SpecialistRoles.ActiveBridge))
        {
            node.Counters.Drop(DropReason.BridgingNotAllowed);
            return;
        }

        if (frame.Destination.IsMulticast)
        {
            SendMulticast(nowMs, network, config, frame, isBridged);
        }
        else if (frame.Destination == network.Mac)
        {
            node.Counters.Drop(DropReason.OwnAddress);
        }
        else if (DerivedAddresses.NodeOf(network.Id, frame.Destination) is { IsNone: false } to)
        {
            if (!node.Filter.PermitsOutgoing(nowMs, network, to, frame, isCopy: false))
                return;
            network.PushCredentialsIfNeeded(nowMs, to);
            if (isBridged)
                SendExtFrame(nowMs, network, to, ExtFrameFlags.None, frame);
            else
                SendFrame(nowMs, network, to, outgoing);
        }
        else
        {
            SendToBridges(nowMs, network, config, frame);
        }
    }

    private void SendFrame(long nowMs, VirtualNetwork network, NodeAddress to, in OutgoingFrame frame)
    {
        var start = frame.Start - FrameMessage.HeaderBytes;
        var writer = new ByteWriter(frame.Buffer.Slice(start, FrameMessage.HeaderBytes));
        new FrameMessage { NetworkId = network.Id, EtherType = frame.EtherType }.Write(ref writer);
        node.Counters.FramesSent++;
        var packet = new OutgoingPacket(Verb.Frame, frame.Buffer, start, frame.Length + FrameMessage.HeaderBytes);
        if (node.Topology.FindKnown(to) is { } peer)
        {
            peer.LastUsedMs = nowMs;
            node.Outbound.Send(nowMs, peer, packet);
        }
        else
        {
            node.Outbound.Send(nowMs, to, packet);
        }
    }

    /// <summary>Sends a frame together with its Ethernet addresses.</summary>
    public void SendExtFrame(long nowMs, VirtualNetwork network, NodeAddress to, ExtFrameFlags flags, in EthernetFrame frame)
    {
        using var buffer = node.Buffers.Rent();
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
            node.Counters.Drop(DropReason.FrameSize);
            return;
        }

        node.Counters.FramesSent++;
        node.Outbound.Send(nowMs, to, buffer.Complete(Verb.ExtFrame, writer));
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
                node.Counters.Drop(DropReason.MulticastDisabled);
                return;
            }
        }

        if (config.MulticastLimit == 0)
        {
            node.Counters.Drop(DropReason.MulticastDisabled);
            return;
        }

        if (isBridged)
            network.LearnGroupBehindBridge(nowMs, group);
        if (!node.Filter.PermitsOutgoing(nowMs, network, default, frame, isCopy: false))
            return;
        node.Counters.FramesSent++;
        node.Multicaster.Send(nowMs, network, default, group, isBridged ? frame.Source : default, frame.EtherType, frame.Payload);
    }

    private void SendToBridges(long nowMs, VirtualNetwork network, NetworkConfig config, in EthernetFrame frame)
    {
        if (!node.Filter.PermitsOutgoing(nowMs, network, default, frame, isCopy: false))
            return;
        if (network.TryFindBridge(frame.Destination, out var known) && known != node.Address && config.HasRole(known, SpecialistRoles.ActiveBridge))
        {
            SendToBridge(nowMs, network, known, frame);
            return;
        }

        var sent = 0;
        foreach (var bridge in config.WithRole(SpecialistRoles.ActiveBridge))
        {
            if (bridge != node.Address && sent++ < MaxBridgesAsked)
                SendToBridge(nowMs, network, bridge, frame);
        }

        if (sent == 0)
            node.Counters.Drop(DropReason.BridgingNotAllowed);
    }

    private void SendToBridge(long nowMs, VirtualNetwork network, NodeAddress bridge, in EthernetFrame frame)
    {
        if (!node.Filter.PermitsOutgoing(nowMs, network, bridge, frame, isCopy: true))
            return;
        network.PushCredentialsIfNeeded(nowMs, bridge);
        SendExtFrame(nowMs, network, bridge, ExtFrameFlags.None, frame);
    }

    // Keeps a packet of a peer that has not shown to be a member, and asks it to.
    private void AskForCredentials(in IncomingPacket incoming, VirtualNetwork network)
    {
        node.Waiting.Add(incoming.NowMs, incoming.Peer.Address, incoming.LocalSocket, incoming.Endpoint, incoming.Packet, isAuthenticated: true);
        if (incoming.Peer.CredentialRequest.TryPass(incoming.NowMs, 500))
        {
            using var buffer = node.Buffers.Rent();
            var writer = buffer.CreateWriter();
            new ErrorMessage { InReVerb = incoming.Verb, InRePacketId = incoming.PacketId, Code = ErrorCode.NeedMembershipCertificate }.Write(ref writer);
            new NetworkErrorMessage { NetworkId = network.Id }.Write(ref writer);
            node.Outbound.Reply(incoming, buffer.Complete(Verb.Error, writer));
        }
    }

    private void ReceiveBridged(in IncomingPacket incoming, VirtualNetwork network, in ExtFrameMessage message)
    {
        var frame = new EthernetFrame(message.Source, message.Destination, message.EtherType, message.Data);
        var verdict = node.Filter.JudgeIncoming(incoming, network, frame);
        if (verdict == RuleVerdict.Drop)
            return;
        var config = network.Config!;
        var isForeign = message.Source != DerivedAddresses.Mac(network.Id, incoming.Peer.Address);

        // A copy of another's frame comes from here or there, but not to this node's own address.
        if (verdict == RuleVerdict.SuperAccept && isForeign && message.Destination == network.Mac)
        {
            node.Counters.Drop(DropReason.ForeignMac);
            return;
        }

        if (verdict == RuleVerdict.Accept)
        {
            if (isForeign)
            {
                if (!config.HasRole(incoming.Peer.Address, SpecialistRoles.ActiveBridge))
                {
                    node.Counters.Drop(DropReason.BridgingNotAllowed);
                    return;
                }

                // Behind a bridge is who is no member.
                if (!DerivedAddresses.NodeOf(network.Id, message.Source).IsNone)
                {
                    node.Counters.Drop(DropReason.ForeignMac);
                    return;
                }

                network.LearnBridgeRoute(message.Source, incoming.Peer.Address);
            }
            else if (message.Destination != network.Mac)
            {
                if (message.Destination.IsMulticast ? config.MulticastLimit == 0 : !config.HasRole(node.Address, SpecialistRoles.ActiveBridge))
                {
                    node.Counters.Drop(message.Destination.IsMulticast ? DropReason.MulticastDisabled : DropReason.BridgingNotAllowed);
                    return;
                }
            }
        }

        node.DeliverFrame(network, frame);
    }

    private void Acknowledge(in IncomingPacket incoming, NetworkId network)
    {
        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.ExtFrame, InRePacketId = incoming.PacketId }.Write(ref writer);
        new OkExtFrameMessage { NetworkId = network }.Write(ref writer);
        node.Outbound.Reply(incoming, buffer.Complete(Verb.Ok, writer));
    }

    // The IPv4 address that an ARP request asks for.
    private static InetAddress? ArpTarget(ReadOnlySpan<byte> arp) =>
        arp.Length >= 28 && arp[2..8].SequenceEqual((ReadOnlySpan<byte>)[8, 0, 6, 4, 0, 1]) ? InetAddress.FromBytes(arp.Slice(24, 4)) : null;
}
