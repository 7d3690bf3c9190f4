using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>Hands authenticated packets to the handlers of their verbs.</summary>
internal sealed class VerbDispatcher(
    NodeContext context, AnsweredRequests answered, PathKeeper paths, HelloVerb hello, PeerVerbs peers, ReplyVerbs replies, INetworkVerbs networks)
{
    public void Dispatch(in IncomingPacket incoming)
    {
        incoming.Peer.NoteReceivedBytes(incoming.Packet.Length);
        context.Counters.NoteReceived(incoming.Verb);
        if (incoming.Verb is Verb.Hello or Verb.Whois or Verb.Echo or Verb.MulticastGather or Verb.NetworkConfigRequest
            && !answered.TryAdd(incoming.Peer.Address, incoming.PacketId))
        {
            context.Counters.Drop(DropReason.DuplicateRequest);
            return;
        }

        paths.NoteWay(incoming);
        var outcome = incoming.Verb switch
        {
            Verb.Frame or Verb.ExtFrame or Verb.MulticastFrame or Verb.MulticastLike or Verb.MulticastGather or Verb.NetworkConfigRequest or Verb.NetworkConfig
                or Verb.NetworkCredentials => networks.Receive(incoming),
            Verb.Hello => hello.ReceiveAuthenticated(incoming),
            Verb.Ok => replies.ReceiveOk(incoming),
            Verb.Error => replies.ReceiveError(incoming),
            Verb.Whois => peers.ReceiveWhois(incoming),
            Verb.Rendezvous => peers.ReceiveRendezvous(incoming),
            Verb.Echo => peers.ReceiveEcho(incoming),
            Verb.PushDirectPaths => peers.ReceiveDirectPaths(incoming),
            Verb.UserMessage => peers.ReceiveUserMessage(incoming),
            Verb.Nop or Verb.Ack or Verb.QosMeasurement or Verb.RemoteTrace or Verb.PathNegotiationRequest => VerbOutcome.Accepted,
            _ => IgnoreUnknown(),
        };
        if (outcome == VerbOutcome.Malformed)
            context.Counters.Drop(DropReason.Malformed);
        else if (outcome != VerbOutcome.Waiting)
            paths.NoteReceived(incoming, outcome == VerbOutcome.AcceptedFromMember);
    }

    private VerbOutcome IgnoreUnknown()
    {
        context.Counters.Drop(DropReason.UnknownVerb);
        return VerbOutcome.Accepted;
    }
}
