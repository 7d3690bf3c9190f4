using Lanyard.Engine.Members;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Verbs;

/// <summary>Hands the verbs of the networks' layer to their handlers.</summary>
internal sealed class NetworkVerbs(FrameVerbs frames, MulticastVerbs multicast, ConfigVerbs configs, CredentialReader credentials) : INetworkVerbs
{
    public VerbOutcome Receive(in IncomingPacket incoming) => incoming.Verb switch
    {
        Verb.Frame => frames.ReceiveFrame(incoming),
        Verb.ExtFrame => frames.ReceiveExtFrame(incoming),
        Verb.MulticastFrame => multicast.ReceiveFrame(incoming),
        Verb.MulticastLike => multicast.ReceiveLike(incoming),
        Verb.MulticastGather => multicast.ReceiveGather(incoming),
        Verb.NetworkConfigRequest => configs.ReceiveRequest(incoming),
        Verb.NetworkConfig => configs.ReceiveConfig(incoming),
        Verb.NetworkCredentials => credentials.Receive(incoming),
        _ => throw new ArgumentOutOfRangeException(nameof(incoming), incoming.Verb, "The verb is none of networks."),
    };

    public VerbOutcome ReceiveOk(in IncomingPacket incoming, in OutstandingRequest request, in OkMessage ok, out bool isComplete)
    {
        isComplete = true;
        return request.Verb switch
        {
            Verb.NetworkConfigRequest => configs.ReceiveOkConfig(incoming, request, ok, out isComplete),
            Verb.MulticastGather => multicast.ReceiveOkGather(incoming, request, ok.Payload),
            Verb.NetworkConfig => configs.ReceiveOkPush(incoming, request),
            _ => VerbOutcome.Accepted,
        };
    }

    public VerbOutcome ReceiveError(in IncomingPacket incoming, in ErrorMessage error) => error.Code switch
    {
        ErrorCode.ObjectNotFound or ErrorCode.UnsupportedOperation when error.InReVerb == Verb.NetworkConfigRequest =>
            configs.ReceiveRefusal(incoming, error.Payload, NetworkStatus.NotFound),
        ErrorCode.NetworkAccessDenied => configs.ReceiveRefusal(incoming, error.Payload, NetworkStatus.AccessDenied),
        ErrorCode.NetworkAuthenticationRequired => configs.ReceiveRefusal(incoming, error.Payload, NetworkStatus.AuthenticationRequired),
        ErrorCode.NeedMembershipCertificate => configs.ReceiveCredentialsRequest(incoming, error.Payload),
        ErrorCode.UnwantedMulticast => multicast.ReceiveUnwanted(incoming, error.Payload),
        _ => VerbOutcome.Accepted,
    };
}
