using Lanyard.Engine.Members;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Multicast;

/// <summary>
/// Who listens to which multicast group of which network, as told by the listeners (MULTICAST_LIKE) or by those who heard them (gathering),
/// and the sending of frames to them: to each listener a packet of its own, up to the network's limit.
/// </summary>
internal sealed class Multicaster(NodeContext context, JoinedNetworks networks, IPeerLayer peers, FrameFilter filter)
{
    /// <summary>A subscription counts for so long.</summary>
    public const long SubscriptionLifeMs = 600_000;

    private const long GatherIntervalMs = 60_000;
    private const long EmptyGatherIntervalMs = 500;
    private const long PendingLifeMs = 5_000;
    private const int MaxPendingPerGroup = 32;
    private const int MaxPending = 512;
    private const int MaxGatherPeers = 16;
    private const int CertificateRoom = 512;

    // A peer that says more than its share takes room from itself only: it may have what it needs, and beyond that a part of what is free.
    private const int MinQuota = 64;
    private const int MaxQuota = 4_096;
    private const int QuotaShare = 64;

    private readonly Dictionary<(NetworkId, MulticastGroup), Group> _groups = [];
    private readonly Dictionary<NodeAddress, int> _subscriptionsOf = [];
    private int _subscriptions;
    private int _pending;

    /// <summary>The number of known groups.</summary>
    public int GroupCount => _groups.Count;

    /// <summary>Notes that a member listens to a group, and sends it what waits for listeners.</summary>
    public void Add(long nowMs, VirtualNetwork? network, NetworkId id, MulticastGroup multicastGroup, NodeAddress member)
    {
        if (member == context.Address || member.IsReserved)
            return;
        var isKnown = _groups.TryGetValue((id, multicastGroup), out var group) && group.Members.Contains(member);
        if (!isKnown && !MayAdd(member))
        {
            context.Counters.Drop(DropReason.QuotaExceeded);
            return;
        }

        group ??= GetGroup(id, multicastGroup);
        group.Members.Set(member, nowMs);
        if (!isKnown)
        {
            _subscriptions++;
            _subscriptionsOf[member] = _subscriptionsOf.GetValueOrDefault(member) + 1;
        }

        if (network is null)
            return;
        for (var i = group.Pending.Count - 1; i >= 0; i--)
        {
            var pending = group.Pending[i];
            if (pending.SentTo.Add(member))
                SendOne(nowMs, network, member, multicastGroup, pending.Frame, MulticastFrameFlags.None, 0);
            if (pending.SentTo.Count >= pending.Limit)
                RemovePending(group, i);
        }
    }

    public void Remove(NetworkId id, MulticastGroup group, NodeAddress member)
    {
        if (_groups.TryGetValue((id, group), out var known) && known.Members.Remove(member))
            NoteRemoved(member);
    }

    /// <summary>Picks members of a group at random, this node among them if it is one.</summary>
    /// <param name="id">The network.</param>
    /// <param name="multicastGroup">The group.</param>
    /// <param name="asker">The node that asks; it is left out of the answer.</param>
    /// <param name="members">The destination of the members.</param>
    /// <param name="totalKnown">The number of known members.</param>
    /// <returns>The number of members written.</returns>
    public int Gather(NetworkId id, MulticastGroup multicastGroup, NodeAddress asker, Span<NodeAddress> members, out int totalKnown)
    {
        var count = 0;
        totalKnown = 0;
        if (networks.Find(id) is { } network && network.IsSubscribed(multicastGroup) && !members.IsEmpty)
        {
            members[count++] = context.Address;
            totalKnown++;
        }

        if (!_groups.TryGetValue((id, multicastGroup), out var group))
            return count;
        totalKnown += group.Members.Count;
        for (var i = 0; i < group.Members.Count && count < members.Length; i++)
        {
            if (group.Members.Draw(i, context.Random) is var member && member != asker)
                members[count++] = member;
        }

        return count;
    }

    /// <summary>Sends a frame to the listeners of a group.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="network">The network.</param>
    /// <param name="origin">The sender, if this node replicates the frame; it gets no copy.</param>
    /// <param name="group">The group.</param>
    /// <param name="source">The frame's source where it is not this node's own.</param>
    /// <param name="etherType">The EtherType.</param>
    /// <param name="frame">The payload of the frame.</param>
    public void Send(long nowMs, VirtualNetwork network, NodeAddress origin, MulticastGroup group, MacAddress source, ushort etherType, ReadOnlySpan<byte> frame)
    {
        var config = network.Config!;
        var copy = new MulticastFrame(source, etherType, frame.ToArray());
        if (SendToReplicator(nowMs, network, config, group, copy))
            return;

        var limit = (int)Math.Min(config.MulticastLimit, 65_536);
        var known = GetGroup(network.Id, group);
        var sentTo = new HashSet<NodeAddress>();
        if (!origin.IsNone)
            sentTo.Add(origin);
        foreach (var bridge in config.WithRole(SpecialistRoles.ActiveBridge))
        {
            if (bridge != context.Address && sentTo.Count < limit && sentTo.Add(bridge))
                SendOne(nowMs, network, bridge, group, copy, MulticastFrameFlags.None, 0);
        }

        for (var i = 0; i < known.Members.Count && sentTo.Count < limit; i++)
        {
            if (known.Members.Draw(i, context.Random) is var member && sentTo.Add(member))
                SendOne(nowMs, network, member, group, copy, MulticastFrameFlags.None, 0);
        }

        if (sentTo.Count >= limit)
            return;
        GatherMore(nowMs, network, config, group, known, limit - known.Members.Count + 1);
        if (known.Pending.Count >= MaxPendingPerGroup)
            RemovePending(known, 0);
        if (_pending >= MaxPending)
        {
            context.Counters.Drop(DropReason.QueueExpired);
            return;
        }

        known.Pending.Add(new PendingFrame(copy, limit, nowMs, sentTo));
        _pending++;
    }

