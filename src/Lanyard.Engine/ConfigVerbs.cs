using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>
/// Configurations and credentials, from both ends: asking a controller and taking its answer; being one; showing credentials to members and
/// taking theirs.
/// </summary>
internal sealed class ConfigVerbs(Node node)
{
    private const int CredentialRoom = 256;
    private const long RequestIntervalMs = 250;
    private const int RequestSlots = 4_096;
    private const int SlotShift = 52;
    private const ulong SlotFactor = 0x9e37_79b9_7f4a_7c15;

    // The last request for each pair of node and network. Two pairs in one slot evict each other, and may then request sooner.
    private readonly Lazy<(NodeAddress Node, NetworkId Network, long AtMs)[]> _asked = new(static () => new (NodeAddress, NetworkId, long)[RequestSlots]);

    /// <summary>Asks the network's controller for this node's configuration.</summary>
    public void Request(long nowMs, VirtualNetwork network)
    {
        var version = node.Version;
        var metadata = new NetworkRequestMetadata
        {
            ProtocolVersion = version.Protocol,
            MajorVersion = version.Major,
            MinorVersion = version.Minor,
            Revision = version.Revision,
            Platform = node.Options.Platform,
        };
        if (!metadata.TryWrite(out var text))
            throw new InvalidOperationException("NodeOptions.Platform is too long.");
        if (network.Controller == node.Address)
        {
            RequestFromSelf(nowMs, network, text);
            return;
        }

        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new NetworkConfigRequestMessage
        {
            NetworkId = network.Id,
            Metadata = text,
            Revision = network.Config?.Revision ?? 0,
            Timestamp = network.Config?.Timestamp ?? 0,
        }.Write(ref writer);
        node.Outbound.Send(nowMs, network.Controller, buffer.Complete(Verb.NetworkConfigRequest, writer, isCompressible: true, network.Id.Value));
    }

