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
        if (!node.Replies.IsExpected(ok.InRePacketId))
        {
            node.Counters.Drop(DropReason.UnexpectedReply);
            return true;
        }

        var understood = ok.InReVerb switch
        {
            Verb.Hello => ReceiveOkHello(incoming, ok.Payload),
            Verb.Whois => ReceiveOkWhois(incoming, ok.Payload),
            Verb.Echo => ReceiveOkEcho(incoming, ok.Payload),
            Verb.NetworkConfigRequest => node.ConfigVerbs.ReceiveChunk(incoming, ok.Payload, out _),
            Verb.MulticastGather => node.MulticastVerbs.ReceiveOkGather(incoming, ok.Payload),
            Verb.MulticastFrame => node.MulticastVerbs.ReceiveOkFrame(incoming, ok.Payload),
            _ => true,
        };
        return understood && node.NoteReceived(incoming);
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
        return understood && node.NoteReceived(incoming);
    }

    private bool ReceiveOkHello(in Incoming incoming, ReadOnlySpan<byte> payload)
    {
        if (!OkHelloMessage.TryParse(payload, out var ok) || ok.Version.Protocol < NodeVersion.MinProtocol)
            return false;
        incoming.Peer.SetVersion(ok.Version);
        if (incoming.IsDirect)
        {
            node.LearnPath(incoming)?.NoteLatency(incoming.NowMs - ok.Timestamp);
            if (!ok.SentTo.IsNone)
                node.NoteExternalAddress(incoming, ok.SentTo);
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

    private bool ReceiveOkWhois(in Incoming incoming, ReadOnlySpan<byte> payload)
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
            if (Identity.TryRead(bytes, out var identity, out _) && !identity.Equals(node.Identity) && node.Topology.Add(identity) is { } peer)
                node.PeerBecameKnown(incoming.NowMs, peer);
        }

        return true;
    }

    private bool ReceiveOkEcho(in Incoming incoming, ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(payload);
        var sentMs = reader.ReadInt64();
        if (incoming.IsDirect && node.LearnPath(incoming) is { } path && !reader.Failed)
            path.NoteLatency(incoming.NowMs - sentMs);
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
