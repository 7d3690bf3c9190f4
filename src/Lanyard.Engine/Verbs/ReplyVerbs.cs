using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>OK and ERROR: the replies to this node's requests.</summary>
internal sealed class ReplyVerbs(
    NodeContext context, OutstandingRequests requests, PathKeeper paths, OwnEndpoints endpoints, RootContacts roots, PeerAdmission admission, INetworkVerbs networks)
{
    public VerbOutcome ReceiveOk(in IncomingPacket incoming)
    {
        if (!OkMessage.TryParse(incoming.Payload, out var ok))
            return VerbOutcome.Malformed;
        if (!requests.TryFind(incoming.NowMs, ok.InRePacketId, ok.InReVerb, incoming.Peer.Address, out var request))
        {
            context.Counters.Drop(DropReason.UnexpectedReply);
            return VerbOutcome.Accepted;
        }

        var isComplete = true;
        var outcome = request.Verb switch
        {
            Verb.Hello => ReceiveOkHello(incoming, request, ok.Payload),
            Verb.Whois => ReceiveOkWhois(incoming, request, ok.Payload),
            Verb.Echo => ReceiveOkEcho(incoming, request),
            _ => networks.ReceiveOk(incoming, request, ok, out isComplete),
        };
        if (isComplete)
            requests.Consume(ok.InRePacketId);
        return outcome;
    }

    public VerbOutcome ReceiveError(in IncomingPacket incoming)
    {
        if (!ErrorMessage.TryParse(incoming.Payload, out var error))
            return VerbOutcome.Malformed;
        if (error.Code != ErrorCode.IdentityCollision)
            return networks.ReceiveError(incoming, error);
        if (incoming.Peer.IsRoot)
            context.Counters.Drop(DropReason.IdentityCollision);
        return VerbOutcome.Accepted;
    }

    private VerbOutcome ReceiveOkHello(in IncomingPacket incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!OkHelloMessage.TryParse(payload, out var ok) || ok.Version.Protocol < NodeVersion.MinProtocol)
            return VerbOutcome.Malformed;
        incoming.Peer.SetVersion(ok.Version);
        if (incoming.IsDirect)
        {
            paths.NoteRoundTrip(incoming, request);
            if (!ok.SentTo.IsNone)
                endpoints.Report(incoming, ok.SentTo);
        }

        if (!ok.Worlds.IsEmpty)
            TakeWorlds(incoming, ok.Worlds);
        return VerbOutcome.Accepted;
    }

    private void TakeWorlds(in IncomingPacket incoming, ReadOnlySpan<byte> worlds)
    {
        if (!incoming.Peer.IsRoot && !roots.IsAskedForMoon(incoming.Peer))
        {
            context.Counters.Drop(DropReason.NotFromRoot);
            return;
        }

        var reader = new ByteReader(worlds);
        while (reader.Remaining > 0 && World.TryRead(ref reader, out var world))
            roots.TryAddWorld(world, isChosenByUser: false);
    }

    private VerbOutcome ReceiveOkWhois(in IncomingPacket incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!incoming.Peer.IsRoot)
        {
            context.Counters.Drop(DropReason.NotFromRoot);
            return VerbOutcome.Accepted;
        }

        if (!OkWhoisMessage.TryParse(payload, out var ok))
            return VerbOutcome.Malformed;
        foreach (var bytes in ok.Identities)
        {
            if (!Identity.TryRead(bytes, out var identity, out _) || identity.Address.Value != request.Subject)
                context.Counters.Drop(DropReason.UnexpectedReply);
            else
                admission.ReceiveTold(incoming.NowMs, identity);
        }

        return VerbOutcome.Accepted;
    }

    private VerbOutcome ReceiveOkEcho(in IncomingPacket incoming, in OutstandingRequest request)
    {
        if (incoming.IsDirect)
            paths.NoteRoundTrip(incoming, request);
        return VerbOutcome.Accepted;
    }
}
