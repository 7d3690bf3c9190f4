using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Verbs;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Members;

/// <summary>Receives the credentials that members show and the revocations of controllers, and keeps those that a controller signed.</summary>
internal sealed class CredentialReader(NodeContext context, JoinedNetworks networks, IPeerLayer peers, CredentialSender sender)
{
    /// <summary>NETWORK_CREDENTIALS.</summary>
    public VerbOutcome Receive(in IncomingPacket incoming)
    {
        if (!incoming.Peer.CredentialsReceived.TryTake(incoming.NowMs))
        {
            context.Counters.Drop(DropReason.RateLimited);
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
            Add(incoming.NowMs, incoming.Peer.Address, revocation);
        foreach (var ownership in message.Ownerships)
        {
            Add(incoming.NowMs, ownership, incoming.Peer.Address, static (m, c, controller) => m.Add(c, controller))
                ?.NoteOwnership(incoming.Peer.Address, ownership);
        }

        if (shared is not null)
            peers.RetryWaiting(incoming.NowMs, incoming.Peer.Address);
        return shared?.Admits(incoming.NowMs, incoming.Peer) == true ? VerbOutcome.AcceptedFromMember : VerbOutcome.Accepted;
    }

    /// <summary>Reads a certificate of membership that is attached to another message.</summary>
    public void AddCertificate(long nowMs, Peer from, ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        if (CertificateOfMembership.TryRead(ref reader, out var certificate) && certificate.IssuedTo == from.Address)
            Add(nowMs, certificate, from.Address, static (m, c, controller) => m.Add(c, controller));
        else
            context.Counters.Drop(DropReason.BadCredential);
    }

    /// <summary>Applies a revocation if the network's controller signed it, and forwards it if it says so.</summary>
    public void Add(long nowMs, NodeAddress from, Revocation revocation)
    {
        if (networks.Find(revocation.NetworkId) is not { } network)
        {
            context.Counters.Drop(DropReason.UnknownNetwork);
            return;
        }

        if (peers.FindIdentity(nowMs, network.Controller) is not { } controller)
            return;
        if (!revocation.Verify(controller))
        {
            context.Counters.Drop(DropReason.BadCredential);
            return;
        }

        if (!network.Revocations.Add(revocation, network.Config))
            return;
        network.FindMember(revocation.Target)?.NoteRevocation(revocation);
        if ((revocation.Flags & RevocationFlags.FastPropagate) == 0)
            return;
        foreach (var member in network.Members.Keys.ToArray())
        {
            if (member != from && member != revocation.SignedBy && member != revocation.Target)
                sender.SendRevocation(nowMs, member, revocation);
        }
    }

    // Adds a credential to its member if the network's controller signed it. Returns the network, or null if the credential does not count.
    private VirtualNetwork? Add<T>(long nowMs, T credential, NodeAddress member, Func<Membership, T, Identity, bool> add)
        where T : ICredential
    {
        if (networks.Find(credential.NetworkId) is not { } network)
        {
            context.Counters.Drop(DropReason.UnknownNetwork);
            return null;
        }

        if (peers.FindIdentity(nowMs, network.Controller) is not { } controller)
            return null;

        // A member is remembered only after one of its credentials was valid.
        var known = network.FindMember(member);
        var membership = known ?? new Membership(network, member);
        if (credential.IssuedTo != member || !add(membership, credential, controller))
        {
            context.Counters.Drop(DropReason.BadCredential);
            return null;
        }

        if (known is null)
            network.AddMember(member, membership);
        return network;
    }
}
