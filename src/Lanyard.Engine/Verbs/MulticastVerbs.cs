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

/// <summary>Multicast: MULTICAST_LIKE, MULTICAST_GATHER, MULTICAST_FRAME and the replies to them. This node's own frames ask for no answer.</summary>
internal sealed class MulticastVerbs(
    NodeContext context, JoinedNetworks networks, IPeerLayer peers, MemberGate gate, CredentialReader credentials, FrameFilter filter, Multicaster multicaster,
    ControllerOutbox outbox)
{
    private const int MaxGatherResults = 1_024;

    // What an OK has in front of the addresses, at most.
    private const int MaxAnswerHeaderBytes = OkMessage.HeaderBytes + 48;

    private readonly NodeAddress[] _gathered = new NodeAddress[MaxGatherResults];

    public VerbOutcome ReceiveLike(in IncomingPacket incoming)
    {
        if (!MulticastLikeMessage.TryParse(incoming.Payload, out var like))
            return VerbOutcome.Malformed;
        NetworkId lastId = default;
        VirtualNetwork? network = null;
        var isAllowed = false;
        for (var i = 0; i < like.Count; i++)
        {
            var (id, group) = like[i];
            if (i == 0 || id != lastId)
            {
                lastId = id;
                network = networks.Find(id);
                isAllowed = MayTellOfGroups(incoming, network, id);
            }

            if (isAllowed)
                multicaster.Add(incoming.NowMs, network, id, group, incoming.Peer.Address);
            else
                context.Counters.Drop(DropReason.NotAMember);
        }

        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveGather(in IncomingPacket incoming)
    {
        if (!MulticastGatherMessage.TryParse(incoming.Payload, out var gather))
            return VerbOutcome.Malformed;
        var network = networks.Find(gather.NetworkId);
        if (network is not null && !gather.Certificate.IsEmpty)
            credentials.AddCertificate(incoming.NowMs, incoming.Peer, gather.Certificate);
        if (!MayTellOfGroups(incoming, network, gather.NetworkId))
            context.Counters.Drop(DropReason.NotAMember);
        else if (gather.Limit > 0)
            Answer(incoming, Verb.MulticastGather, gather.NetworkId, gather.Group, (int)Math.Min(gather.Limit, MaxGatherResults));
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveOkGather(in IncomingPacket incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!OkMulticastGatherMessage.TryParse(payload, out var ok))
            return VerbOutcome.Malformed;
        if (ok.NetworkId.Value == request.Subject && networks.Find(ok.NetworkId) is { } network && IsTrustedForMembers(network, incoming.Peer))
            AddMembers(incoming.NowMs, network, ok.Group, ok.Members);
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveFrame(in IncomingPacket incoming)
    {
        if (!MulticastFrameMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!gate.TryAdmit(incoming, message.NetworkId, message.Certificate, out var network, out var config, out var outcome))
            return outcome;
        var from = message.Source == default ? DerivedAddresses.Mac(network.Id, incoming.Peer.Address) : message.Source;
        if (config.MulticastLimit == 0)
            context.Counters.Drop(DropReason.MulticastDisabled);
        else if (message.Data.IsEmpty || message.Data.Length > config.Mtu)
            context.Counters.Drop(DropReason.FrameSize);
        else if (!message.Group.Mac.IsMulticast || from.IsMulticast || from == network.Mac)
            context.Counters.Drop(DropReason.Malformed);
        else
            Deliver(incoming, network, message, from);

        if (message.GatherLimit > 0)
            Answer(incoming, Verb.MulticastFrame, message.NetworkId, message.Group, (int)Math.Min(message.GatherLimit, MaxGatherResults));
        return outcome;
    }

    public VerbOutcome ReceiveUnwanted(in IncomingPacket incoming, ReadOnlySpan<byte> payload)
    {
        if (!UnwantedMulticastMessage.TryParse(payload, out var unwanted))
            return VerbOutcome.Malformed;
        if (networks.Find(unwanted.NetworkId) is { } network && network.Admits(incoming.NowMs, incoming.Peer))
            multicaster.Remove(unwanted.NetworkId, unwanted.Group, incoming.Peer.Address);
        return VerbOutcome.Accepted;
    }

    private void Deliver(in IncomingPacket incoming, VirtualNetwork network, in MulticastFrameMessage message, MacAddress from)
    {
        if (from != DerivedAddresses.Mac(network.Id, incoming.Peer.Address))
        {
            if (!network.Config!.HasRole(incoming.Peer.Address, SpecialistRoles.ActiveBridge))
            {
                // A replicator sends for others without being their bridge.
                if (!network.Config.HasRole(incoming.Peer.Address, SpecialistRoles.MulticastReplicator))
                {
                    context.Counters.Drop(DropReason.BridgingNotAllowed);
                    return;
                }
            }
            else if (!DerivedAddresses.NodeOf(network.Id, from).IsNone && !network.Config.HasRole(incoming.Peer.Address, SpecialistRoles.MulticastReplicator))
            {
                context.Counters.Drop(DropReason.ForeignMac);
                return;
            }
            else
            {
                network.LearnBridgeRoute(from, incoming.Peer.Address);
            }
        }

        if ((message.Flags & MulticastFrameFlags.Replicate) != 0 && network.Config!.HasRole(context.Address, SpecialistRoles.MulticastReplicator))
            multicaster.Send(incoming.NowMs, network, incoming.Peer.Address, message.Group, from, message.EtherType, message.Data);
        var frame = new EthernetFrame(from, message.Group.Mac, message.EtherType, message.Data);
        if (filter.JudgeIncoming(incoming, network, frame) != RuleVerdict.Drop)
            network.Deliver(frame);
    }

    // Members may, and so may anybody where this node is a root or has lately given the peer the network's configuration.
    private bool MayTellOfGroups(in IncomingPacket incoming, VirtualNetwork? network, NetworkId id) =>
        (network is not null && network.Admits(incoming.NowMs, incoming.Peer)) || peers.IsRootSelf
        || outbox.HasAuthorized(incoming.NowMs, id, incoming.Peer.Address);

    private bool IsTrustedForMembers(VirtualNetwork network, Peer peer) =>
        peer.Address == network.Controller || peer.IsRoot || network.FindMember(peer.Address) is not null;

    private void AddMembers(long nowMs, VirtualNetwork network, MulticastGroup group, NodeAddressList members)
    {
        for (var i = 0; i < Math.Min(members.Count, MaxGatherResults); i++)
            multicaster.Add(nowMs, network, network.Id, group, members[i]);
    }

    private void Answer(in IncomingPacket incoming, Verb question, NetworkId id, MulticastGroup group, int limit)
    {
        // As many as there is room for: an address that no path confirms gets little.
        var room = peers.MaxReplyBytes(incoming) - MaxAnswerHeaderBytes;
        if (room < NodeAddress.Size || (question == Verb.MulticastFrame && !peers.TryNoteAnswered(incoming)))
            return;
        var members = _gathered.AsSpan(0, Math.Min(limit, room / NodeAddress.Size));
        var count = multicaster.Gather(id, group, incoming.Peer.Address, members, out var total);
        if (count == 0)
            return;
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = question, InRePacketId = incoming.PacketId }.Write(ref writer);
        if (question == Verb.MulticastGather)
            new OkMulticastGatherMessage { NetworkId = id, Group = group, TotalKnown = (uint)total }.Write(ref writer, members[..count]);
        else
            new OkMulticastFrameMessage { NetworkId = id, Group = group, Flags = MulticastFrameFlags.Gather, TotalKnown = (uint)total }.Write(ref writer, members[..count]);
        peers.Reply(incoming, buffer.Complete(Verb.Ok, writer));
    }
}
