using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>What peers ask and tell each other about themselves and other nodes: WHOIS, RENDEZVOUS, ECHO, PUSH_DIRECT_PATHS, USER_MESSAGE.</summary>
internal sealed class PeerVerbs(Node node)
{
    private const int MaxWhoisAddresses = 16;
    private const int MaxWhoisReplyBytes = OkMessage.HeaderBytes + (MaxWhoisAddresses * Identity.BinarySize);
    private const int MaxPathsPerScope = 8;
    private const int JunkTimeToLive = 2;
    private const long RendezvousDelayMs = 100;

    public VerbOutcome ReceiveWhois(in IncomingPacket incoming)
    {
        if (!WhoisMessage.TryParse(incoming.Payload, out var whois))
            return VerbOutcome.Malformed;
        var isRoot = node.Topology.IsRootSelf;
        if (isRoot ? !incoming.Peer.WhoisAtRootReceived.TryTake(incoming.NowMs) : !incoming.Peer.WhoisReceived.TryTake(incoming.NowMs))
        {
            node.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        using var buffer = node.Buffers.Rent();
        var room = Math.Min(node.Outbound.MaxReplyBytes(incoming), MaxWhoisReplyBytes);
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.Whois, InRePacketId = incoming.PacketId }.Write(ref writer);
        var found = 0;
        for (var i = 0; i < Math.Min(whois.Addresses.Count, MaxWhoisAddresses); i++)
        {
            var address = whois.Addresses[i];
            if (FindIdentity(address) is { } identity)
            {
                if (writer.Position + Identity.BinarySize > room)
                    break;
                identity.Write(writer.Reserve(Identity.BinarySize));
                found++;
            }
            else if (isRoot && !node.Topology.IsRoot(incoming.Peer.Address))
            {
                // Another root may know; the asker will ask again.
                node.Whois.RequestForStranger(incoming.NowMs, address, incoming.Endpoint.Address);
            }
        }

        if (found > 0)
            node.Outbound.Reply(incoming, buffer.Complete(Verb.Ok, writer));
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveRendezvous(in IncomingPacket incoming)
    {
        if (!RendezvousMessage.TryParse(incoming.Payload, out var rendezvous))
            return VerbOutcome.Malformed;
        if (!node.Topology.IsRoot(incoming.Peer.Address))
        {
            node.Counters.Drop(DropReason.NotFromRoot);
        }
        else if (node.Topology.Find(incoming.NowMs, rendezvous.Peer) is { } peer && peer.RendezvousTry.TryTake(incoming.NowMs)
            && node.Topology.MayUsePath(peer.Address, incoming.LocalSocket, rendezvous.Endpoint))
        {
            // The first datagram is not meant to arrive: it opens the NAT or firewall on this side before the other's packets reach it. What is
            // meant to arrive follows when the other side has had time to do the same, for some NATs hold what comes too early against it.
            Span<byte> junk = stackalloc byte[4];
            node.Random.Fill(junk);
            node.Host.SendDatagram(incoming.LocalSocket, rendezvous.Endpoint, junk, JunkTimeToLive);
            node.Contacts.Try(incoming.NowMs, peer, incoming.LocalSocket, rendezvous.Endpoint, chargedTo: incoming.Peer, RendezvousDelayMs);
        }

        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveEcho(in IncomingPacket incoming)
    {
        if (!incoming.Peer.EchoReceived.TryTake(incoming.NowMs))
        {
            node.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        using var buffer = node.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.Echo, InRePacketId = incoming.PacketId, Payload = incoming.Payload }.Write(ref writer);
        if (!writer.Failed)
            node.Outbound.Reply(incoming, buffer.Complete(Verb.Ok, writer));
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveDirectPaths(in IncomingPacket incoming)
    {
        if (!PushDirectPathsMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!incoming.Peer.DirectPathsReceived.TryTake(incoming.NowMs))
        {
            node.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        Span<byte> counts = stackalloc byte[IpScopes.Count * 2];
        counts.Clear();
        foreach (var path in message)
        {
            if (path.Endpoint.IsNone || (path.Flags & DirectPathFlags.Forget) != 0)
                continue;
            var isRedirect = (path.Flags & DirectPathFlags.ClusterRedirect) != 0;
            ref var count = ref counts[((int)IpScopes.Of(path.Endpoint.Address) * 2) + (path.Endpoint.Address.IsV6 ? 1 : 0)];
            if (count >= MaxPathsPerScope)
                continue;
            count++;
            if (isRedirect)
                incoming.Peer.Redirect(incoming.LocalSocket, incoming.Endpoint, path.Endpoint);
            node.Contacts.Try(incoming.NowMs, incoming.Peer, -1, path.Endpoint, chargedTo: incoming.Peer);
        }

        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveUserMessage(in IncomingPacket incoming)
    {
        if (!UserMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        node.Host.UserMessageReceived(incoming.Peer.Address, message.Type, message.Data);
        return VerbOutcome.Accepted;
    }

    private Identity? FindIdentity(NodeAddress address)
    {
        if (address == node.Address)
            return node.Identity;
        if (node.Topology.FindKnown(address) is { } peer)
            return peer.Identity;
        return node.Topology.TryLoad(address, out var saved) ? saved.Identity : null;
    }

    /// <summary>Tells a peer all addresses under which this node may be reached.</summary>
    public void PushDirectPaths(long nowMs, Peer peer)
    {
        const int perPacket = 48;
        var endpoints = node.Endpoints.Reachable();
        for (var start = 0; start < endpoints.Count; start += perPacket)
        {
            using var buffer = node.Buffers.Rent();
            var writer = buffer.CreateWriter();
            PushDirectPathsMessage.Write(ref writer, endpoints.Skip(start).Take(perPacket).Select(e => new DirectPath(e)).ToArray());
            node.Outbound.Send(nowMs, peer, buffer.Complete(Verb.PushDirectPaths, writer));
        }
    }
}
