using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>OK and ERROR: what comes back for what this node asked.</summary>
internal sealed class ReplyVerbs(Node node)
{
    public bool ReceiveOk(in Incoming incoming)
    {
        if (!OkMessage.TryParse(incoming.Payload, out var ok))
            return false;
        if (!node.Requests.TryFind(incoming.NowMs, ok.InRePacketId, ok.InReVerb, incoming.Peer.Address, out var request))
        {
            node.Counters.Drop(DropReason.UnexpectedReply);
            return node.Paths.NoteReceived(incoming);
        }

        // A configuration comes in several answers to one request; all else is answered once.
        if (request.Verb != Verb.NetworkConfigRequest)
            node.Requests.Consume(ok.InRePacketId);
        var understood = request.Verb switch
        {
            Verb.Hello => ReceiveOkHello(incoming, request, ok.Payload),
            Verb.Whois => ReceiveOkWhois(incoming, request, ok.Payload),
            Verb.Echo => ReceiveOkEcho(incoming, request),
            Verb.NetworkConfigRequest => ReceiveOkConfig(incoming, request, ok),
            Verb.MulticastGather => node.MulticastVerbs.ReceiveOkGather(incoming, request, ok.Payload),
            Verb.NetworkConfig => NotePush(incoming, request),
            _ => true,
        };
        return understood && node.Paths.NoteReceived(incoming);
    }

    public bool ReceiveError(in Incoming incoming)
    {
        if (!ErrorMessage.TryParse(incoming.Payload, out var error))
            return false;
        var understood = error.Code switch
        {
            ErrorCode.ObjectNotFound or ErrorCode.UnsupportedOperation when error.InReVerb == Verb.NetworkConfigRequest =>
                Refuse(incoming, error.Payload, NetworkStatus.NotFound),
            ErrorCode.NetworkAccessDenied => Refuse(incoming, error.Payload, NetworkStatus.AccessDenied),
            ErrorCode.NetworkAuthenticationRequired => Refuse(incoming, error.Payload, NetworkStatus.AuthenticationRequired),
            ErrorCode.NeedMembershipCertificate => PushCredentials(incoming, error.Payload),
            ErrorCode.UnwantedMulticast => node.MulticastVerbs.ReceiveUnwanted(incoming, error.Payload),
            ErrorCode.IdentityCollision => NoteCollision(incoming),
            _ => true,
        };
        return understood && node.Paths.NoteReceived(incoming);
    }

    private bool ReceiveOkHello(in Incoming incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!OkHelloMessage.TryParse(payload, out var ok) || ok.Version.Protocol < NodeVersion.MinProtocol)
            return false;
        incoming.Peer.SetVersion(ok.Version);
        if (incoming.IsDirect)
        {
            node.Paths.NoteRoundTrip(incoming, request);
            if (!ok.SentTo.IsNone)
                node.Endpoints.Report(incoming, ok.SentTo);
        }

        if (!ok.Worlds.IsEmpty)
            TakeWorlds(incoming, ok.Worlds);
        return true;
    }

    private void TakeWorlds(in Incoming incoming, ReadOnlySpan<byte> worlds)
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

    private bool ReceiveOkWhois(in Incoming incoming, in OutstandingRequest request, ReadOnlySpan<byte> payload)
    {
        if (!node.Topology.IsRoot(incoming.Peer.Address))
        {
            node.Counters.Drop(DropReason.NotFromRoot);
            return true;
        }

        if (!OkWhoisMessage.TryParse(payload, out var ok))
            return false;
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

        return true;
    }

    private bool ReceiveOkEcho(in Incoming incoming, in OutstandingRequest request)
    {
        if (incoming.IsDirect)
            node.Paths.NoteRoundTrip(incoming, request);
        return true;
    }

    private bool ReceiveOkConfig(in Incoming incoming, in OutstandingRequest request, in OkMessage ok)
    {
        // A reply about another network than the request's was not requested.
        var origin = NetworkConfigMessage.TryParse(ok.Payload, out var chunk) && chunk.NetworkId.Value == request.Subject ? ConfigOrigin.Answer : ConfigOrigin.Pushed;
        if (!node.ConfigVerbs.ReceiveChunk(incoming, ok.Payload, origin, out var completed))
            return false;
        if (completed is { } update && update.Network.Value == request.Subject)
            node.Requests.Consume(ok.InRePacketId);
        return true;
    }

    private bool NotePush(in Incoming incoming, in OutstandingRequest request)
    {
        node.Pushes.Cancel(new NetworkId(request.Subject), incoming.Peer.Address);
        return true;
    }

    private bool Refuse(in Incoming incoming, ReadOnlySpan<byte> payload, NetworkStatus status)
    {
        if (!NetworkErrorMessage.TryParse(payload, out var message))
            return false;
        if (node.FindNetwork(message.NetworkId) is { } network && network.Controller == incoming.Peer.Address)
            network.Refuse(status);
        else
            node.Counters.Drop(DropReason.UnknownNetwork);
        return true;
    }

    private bool PushCredentials(in Incoming incoming, ReadOnlySpan<byte> payload)
    {
        if (!NetworkErrorMessage.TryParse(payload, out var message))
            return false;
        node.FindNetwork(message.NetworkId)?.CredentialsWanted(incoming.NowMs, incoming.Peer.Address);
        return true;
    }

    private bool NoteCollision(in Incoming incoming)
    {
        if (node.Topology.IsRoot(incoming.Peer.Address))
            node.Counters.Drop(DropReason.IdentityCollision);
        return true;
    }
}