    public VerbOutcome ReceiveRequest(in IncomingPacket incoming)
    {
        if (!NetworkConfigRequestMessage.TryParse(incoming.Payload, out var request))
            return VerbOutcome.Malformed;
        if (!incoming.Peer.ConfigRequests.TryTake(incoming.NowMs) || !MayAsk(incoming.NowMs, incoming.Peer.Address, request.NetworkId))
        {
            node.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        if (node.Controller is not { } controller || request.NetworkId.Controller != node.Address)
        {
            ReplyError(incoming, ErrorCode.UnsupportedOperation, request.NetworkId);
            return VerbOutcome.Accepted;
        }

        var endpoint = incoming.IsDirect ? incoming.Endpoint : default;
        if (!controller.TryPost(new ConfigRequest(incoming.NowMs, incoming.Peer.Identity, endpoint, request.NetworkId, Limit(request.Metadata), incoming.PacketId)))
            node.Counters.Drop(DropReason.RateLimited);
        return VerbOutcome.Accepted;
    }

    /// <summary>Sends a revocation to a member, or applies it if the member is this node.</summary>
    public void SendRevocation(long nowMs, NodeAddress member, Revocation revocation)
    {
        if (member == node.Address)
            AddRevocation(nowMs, node.Address, revocation);
        else
            SendCredentials(nowMs, member, new NetworkCredentialsMessage { Revocations = [revocation] });
    }

    public VerbOutcome ReceiveConfig(in IncomingPacket incoming)
    {
        if (ReceiveChunk(incoming, incoming.Payload, ConfigOrigin.Pushed, out var completed) == VerbOutcome.Malformed)
            return VerbOutcome.Malformed;
        if (completed is { } update)
        {
            using var buffer = node.Buffers.Rent();
            var writer = buffer.CreateWriter();

            // The field's nodes acknowledge a pushed configuration as if it had been an ECHO.
            new OkMessage { InReVerb = Verb.Echo, InRePacketId = incoming.PacketId }.Write(ref writer);
            new OkNetworkConfigMessage { NetworkId = update.Network, UpdateId = update.Id }.Write(ref writer);
            node.Outbound.Reply(incoming, buffer.Complete(Verb.Ok, writer));
        }

        return VerbOutcome.Accepted;
    }

    /// <summary>Takes a part of a configuration; says which update it completed, if it did.</summary>
    public VerbOutcome ReceiveChunk(in IncomingPacket incoming, ReadOnlySpan<byte> payload, ConfigOrigin origin, out (NetworkId Network, ulong Id)? completed)
    {
        completed = null;
        if (!NetworkConfigMessage.TryParse(payload, out var chunk))
            return VerbOutcome.Malformed;
        if (node.FindNetwork(chunk.NetworkId) is not { } network)
        {
            node.Counters.Drop(DropReason.UnknownNetwork);
            return VerbOutcome.Accepted;
        }

        if (node.Topology.FindIdentity(incoming.NowMs, network.Controller) is not { } controller)
        {
            node.Whois.Request(incoming.NowMs, network.Controller);
            return VerbOutcome.Accepted;
        }

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
                        node.Waiting.Retry(incoming.NowMs, member, authenticated: true);
                }
                else
                {
                    node.Counters.Drop(DropReason.BadCredential);
                }

                break;
            case NetworkConfigChunkResult.Duplicate:
                break;
            default:
                node.Counters.Drop(DropReason.BadCredential);
                break;
        }

        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveCredentials(in IncomingPacket incoming)
    {
        if (!incoming.Peer.CredentialsReceived.TryTake(incoming.NowMs))
        {
            node.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        if (!NetworkCredentialsMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        VirtualNetwork? shared = null;
        foreach (var certificate in message.Memberships)
        {
            if (Add(incoming.NowMs, certificate, certificate.IssuedTo, static (m, c, controller) => m.Add(c, controller)) is { } network)
                shared = network;
        }

        foreach (var capability in message.Capabilities)
            Add(incoming.NowMs, capability, incoming.Peer.Address, static (m, c, controller) => m.Add(c, controller));
        foreach (var tag in message.Tags)
            Add(incoming.NowMs, tag, incoming.Peer.Address, static (m, c, controller) => m.Add(c, controller));
        foreach (var revocation in message.Revocations)
            AddRevocation(incoming.NowMs, incoming.Peer.Address, revocation);
        foreach (var ownership in message.Ownerships)
        {
            Add(incoming.NowMs, ownership, incoming.Peer.Address, static (m, c, controller) => m.Add(c, controller))
                ?.NoteOwnership(incoming.Peer.Address, ownership);
        }

        if (shared is not null)
            node.Waiting.Retry(incoming.NowMs, incoming.Peer.Address, authenticated: true);
        return shared?.Admits(incoming.NowMs, incoming.Peer) == true ? VerbOutcome.AcceptedFromMember : VerbOutcome.Accepted;
    }

    /// <summary>Takes a certificate that came attached to something else.</summary>
    public void AddCertificate(long nowMs, Peer from, ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        if (CertificateOfMembership.TryRead(ref reader, out var certificate) && certificate.IssuedTo == from.Address)
            Add(nowMs, certificate, from.Address, static (m, c, controller) => m.Add(c, controller));
        else
            node.Counters.Drop(DropReason.BadCredential);
    }

    /// <summary>Shows this node's credentials for a network to a member, in as many packets as they need.</summary>
    public void PushCredentials(long nowMs, NodeAddress to, NetworkConfig config)
    {
        var message = new NetworkCredentialsMessage
        {
            Memberships = config.Membership is { } membership ? [membership] : [],
            Tags = config.Tags,
            Ownerships = config.CertificatesOfOwnership,
        };

        // Capabilities carry rules and can be long: each packet takes as many as fit.
        var capabilities = new List<Capability>();
        var room = PacketFormat.MaxPayloadBytes - LengthOf(message) - CredentialRoom;
        foreach (var capability in config.Capabilities)
        {
            var length = LengthOf(new NetworkCredentialsMessage { Capabilities = [capability] });
            if (length > room)
            {
                SendCredentials(nowMs, to, message with { Capabilities = capabilities.ToEquatableArray() });
                message = new NetworkCredentialsMessage();
                capabilities.Clear();
                room = PacketFormat.MaxPayloadBytes - CredentialRoom;
            }

            capabilities.Add(capability);
            room -= length;
        }

        SendCredentials(nowMs, to, message with { Capabilities = capabilities.ToEquatableArray() });
    }

    private bool MayAsk(long nowMs, NodeAddress peer, NetworkId network)
    {
        ref var slot = ref _asked.Value[(int)((peer.Value ^ (network.Value * SlotFactor)) * SlotFactor >> SlotShift)];
        if (slot.Node == peer && slot.Network == network && nowMs - slot.AtMs < RequestIntervalMs)
            return false;
        slot = (peer, network, nowMs);
        return true;
    }

    private void RequestFromSelf(long nowMs, VirtualNetwork network, byte[] metadata)
    {
        if (node.Controller is not { } controller)
            network.Refuse(NetworkStatus.NotFound);
        else
            controller.TryPost(new ConfigRequest(nowMs, node.Identity, default, network.Id, metadata, PacketId: 0));
    }

    private static byte[] Limit(ReadOnlySpan<byte> metadata) => metadata[..Math.Min(metadata.Length, NetworkLimits.RequestMetadataLength)].ToArray();

    private void ReplyError(in IncomingPacket incoming, ErrorCode code, NetworkId network)
    {
        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ErrorMessage { InReVerb = incoming.Verb, InRePacketId = incoming.PacketId, Code = code }.Write(ref writer);
        new NetworkErrorMessage { NetworkId = network }.Write(ref writer);
        node.Outbound.Reply(incoming, buffer.Complete(Verb.Error, writer));
    }

    // Takes a credential of a member into the books of its network, if its controller signed it.
    private VirtualNetwork? Add<T>(long nowMs, T credential, NodeAddress member, Func<Membership, T, Identity, bool> add)
        where T : ICredential
    {
        if (node.FindNetwork(credential.NetworkId) is not { } network)
        {
            node.Counters.Drop(DropReason.UnknownNetwork);
            return null;
        }

        if (node.Topology.FindIdentity(nowMs, network.Controller) is not { } controller)
        {
            node.Whois.Request(nowMs, network.Controller);
            return null;
        }

        // A member is only remembered once something of it was good.
        var known = network.FindMember(member);
        var membership = known ?? new Membership(network, member);
        if (credential.IssuedTo != member || !add(membership, credential, controller))
        {
            node.Counters.Drop(DropReason.BadCredential);
            return null;
        }

        if (known is null)
            network.AddMember(member, membership);
        return network;
    }

    private void AddRevocation(long nowMs, NodeAddress from, Revocation revocation)
    {
        if (node.FindNetwork(revocation.NetworkId) is not { } network)
        {
            node.Counters.Drop(DropReason.UnknownNetwork);
        }
        else if (node.Topology.FindIdentity(nowMs, network.Controller) is not { } controller)
        {
            node.Whois.Request(nowMs, network.Controller);
        }
        else if (!revocation.Verify(controller))
        {
            node.Counters.Drop(DropReason.BadCredential);
        }
        else if (network.Revocations.Add(revocation, network.Config))
        {
            network.FindMember(revocation.Target)?.NoteRevocation(revocation);
            if ((revocation.Flags & RevocationFlags.FastPropagate) == 0)
                return;
            foreach (var member in network.Members.Keys.ToArray())
            {
                if (member != from && member != revocation.SignedBy && member != revocation.Target)
                    SendCredentials(nowMs, member, new NetworkCredentialsMessage { Revocations = [revocation] });
            }
        }
    }

    private void PropagateChunk(in IncomingPacket incoming, VirtualNetwork network, in NetworkConfigMessage chunk, ReadOnlySpan<byte> payload)
    {
        if (!chunk.FastPropagate)
            return;
        foreach (var member in network.Members.Keys.ToArray())
        {
            if (member == incoming.Peer.Address || member == network.Controller)
                continue;
            using var buffer = node.Buffers.Rent();
            var writer = buffer.CreateWriter();
            writer.WriteBytes(payload);
            node.Outbound.Send(incoming.NowMs, member, buffer.Complete(Verb.NetworkConfig, writer));
        }
    }

    private int LengthOf(NetworkCredentialsMessage message)
    {
        using var buffer = node.Buffers.Rent();
        var writer = new ByteWriter(buffer.Bytes);
        message.Write(ref writer);
        return writer.Failed ? PacketFormat.MaxPayloadBytes : writer.Position;
    }

    private void SendCredentials(long nowMs, NodeAddress to, NetworkCredentialsMessage message)
    {
        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        message.Write(ref writer);
        if (writer.Failed)
            node.Counters.Drop(DropReason.BadCredential);
        else
            node.Outbound.Send(nowMs, to, buffer.Complete(Verb.NetworkCredentials, writer, isCompressible: true));
    }
}
