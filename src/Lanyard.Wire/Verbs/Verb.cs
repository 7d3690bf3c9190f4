namespace Lanyard.Wire.Verbs;

/// <summary>What a packet asks or tells. Five bits; values not named here are ignored by nodes that do not know them.</summary>
public enum Verb : byte
{
    /// <summary>Nothing: no reply.</summary>
    Nop = 0x00,

    /// <summary>A node introduces itself (<see cref="HelloMessage"/>).</summary>
    Hello = 0x01,

    /// <summary>A request failed (<see cref="ErrorMessage"/>).</summary>
    Error = 0x02,

    /// <summary>A request succeeded (<see cref="OkMessage"/>).</summary>
    Ok = 0x03,

    /// <summary>Asks for nodes' identities (<see cref="WhoisMessage"/>).</summary>
    Whois = 0x04,

    /// <summary>A root tells where another node may be reached (<see cref="RendezvousMessage"/>).</summary>
    Rendezvous = 0x05,

    /// <summary>An Ethernet frame between two members (<see cref="FrameMessage"/>).</summary>
    Frame = 0x06,

    /// <summary>An Ethernet frame with its addresses (<see cref="ExtFrameMessage"/>).</summary>
    ExtFrame = 0x07,

    /// <summary>Asks for the same bytes back (<see cref="EchoMessage"/>).</summary>
    Echo = 0x08,

    /// <summary>Announces interest in multicast groups (<see cref="MulticastLikeMessage"/>).</summary>
    MulticastLike = 0x09,

    /// <summary>Hands over signed credentials (<see cref="NetworkCredentialsMessage"/>).</summary>
    NetworkCredentials = 0x0a,

    /// <summary>Asks a controller for a network's configuration (<see cref="NetworkConfigRequestMessage"/>).</summary>
    NetworkConfigRequest = 0x0b,

    /// <summary>A part of a network's configuration (<see cref="NetworkConfigMessage"/>).</summary>
    NetworkConfig = 0x0c,

    /// <summary>Asks who listens to a multicast group (<see cref="MulticastGatherMessage"/>).</summary>
    MulticastGather = 0x0d,

    /// <summary>A multicast Ethernet frame (<see cref="MulticastFrameMessage"/>).</summary>
    MulticastFrame = 0x0e,

    /// <summary>Tells where the sender may be reached (<see cref="PushDirectPathsMessage"/>).</summary>
    PushDirectPaths = 0x10,

    /// <summary>How many bytes were received (<see cref="AckMessage"/>).</summary>
    Ack = 0x12,

    /// <summary>How long packets were held (<see cref="QosMeasurementMessage"/>).</summary>
    QosMeasurement = 0x13,

    /// <summary>A message of the application's own (<see cref="UserMessage"/>).</summary>
    UserMessage = 0x14,

    /// <summary>A report for a network's observer (<see cref="RemoteTraceMessage"/>).</summary>
    RemoteTrace = 0x15,

    /// <summary>Asks a peer to use this path (<see cref="PathNegotiationMessage"/>).</summary>
    PathNegotiationRequest = 0x16,
}