    public void Clean(long nowMs)
    {
        foreach (var (key, group) in _groups.ToArray())
        {
            for (var i = group.Pending.Count - 1; i >= 0; i--)
            {
                if (nowMs - group.Pending[i].SentMs > PendingLifeMs)
                    RemovePending(group, i);
            }

            for (var i = group.Members.Count - 1; i >= 0; i--)
            {
                var (member, heardMs) = group.Members[i];
                if (nowMs - heardMs < SubscriptionLifeMs)
                    continue;
                group.Members.Remove(member);
                NoteRemoved(member);
            }

            if (group.Members.Count == 0 && group.Pending.Count == 0)
                _groups.Remove(key);
        }
    }

    private Group GetGroup(NetworkId id, MulticastGroup multicastGroup)
    {
        if (!_groups.TryGetValue((id, multicastGroup), out var group))
            _groups.Add((id, multicastGroup), group = new Group());
        return group;
    }

    private bool MayAdd(NodeAddress member)
    {
        var free = context.Options.MaxMulticastSubscriptions - _subscriptions;
        return free > 0 && _subscriptionsOf.GetValueOrDefault(member) < Math.Clamp(free / QuotaShare, MinQuota, MaxQuota);
    }

    private void NoteRemoved(NodeAddress member)
    {
        _subscriptions--;
        if (_subscriptionsOf[member] > 1)
            _subscriptionsOf[member]--;
        else
            _subscriptionsOf.Remove(member);
    }

    private void RemovePending(Group group, int index)
    {
        group.Pending.RemoveAt(index);
        _pending--;
    }

    // Where the network has replicators, the best of them sends the copies; bridges send their own, so that their routes are learned.
    private bool SendToReplicator(long nowMs, VirtualNetwork network, NetworkConfig config, MulticastGroup group, MulticastFrame frame)
    {
        if (config.HasRole(context.Address, SpecialistRoles.ActiveBridge | SpecialistRoles.MulticastReplicator))
            return false;
        Peer? best = null;
        foreach (var replicator in config.WithRole(SpecialistRoles.MulticastReplicator))
        {
            if (peers.Find(replicator) is { } peer && peer.BestPath(nowMs) is { } path && peer.IsAlive(nowMs)
                && (best?.BestPath(nowMs) is not { } bestPath || path.LatencyMs < bestPath.LatencyMs))
                best = peer;
        }

        if (best is null)
            return false;
        var source = frame.Source == default ? network.Mac : frame.Source;
        SendOne(nowMs, network, best.Address, group, frame with { Source = source }, MulticastFrameFlags.Replicate, 0);
        return true;
    }

    private void SendOne(
        long nowMs, VirtualNetwork network, NodeAddress to, MulticastGroup group, MulticastFrame frame, MulticastFrameFlags flags, uint gatherLimit)
    {
        var source = frame.Source == default ? network.Mac : frame.Source;
        if (!filter.PermitsOutgoing(nowMs, network, to, new EthernetFrame(source, group.Mac, frame.EtherType, frame.Data), isCopy: true))
            return;
        network.PushCredentialsIfNeeded(nowMs, to);
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new MulticastFrameMessage
        {
            NetworkId = network.Id,
            Flags = flags | (gatherLimit > 0 ? MulticastFrameFlags.Gather : 0) | (frame.Source == default ? 0 : MulticastFrameFlags.HasSource),
            GatherLimit = gatherLimit,
            Source = frame.Source,
            Group = group,
            EtherType = frame.EtherType,
            Data = frame.Data,
        }.Write(ref writer);
        var isCompressible = (network.Config!.Flags & NetworkFlags.NoCompression) == 0;
        if (writer.Failed)
            context.Counters.Drop(DropReason.FrameSize);
        else
            peers.Send(nowMs, to, buffer.Complete(Verb.MulticastFrame, writer, isCompressible, reason: WhoisReason.Multicast));
    }

    // Asks those who may know more listeners: a root, the controller, and the network's anchors.
    private void GatherMore(long nowMs, VirtualNetwork network, NetworkConfig config, MulticastGroup group, Group known, int limit)
    {
        if (!known.GatherGate.TryPass(nowMs, known.Members.Count == 0 ? EmptyGatherIntervalMs : GatherIntervalMs))
            return;
        var ask = new HashSet<NodeAddress> { network.Controller };
        if (peers.BestRoot(nowMs) is { } root)
            ask.Add(root.Address);
        foreach (var anchor in config.WithRole(SpecialistRoles.Anchor | SpecialistRoles.MulticastReplicator))
        {
            if (ask.Count < MaxGatherPeers)
                ask.Add(anchor);
        }

        ask.Remove(context.Address);
        var certificate = new ByteWriter(new byte[CertificateRoom]);
        config.Membership?.Write(ref certificate);
        foreach (var address in ask)
        {
            using var buffer = context.Buffers.Rent();
            var writer = buffer.CreateWriter();
            new MulticastGatherMessage { NetworkId = network.Id, Group = group, Limit = (uint)limit, Certificate = certificate.Written }.Write(ref writer);
            peers.Send(nowMs, address, buffer.Complete(Verb.MulticastGather, writer, subject: network.Id.Value));
        }
    }

    private sealed class Group
    {
        public GroupMembers Members { get; } = new();

        public List<PendingFrame> Pending { get; } = [];

        public RateGate GatherGate;
    }

    private sealed record PendingFrame(MulticastFrame Frame, int Limit, long SentMs, HashSet<NodeAddress> SentTo);

    private sealed record MulticastFrame(MacAddress Source, ushort EtherType, byte[] Data);
}
