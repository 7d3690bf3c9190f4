using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Verbs;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Members;

/// <summary>Decides whether this node receives a peer's frames: only members' frames are received.</summary>
internal sealed class MemberGate(NodeContext context, JoinedNetworks networks, IPeerLayer peers, CredentialReader credentials)
{
    private const long CredentialRequestMs = 500;

    /// <summary>Finds the network of a frame, if the peer is a member. Otherwise the packet is dropped, or waits and the peer is asked for its credentials.</summary>
    /// <param name="incoming">The packet.</param>
    /// <param name="id">The network.</param>
    /// <param name="certificate">A certificate of membership that came with the frame; empty if none did.</param>
    /// <param name="network">The network.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="outcome">The handler's outcome.</param>
    public bool TryAdmit(in IncomingPacket incoming, NetworkId id, ReadOnlySpan<byte> certificate,
        [NotNullWhen(true)] out VirtualNetwork? network, [NotNullWhen(true)] out NetworkConfig? config, out VerbOutcome outcome)
    {
        network = networks.Find(id);
        config = network?.Config;
        outcome = VerbOutcome.Accepted;
        if (network is null || config is null)
        {
            context.Counters.Drop(DropReason.UnknownNetwork);
            return false;
        }

        if (!certificate.IsEmpty)
            credentials.AddCertificate(incoming.NowMs, incoming.Peer, certificate);
        if (network.Admits(incoming.NowMs, incoming.Peer))
        {
            outcome = VerbOutcome.AcceptedFromMember;
            return true;
        }

        peers.Wait(incoming);
        AskForCredentials(incoming, id);
        outcome = VerbOutcome.Waiting;
        return false;
    }

    private void AskForCredentials(in IncomingPacket incoming, NetworkId network)
    {
        if (!incoming.Peer.CredentialRequest.TryPass(incoming.NowMs, CredentialRequestMs))
            return;
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new ErrorMessage { InReVerb = incoming.Verb, InRePacketId = incoming.PacketId, Code = ErrorCode.NeedMembershipCertificate }.Write(ref writer);
        new NetworkErrorMessage { NetworkId = network }.Write(ref writer);
        peers.Reply(incoming, buffer.Complete(Verb.Error, writer));
    }
}
