using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>OK and ERROR: what comes back for what this node asked.</summary>
internal sealed class ReplyVerbs(Node node)
{
    public VerbOutcome ReceiveOk(in IncomingPacket incoming)
    {
        if (!OkMessage.TryParse(incoming.Payload, out var ok))
            return VerbOutcome.Malformed;
        if (!node.Requests.TryFind(incoming.NowMs, ok.InRePacketId, ok.InReVerb, incoming.Peer.Address, out var request))
        {
            node.Counters.Drop(DropReason.UnexpectedReply);
            return VerbOutcome.Accepted;
        }

        // A configuration comes in several answers to one request; all else is answered once.
        if (request.Verb != Verb.NetworkConfigRequest)
            node.Requests.Consume(ok.InRePacketId);
        return request.Verb switch
        {
            Verb.Hello => ReceiveOkHello(incoming, request, ok.Payload),
            Verb.Whois => ReceiveOkWhois(incoming, request, ok.Payload),
            Verb.Echo => ReceiveOkEcho(incoming, request),
            Verb.NetworkConfigRequest => ReceiveOkConfig(incoming, request, ok),
            Verb.MulticastGather => node.MulticastVerbs.ReceiveOkGather(incoming, request, ok.Payload),
            Verb.NetworkConfig => NotePush(incoming, request),
            _ => VerbOutcome.Accepted,
        };
    }

    public VerbOutcome ReceiveError(in IncomingPacket incoming)
    {
        if (!ErrorMessage.TryParse(incoming.Payload, out var error))
            return VerbOutcome.Malformed;
        return error.Code switch
        {
            ErrorCode.ObjectNotFound or ErrorCode.UnsupportedOperation when error.InReVerb == Verb.NetworkConfigRequest =>
                Refuse(incoming, error.Payload, NetworkStatus.NotFound),
            ErrorCode.NetworkAccessDenied => Refuse(incoming, error.Payload, NetworkStatus.AccessDenied),
            ErrorCode.NetworkAuthenticationRequired => Refuse(incoming, error.Payload, NetworkStatus.AuthenticationRequired),
            ErrorCode.NeedMembershipCertificate => PushCredentials(incoming, error.Payload),
            ErrorCode.UnwantedMulticast => node.MulticastVerbs.ReceiveUnwanted(incoming, error.Payload),
            ErrorCode.IdentityCollision => NoteCollision(incoming),
            _ => VerbOutcome.Accepted,
        };
    }

    private VerbOutcome ReceiveOkHello(in IncomingPacket incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!OkHelloMessage.TryParse(payload, out var ok) || ok.Version.Protocol < NodeVersion.MinProtocol)
            return VerbOutcome.Malformed;
        incoming.Peer.SetVersion(ok.Version);
        if (incoming.IsDirect)
        {
            node.Paths.NoteRoundTrip(incoming, request);
            if (!ok.SentTo.IsNone)
                node.Endpoints.Report(incoming, ok.SentTo);
        }

        if (!ok.Worlds.IsEmpty)
            TakeWorlds(incoming, ok.Worlds);
        return VerbOutcome.Accepted;
    }

    private void TakeWorlds(in IncomingPacket incoming, ReadOnlySpan<byte> worlds)
    {
        var from = incoming.Peer.Address;
        if (!node.Topology.IsRoot(from) && !node.Topology.WantedMoons.Values.Contains(from))
        {
            node.Counters.Drop(DropReason.NotFromRoot);
            return;
        }

        var reader = new ByteReader(worlds);
        while (reader.Remaining > 0 && World.TryRead(ref reader, out var world))
            node.AddWorld(incoming.NowMs, world, isChosenByUser: false);
    }

    private VerbOutcome ReceiveOkWhois(in IncomingPacket incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!node.Topology.IsRoot(incoming.Peer.Address))
        {
            node.Counters.Drop(DropReason.NotFromRoot);
            return VerbOutcome.Accepted;
        }

        if (!OkWhoisMessage.TryParse(payload, out var ok))
            return VerbOutcome.Malformed;
        foreach (var bytes in ok.Identities)
        {
            // A root's word is checked like anybody's: an identity has the address that its hash demands, and who is known stays who he is.
            if (!Identity.TryRead(bytes, out var identity, out _) || identity.Address.Value != request.Subject)
                node.Counters.Drop(DropReason.UnexpectedReply);
            else if (node.Topology.FindKnown(identity.Address) is { } peer)
                node.PeerBecameKnown(incoming.NowMs, peer);
            else
                node.Checks.AddTold(identity, node.Whois.IsWanted(identity.Address));
        }

        return VerbOutcome.Accepted;
    }

    private VerbOutcome ReceiveOkEcho(in IncomingPacket incoming, in OutstandingRequest request)
    {
        if (incoming.IsDirect)
            node.Paths.NoteRoundTrip(incoming, request);
        return VerbOutcome.Accepted;
    }

    private VerbOutcome ReceiveOkConfig(in IncomingPacket incoming, in OutstandingRequest request, in OkMessage ok)
    {
        // A reply about another network than the request's was not requested.
        var origin = NetworkConfigMessage.TryParse(ok.Payload, out var chunk) && chunk.NetworkId.Value == request.Subject ? ConfigOrigin.Answer : ConfigOrigin.Pushed;
        if (node.ConfigVerbs.ReceiveChunk(incoming, ok.Payload, origin, out var completed) == VerbOutcome.Malformed)
            return VerbOutcome.Malformed;
        if (completed is { } update && update.Network.Value == request.Subject)
            node.Requests.Consume(ok.InRePacketId);
        return VerbOutcome.Accepted;
    }

    private VerbOutcome NotePush(in IncomingPacket incoming, in OutstandingRequest request)
    {
        node.Pushes.Cancel(new NetworkId(request.Subject), incoming.Peer.Address);
        return VerbOutcome.Accepted;
    }

    private VerbOutcome Refuse(in IncomingPacket incoming, ReadOnlySpan<byte> payload, NetworkStatus status)
    {
        if (!NetworkErrorMessage.TryParse(payload, out var message))
            return VerbOutcome.Malformed;
        if (node.FindNetwork(message.NetworkId) is { } network && network.Controller == incoming.Peer.Address)
            network.Refuse(status);
        else
            node.Counters.Drop(DropReason.UnknownNetwork);
        return VerbOutcome.Accepted;
    }

    private VerbOutcome PushCredentials(in IncomingPacket incoming, ReadOnlySpan<byte> payload)
    {
        if (!NetworkErrorMessage.TryParse(payload, out var message))
            return VerbOutcome.Malformed;
        node.FindNetwork(message.NetworkId)?.CredentialsWanted(incoming.NowMs, incoming.Peer.Address);
        return VerbOutcome.Accepted;
    }

    private VerbOutcome NoteCollision(in IncomingPacket incoming)
    {
        if (node.Topology.IsRoot(incoming.Peer.Address))
            node.Counters.Drop(DropReason.IdentityCollision);
        return VerbOutcome.Accepted;
    }
}
