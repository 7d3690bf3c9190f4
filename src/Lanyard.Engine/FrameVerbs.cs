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

    public bool ReceiveFrame(in Incoming incoming)
    {
        if (!FrameMessage.TryParse(incoming.Payload, out var message))
            return false;
        if (Admit(incoming, message.NetworkId, default) is not { Config: not null } network)
            return true;
        var source = DerivedAddresses.Mac(network.Id, incoming.Peer.Address);
        if (message.Data.IsEmpty || message.Data.Length > network.Config.Mtu)
            node.Counters.Drop(DropReason.FrameSize);
        else if (node.Filter.JudgeIncoming(incoming, network, source, network.Mac, message.EtherType, message.Data) != RuleVerdict.Drop)
            node.DeliverFrame(network, source, network.Mac, message.EtherType, message.Data);
        return node.Paths.NoteReceived(incoming, network);
    }

    public bool ReceiveExtFrame(in Incoming incoming)
    {
        if (!ExtFrameMessage.TryParse(incoming.Payload, out var message))
            return false;
        if (Admit(incoming, message.NetworkId, message.Certificate) is not { Config: not null } network)
            return true;
        if (message.Data.IsEmpty || message.Data.Length > network.Config.Mtu)
            node.Counters.Drop(DropReason.FrameSize);
        else if (message.Source == default || message.Source == network.Mac)
            node.Counters.Drop(DropReason.OwnAddress);
        else
            ReceiveBridged(incoming, network, message);

        if ((message.Flags & ExtFrameFlags.AckWanted) != 0)
            Acknowledge(incoming, network.Id);
        return node.Paths.NoteReceived(incoming, network);
    }

    /// <summary>The network that a frame is for; null where it is not taken from this peer, or not yet, and all is done that has to be.</summary>
    public VirtualNetwork? Admit(in Incoming incoming, NetworkId id, ReadOnlySpan<byte> certificate)
    {
        if (node.FindNetwork(id) is not { Config: not null } network)
        {
            node.Counters.Drop(DropReason.UnknownNetwork);
            node.Paths.NoteReceived(incoming);
            return null;
        }

        if (!certificate.IsEmpty)
            node.ConfigVerbs.AddCertificate(incoming.NowMs, incoming.Peer, certificate);
        if (network.Admits(incoming.NowMs, incoming.Peer))
            return network;
        AskForCredentials(incoming, network);
        return null;
    }

    /// <summary>Sends a frame from a network's port, or from behind it where this node is a bridge.</summary>
    public void Send(
        long nowMs, VirtualNetwork network, MacAddress source, MacAddress destination, ushort etherType, Span<byte> buffer, int start, int length)
    {
        if (network.Config is not { } config)
        {
            node.Counters.Drop(DropReason.NotConfigured);
            return;
        }

        if (length == 0 || length > config.Mtu)
        {
            node.Counters.Drop(DropReason.FrameSize);
            return;
        }

        var isBridged = source != network.Mac;
        if (isBridged && !config.HasRole(node.Address, SpecialistRoles.ActiveBridge))
        {
            node.Counters.Drop(DropReason.BridgingNotAllowed);
            return;
        }

        if (destination.IsMulticast)
        {
            SendMulticast(nowMs, network, config, source, destination, etherType, buffer.Slice(start, length), isBridged);
        }
        else if (destination == network.Mac)
        {
            node.Counters.Drop(DropReason.OwnAddress);
        }
        else if (DerivedAddresses.NodeOf(network.Id, destination) is { IsNone: false } to)
        {
            if (!node.Filter.PermitsOutgoing(network, to, source, destination, etherType, buffer.Slice(start, length), nowMs, isCopy: false))
                return;
            network.PushCredentialsIfNeeded(nowMs, to);
            if (isBridged)
                SendExtFrame(nowMs, network, to, ExtFrameFlags.None, source, destination, etherType, buffer.Slice(start, length));
            else
                SendFrame(nowMs, network, to, etherType, buffer, start, length);
        }
        else
        {
            SendToBridges(nowMs, network, config, source, destination, etherType, buffer.Slice(start, length));
        }
    }

    private void SendFrame(long nowMs, VirtualNetwork network, NodeAddress to, ushort etherType, Span<byte> buffer, int start, int length)
    {
        start -= FrameMessage.HeaderBytes;
        var writer = new ByteWriter(buffer.Slice(start, FrameMessage.HeaderBytes));
        new FrameMessage { NetworkId = network.Id, EtherType = etherType }.Write(ref writer);
        node.Counters.FramesSent++;
        if (node.Topology.FindKnown(to) is { } peer)
        {
            peer.LastUsedMs = nowMs;
            node.Outbound.Send(nowMs, peer, Verb.Frame, buffer, start, length + FrameMessage.HeaderBytes);
        }
        else
        {
            node.Outbound.Send(nowMs, to, Verb.Frame, buffer, start, length + FrameMessage.HeaderBytes);
        }
    }

    /// <summary>Sends a frame together with its Ethernet addresses.</summary>
    public void SendExtFrame(
        long nowMs, VirtualNetwork network, NodeAddress to, ExtFrameFlags flags, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        var copy = node.RentBuffer();
        var writer = new ByteWriter(copy.AsSpan(PacketFormat.HeaderBytes, PacketFormat.MaxPayloadBytes));
        new ExtFrameMessage
        {
            NetworkId = network.Id,
            Flags = flags,
            Destination = destination,
            Source = source,
            EtherType = etherType,
            Data = frame,
        }.Write(ref writer);
        if (writer.Failed)
        {
            node.Counters.Drop(DropReason.FrameSize);
        }
        else
        {
            node.Counters.FramesSent++;
            node.Outbound.Send(nowMs, to, Verb.ExtFrame, copy, PacketFormat.HeaderBytes, writer.Position);
        }

        node.ReturnBuffer(copy);
    }

    private void SendMulticast(
        long nowMs, VirtualNetwork network, NetworkConfig config, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame, bool isBridged)
    {
        var group = new MulticastGroup(destination, 0);
        if (destination.IsBroadcast)
        {
            // An ARP request goes only to the one who has the address: the address is the group's distinguishing number.
            if (etherType == EtherTypeArp && ArpTarget(frame) is { } target)
            {
                group = new MulticastGroup(destination, target.V4);
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
        if (!node.Filter.PermitsOutgoing(network, default, source, destination, etherType, frame, nowMs, isCopy: false))
            return;
        node.Counters.FramesSent++;
        node.Multicaster.Send(nowMs, network, default, group, isBridged ? source : default, etherType, frame);
    }

    private void SendToBridges(
        long nowMs, VirtualNetwork network, NetworkConfig config, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        if (!node.Filter.PermitsOutgoing(network, default, source, destination, etherType, frame, nowMs, isCopy: false))
            return;
        if (network.TryFindBridge(destination, out var known) && known != node.Address && config.HasRole(known, SpecialistRoles.ActiveBridge))
        {
            SendToBridge(known, frame);
            return;
        }

        var sent = 0;
        foreach (var bridge in config.WithRole(SpecialistRoles.ActiveBridge))
        {
            if (bridge != node.Address && sent++ < MaxBridgesAsked)
                SendToBridge(bridge, frame);
        }

        if (sent == 0)
            node.Counters.Drop(DropReason.BridgingNotAllowed);

        void SendToBridge(NodeAddress bridge, ReadOnlySpan<byte> frame)
        {
            if (!node.Filter.PermitsOutgoing(network, bridge, source, destination, etherType, frame, nowMs, isCopy: true))
                return;
            network.PushCredentialsIfNeeded(nowMs, bridge);
            SendExtFrame(nowMs, network, bridge, ExtFrameFlags.None, source, destination, etherType, frame);
        }
    }

    // Keeps a packet of a peer that has not shown to be a member, and asks it to.
    private void AskForCredentials(in Incoming incoming, VirtualNetwork network)
    {
        node.Waiting.Add(incoming.NowMs, incoming.Peer.Address, incoming.LocalSocket, incoming.Endpoint, incoming.Packet, isAuthenticated: true);
        if (incoming.Peer.CredentialRequest.TryPass(incoming.NowMs, 500))
        {
            var buffer = node.RentBuffer();
            var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
            new ErrorMessage { InReVerb = incoming.Verb, InRePacketId = incoming.PacketId, Code = ErrorCode.NeedMembershipCertificate }.Write(ref writer);
            new NetworkErrorMessage { NetworkId = network.Id }.Write(ref writer);
            node.Outbound.Reply(incoming, Verb.Error, buffer, PacketFormat.HeaderBytes, writer.Position);
            node.ReturnBuffer(buffer);
        }
    }

    private void ReceiveBridged(in Incoming incoming, VirtualNetwork network, in ExtFrameMessage message)
    {
        var verdict = node.Filter.JudgeIncoming(incoming, network, message.Source, message.Destination, message.EtherType, message.Data);
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

        node.DeliverFrame(network, message.Source, message.Destination, message.EtherType, message.Data);
    }

    private void Acknowledge(in Incoming incoming, NetworkId network)
    {
        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        new OkMessage { InReVerb = Verb.ExtFrame, InRePacketId = incoming.PacketId }.Write(ref writer);
        new OkExtFrameMessage { NetworkId = network }.Write(ref writer);
        node.Outbound.Reply(incoming, Verb.Ok, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
    }

    // The IPv4 address that an ARP request asks for.
    private static InetAddress? ArpTarget(ReadOnlySpan<byte> arp) =>
        arp.Length >= 28 && arp[2..8].SequenceEqual((ReadOnlySpan<byte>)[8, 0, 6, 4, 0, 1]) ? InetAddress.FromBytes(arp.Slice(24, 4)) : null;
}
