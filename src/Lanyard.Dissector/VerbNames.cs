using Lanyard.Wire.Verbs;

namespace Lanyard.Dissector;

/// <summary>The protocol's names of verbs and error codes.</summary>
internal static class VerbNames
{
    public static string Of(Verb verb) => verb switch
    {
        Verb.Nop => "NOP",
        Verb.Hello => "HELLO",
        Verb.Error => "ERROR",
        Verb.Ok => "OK",
        Verb.Whois => "WHOIS",
        Verb.Rendezvous => "RENDEZVOUS",
        Verb.Frame => "FRAME",
        Verb.ExtFrame => "EXT_FRAME",
        Verb.Echo => "ECHO",
        Verb.MulticastLike => "MULTICAST_LIKE",
        Verb.NetworkCredentials => "NETWORK_CREDENTIALS",
        Verb.NetworkConfigRequest => "NETWORK_CONFIG_REQUEST",
        Verb.NetworkConfig => "NETWORK_CONFIG",
        Verb.MulticastGather => "MULTICAST_GATHER",
        Verb.MulticastFrame => "MULTICAST_FRAME",
        Verb.PushDirectPaths => "PUSH_DIRECT_PATHS",
        Verb.Ack => "ACK",
        Verb.QosMeasurement => "QOS_MEASUREMENT",
        Verb.UserMessage => "USER_MESSAGE",
        Verb.RemoteTrace => "REMOTE_TRACE",
        Verb.PathNegotiationRequest => "PATH_NEGOTIATION_REQUEST",
        _ => $"VERB_0x{(byte)verb:x2}",
    };

    public static string Of(ErrorCode code) => code switch
    {
        ErrorCode.None => "NONE",
        ErrorCode.InvalidRequest => "INVALID_REQUEST",
        ErrorCode.BadProtocolVersion => "BAD_PROTOCOL_VERSION",
        ErrorCode.ObjectNotFound => "OBJ_NOT_FOUND",
        ErrorCode.IdentityCollision => "IDENTITY_COLLISION",
        ErrorCode.UnsupportedOperation => "UNSUPPORTED_OPERATION",
        ErrorCode.NeedMembershipCertificate => "NEED_MEMBERSHIP_CERTIFICATE",
        ErrorCode.NetworkAccessDenied => "NETWORK_ACCESS_DENIED",
        ErrorCode.UnwantedMulticast => "UNWANTED_MULTICAST",
        ErrorCode.NetworkAuthenticationRequired => "NETWORK_AUTHENTICATION_REQUIRED",
        _ => $"ERROR_0x{(byte)code:x2}",
    };
}
