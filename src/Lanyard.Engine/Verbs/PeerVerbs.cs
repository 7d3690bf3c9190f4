using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>Handles the verbs about peers and their endpoints: WHOIS, RENDEZVOUS, ECHO, PUSH_DIRECT_PATHS, USER_MESSAGE.</summary>
internal sealed class PeerVerbs(
    NodeContext context, PeerTable peers, PeerStore store, RootTable roots, Whois whois, PathPolicy policy, PacketSender sender, Contacts contacts)
{
    private const int MaxWhoisAddresses = 16;
    private const int MaxWhoisReplyBytes = OkMessage.HeaderBytes + (MaxWhoisAddresses * Identity.BinarySize);
    private const int MaxPathsPerScope = 8;
    private const int JunkTimeToLive = 2;
    private const long RendezvousDelayMs = 100;

    public VerbOutcome ReceiveWhois(in IncomingPacket incoming)
    {
        if (!WhoisMessage.TryParse(incoming.Payload, out var question))
            return VerbOutcome.Malformed;
        var isRoot = roots.IsSelf;
        if (isRoot ? !incoming.Peer.WhoisAtRootReceived.TryTake(incoming.NowMs) : !incoming.Peer.WhoisReceived.TryTake(incoming.NowMs))
        {
            context.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        using var buffer = context.Buffers.Rent();
        var room = Math.Min(sender.MaxReplyBytes(incoming), MaxWhoisReplyBytes);
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.Whois, InRePacketId = incoming.PacketId }.Write(ref writer);
        var found = 0;
        for (var i = 0; i < Math.Min(question.Addresses.Count, MaxWhoisAddresses); i++)
        {
            var address = question.Addresses[i];
            if (FindIdentity(address) is { } identity)
            {
                if (writer.Position + Identity.BinarySize > room)
                    break;
                identity.Write(writer.Reserve(Identity.BinarySize));
                found++;
            }
            else if (isRoot && !incoming.Peer.IsRoot)
            {
                // Another root may know; the asker will ask again.
                whois.RequestForStranger(incoming.NowMs, address, incoming.Endpoint.Address);
            }
        }

        if (found > 0)
            sender.Reply(incoming, buffer.Complete(Verb.Ok, writer));
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveRendezvous(in IncomingPacket incoming)
    {
        if (!RendezvousMessage.TryParse(incoming.Payload, out var rendezvous))
            return VerbOutcome.Malformed;
        if (!incoming.Peer.IsRoot)
        {
            context.Counters.Drop(DropReason.NotFromRoot);
        }
        else if (store.Find(incoming.NowMs, rendezvous.Peer) is { } peer && peer.RendezvousTry.TryTake(incoming.NowMs)
            && policy.Permits(peer, incoming.LocalSocket, rendezvous.Endpoint))
        {
            // The first datagram is not meant to arrive: it opens the NAT or firewall on this side before the other's packets reach it. What is
            // meant to arrive follows when the other side has had time to do the same, for some NATs hold what comes too early against it.
            Span<byte> junk = stackalloc byte[4];
            context.Random.Fill(junk);
            context.Host.SendDatagram(incoming.LocalSocket, rendezvous.Endpoint, junk, JunkTimeToLive);
            contacts.Try(incoming.NowMs, peer, incoming.LocalSocket, rendezvous.Endpoint, chargedTo: incoming.Peer, RendezvousDelayMs);
        }

        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveEcho(in IncomingPacket incoming)
    {
        if (!incoming.Peer.EchoReceived.TryTake(incoming.NowMs))
        {
            context.Counters.Drop(DropReason.RateLimited);
            return VerbOutcome.Accepted;
        }

        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new OkMessage { InReVerb = Verb.Echo, InRePacketId = incoming.PacketId, Payload = incoming.Payload }.Write(ref writer);
        if (!writer.Failed)
            sender.Reply(incoming, buffer.Complete(Verb.Ok, writer));
        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveDirectPaths(in IncomingPacket incoming)
    {
        if (!PushDirectPathsMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        if (!incoming.Peer.DirectPathsReceived.TryTake(incoming.NowMs))
        {
            context.Counters.Drop(DropReason.RateLimited);
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
            contacts.Try(incoming.NowMs, incoming.Peer, -1, path.Endpoint, chargedTo: incoming.Peer);
        }

        return VerbOutcome.Accepted;
    }

    public VerbOutcome ReceiveUserMessage(in IncomingPacket incoming)
    {
        if (!UserMessage.TryParse(incoming.Payload, out var message))
            return VerbOutcome.Malformed;
        context.Host.UserMessageReceived(incoming.Peer.Address, message.Type, message.Data);
        return VerbOutcome.Accepted;
    }

    private Identity? FindIdentity(NodeAddress address)
    {
        if (address == context.Address)
            return context.Identity;
        if (peers.Find(address) is { } peer)
            return peer.Identity;
        return store.TryLoad(address, out var saved) ? saved.Identity : null;
    }
}
