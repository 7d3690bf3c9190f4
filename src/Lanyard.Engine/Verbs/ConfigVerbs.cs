using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>Configurations of networks: requests to this node's controller, and the configurations that other controllers send.</summary>
internal sealed class ConfigVerbs(NodeContext context, JoinedNetworks networks, IPeerLayer peers, ConfigPushes pushes)
{
    private const long RequestIntervalMs = 250;
    private const int RequestSlots = 4_096;
    private const int SlotShift = 52;
    private const ulong SlotFactor = 0x9e37_79b9_7f4a_7c15;

    // The last request for each pair of node and network. Two pairs in one slot evict each other, and may then request sooner.
    private readonly Lazy<(NodeAddress Node, NetworkId Network, long AtMs)[]> _asked = new(static () => new (NodeAddress, NetworkId, long)[RequestSlots]);

    public VerbOutcome ReceiveRequest(in IncomingPacket incoming)
    {
        if (!NetworkConfigRequestMessage.TryParse(incoming.Payload, out var request))
            return VerbOutcome.Malformed;
        if (!incoming.Peer.ConfigRequests.TryTake(incoming.NowMs) || !MayAsk(incoming.NowMs, incoming.Peer.Address, request.NetworkId))
        {
            context.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        if (networks.Controller is not { } controller || request.NetworkId.Controller != context.Address)
        {
            ReplyError(incoming, ErrorCode.UnsupportedOperation, request.NetworkId);
            return VerbOutcome.Accepted;
        }

        var endpoint = incoming.IsDirect ? incoming.Endpoint : default;
        if (!controller.TryPost(new ConfigRequest(incoming.NowMs, incoming.Peer.Identity, endpoint, request.NetworkId, Limit(request.Metadata), incoming.PacketId)))
            context.Counters.Drop(DropReason.RateLimited);
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveConfig(in IncomingPacket incoming)
    {
        if (ReceiveChunk(incoming, incoming.Payload, ConfigOrigin.Pushed, out var completed) == VerbOutcome.Malformed)
            return VerbOutcome.Malformed;
        if (completed is { } update)
        {
            using var buffer = context.Buffers.Rent();
            var writer = buffer.CreateWriter();

            // Existing nodes acknowledge a pushed configuration with OK(ECHO).
            new OkMessage { InReVerb = Verb.Echo, InRePacketId = incoming.PacketId }.Write(ref writer);
            new OkNetworkConfigMessage { NetworkId = update.Network, UpdateId = update.Id }.Write(ref writer);
            peers.Reply(incoming, buffer.Complete(Verb.Ok, writer));
        }

        return VerbOutcome.Accepted;
    }

    /// <summary>Receives a part of the configuration that this node requested.</summary>
    /// <param name="incoming">The packet.</param>
    /// <param name="request">The request.</param>
    /// <param name="ok">The reply.</param>
    /// <param name="isComplete">Whether it completes the configuration.</param>
    public VerbOutcome ReceiveOkConfig(in IncomingPacket incoming, in OutstandingRequest request, in OkMessage ok, out bool isComplete)
    {
        // A reply about another network than the request's was not requested.
        var origin = NetworkConfigMessage.TryParse(ok.Payload, out var chunk) && chunk.NetworkId.Value == request.Subject ? ConfigOrigin.Answer : ConfigOrigin.Pushed;
        var outcome = ReceiveChunk(incoming, ok.Payload, origin, out var completed);
        isComplete = completed is { } update && update.Network.Value == request.Subject;
        return outcome;
    }

    /// <summary>Receives a member's acknowledgment of a configuration that this node's controller pushed.</summary>
    public VerbOutcome ReceiveOkPush(in IncomingPacket incoming, in OutstandingRequest request)
    {
        pushes.Cancel(new NetworkId(request.Subject), incoming.Peer.Address);
        return VerbOutcome.Accepted;
    }

    /// <summary>Receives a controller's refusal.</summary>
    public VerbOutcome ReceiveRefusal(in IncomingPacket incoming, ReadOnlySpan<byte> payload, NetworkStatus status)
    {
        if (!NetworkErrorMessage.TryParse(payload, out var message))
            return VerbOutcome.Malformed;
        if (networks.Find(message.NetworkId) is { } network && network.Controller == incoming.Peer.Address)
            network.Refuse(status);
        else
            context.Counters.Drop(DropReason.UnknownNetwork);
        return VerbOutcome.Accepted;
    }

    /// <summary>Receives a member's request for this node's credentials.</summary>
    public VerbOutcome ReceiveCredentialsRequest(in IncomingPacket incoming, ReadOnlySpan<byte> payload)
    {
        if (!NetworkErrorMessage.TryParse(payload, out var message))
            return VerbOutcome.Malformed;
        networks.Find(message.NetworkId)?.CredentialsWanted(incoming.NowMs, incoming.Peer.Address);
        return VerbOutcome.Accepted;
    }

    private static byte[] Limit(ReadOnlySpan<byte> metadata) => metadata[..Math.Min(metadata.Length, NetworkLimits.RequestMetadataLength)].ToArray();

    // Receives a part of a configuration. If it completes an update, completed names it.
    private VerbOutcome ReceiveChunk(in IncomingPacket incoming, ReadOnlySpan<byte> payload, ConfigOrigin origin, out (NetworkId Network, ulong Id)? completed)
    {
        completed = null;
        if (!NetworkConfigMessage.TryParse(payload, out var chunk))
            return VerbOutcome.Malformed;
        if (networks.Find(chunk.NetworkId) is not { } network)
        {
            context.Counters.Drop(DropReason.UnknownNetwork);
            return VerbOutcome.Accepted;
        }

        if (peers.FindIdentity(incoming.NowMs, network.Controller) is not { } controller)
            return VerbOutcome.Accepted;
        switch (network.Chunks.Add(chunk, incoming.Peer.Address, controller, out var text))
        {
            case NetworkConfigChunkResult.Accepted:
                PropagateChunk(incoming, network, chunk, payload);
                break;
            case NetworkConfigChunkResult.Complete:
                PropagateChunk(incoming, network, chunk, payload);
                if (NetworkConfig.TryParse(text, out var config) && network.Configure(incoming.NowMs, config, origin))
                {
                    completed = (network.Id, chunk.UpdateId);
                    foreach (var member in network.Members.Keys)
                        peers.RetryWaiting(incoming.NowMs, member);
                }
                else
                {
                    context.Counters.Drop(DropReason.BadCredential);
                }

                break;
            case NetworkConfigChunkResult.Duplicate:
                break;
            default:
                context.Counters.Drop(DropReason.BadCredential);
                break;
        }

        return VerbOutcome.Accepted;
    }

    private bool MayAsk(long nowMs, NodeAddress peer, NetworkId network)
    {
        ref var slot = ref _asked.Value[(int)((peer.Value ^ (network.Value * SlotFactor)) * SlotFactor >> SlotShift)];
        if (slot.Node == peer && slot.Network == network && nowMs - slot.AtMs < RequestIntervalMs)
            return false;
        slot = (peer, network, nowMs);
        return true;
    }

    private void ReplyError(in IncomingPacket incoming, ErrorCode code, NetworkId network)
    {
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ErrorMessage { InReVerb = incoming.Verb, InRePacketId = incoming.PacketId, Code = code }.Write(ref writer);
        new NetworkErrorMessage { NetworkId = network }.Write(ref writer);
        peers.Reply(incoming, buffer.Complete(Verb.Error, writer));
    }

    private void PropagateChunk(in IncomingPacket incoming, VirtualNetwork network, in NetworkConfigMessage chunk, ReadOnlySpan<byte> payload)
    {
        if (!chunk.FastPropagate)
            return;
        foreach (var member in network.Members.Keys.ToArray())
        {
            if (member == incoming.Peer.Address || member == network.Controller)
                continue;
            using var buffer = context.Buffers.Rent();
            var writer = buffer.CreateWriter();
            writer.WriteBytes(payload);
            peers.Send(incoming.NowMs, member, buffer.Complete(Verb.NetworkConfig, writer));
        }
    }
}
