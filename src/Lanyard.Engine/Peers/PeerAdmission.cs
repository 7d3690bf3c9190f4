using Lanyard.Engine.Packets;
using Lanyard.Engine.Verbs;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>Receives the packets of senders that are not known yet, has their identities checked, and adds them to the peers.</summary>
internal sealed class PeerAdmission(
    NodeContext context, PeerTable peers, PeerStore store, IdentityChecks checks, Challenges challenges, Whois whois, WaitingPackets waiting, HelloVerb hello)
{
    /// <summary>Raised when the identity of a peer became known, or was confirmed by a HELLO, with the time in milliseconds since 1970.</summary>
    public event Action<long, Peer>? PeerKnown;

    /// <summary>Receives a HELLO that is not encrypted.</summary>
    public void ReceiveHello(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (!HelloMessage.TryParse(packet.Payload, out var message) || !Identity.TryRead(message.Identity, out var identity, out _)
            || identity.Address != packet.Source)
        {
            context.Counters.Drop(DropReason.Malformed);
            return;
        }

        if (message.Version.Protocol < NodeVersion.MinProtocol)
        {
            context.Counters.Drop(DropReason.ProtocolTooOld);
            return;
        }

        if (peers.Find(packet.Source) is { } peer && peer.Identity.Equals(identity))
        {
            if (!peer.Key.TryDearmor(bytes))
                context.Counters.Drop(DropReason.BadMac);
            else if (hello.TryAnswer(nowMs, peer, localSocket, endpoint, bytes))
                PeerKnown?.Invoke(nowMs, peer);
            return;
        }

        // The same HELLO often arrives twice, over two paths: the second waits for the check of the first.
        if (checks.IsPending(identity))
        {
            waiting.Add(nowMs, packet.Source, localSocket, endpoint, bytes, openedWith: null);
            return;
        }

        PeerState? saved = null;
        if (store.TryLoad(packet.Source, out var found) && found.Identity.Equals(identity))
            saved = found;
        if (!checks.TryAddHello(nowMs, identity, saved, packet.Hops > 0, localSocket, endpoint, bytes))
            context.Counters.Drop(DropReason.RateLimited);
    }

    /// <summary>Receives any other packet of a sender that is not known. It waits until the sender is: from its saved state, from a root, or by a HELLO that follows.</summary>
    public void ReceiveUnknown(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (checks.TryReceiveAnswer(nowMs, localSocket, endpoint, bytes, packet))
            return;
        if (store.TryLoad(packet.Source, out var saved))
            checks.AddSaved(nowMs, saved);
        else if (!checks.IsChallenged(packet.Source, endpoint))
            whois.RequestForStranger(nowMs, packet.Source, endpoint.Address);
        waiting.Add(nowMs, packet.Source, localSocket, endpoint, bytes, openedWith: null);
    }

    /// <summary>Receives an identity from a root. It is checked like any other, and does not replace a known one.</summary>
    public void ReceiveTold(long nowMs, Identity identity)
    {
        if (peers.Find(identity.Address) is { } peer)
            PeerKnown?.Invoke(nowMs, peer);
        else
            checks.AddTold(identity, whois.IsWanted(identity.Address));
    }

    /// <summary>Adds the peer of a valid identity, or challenges it first.</summary>
    public void Accept(long nowMs, IdentityCheck check)
    {
        if (check.IsChallenge)
        {
            Challenge(nowMs, check);
            return;
        }

        var peer = peers.Find(check.Identity.Address);
        if (peer is not null && !peer.Identity.Equals(check.Identity))
        {
            // The first holder of an address keeps it.
            context.Counters.Drop(DropReason.IdentityCollision);
            if (!check.Packet.IsEmpty)
                hello.RefuseCollision(nowMs, peers.Create(check.Identity, check.Key!), check.LocalSocket, check.Endpoint, check.Packet);
            return;
        }

        if (peer is null)
        {
            peer = check.Candidate ?? peers.Create(check.Identity, check.Key!);
            store.Add(nowMs, peer, check.Saved);
        }

        if (!check.Packet.IsEmpty)
            hello.TryAnswer(nowMs, peer, check.LocalSocket, check.Endpoint, check.Packet);
        PeerKnown?.Invoke(nowMs, peer);

        // The answer to the challenge was kept: it confirms the path.
        if (check.Candidate is not null)
            waiting.Retry(nowMs, peer.Address, authenticated: true);
    }

    private void Challenge(long nowMs, IdentityCheck check)
    {
        var candidate = peers.Create(check.Identity, check.Key!);
        challenges.Add(nowMs, candidate, check);
        hello.TryAnswer(nowMs, candidate, check.LocalSocket, check.Endpoint, check.Packet);
    }
}
