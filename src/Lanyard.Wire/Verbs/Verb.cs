namespace Lanyard.Wire.Verbs;

/// <summary>The operation of a packet. Five bits; nodes ignore values that they do not know.</summary>
public enum Verb : byte
{
    /// <summary>No operation, and no reply.</summary>
    Nop = 0x00,

    /// <summary>Introduces a node (<see cref="HelloMessage"/>).</summary>
    Hello = 0x01,

    /// <summary>A request failed (<see cref="ErrorMessage"/>).</summary>
    Error = 0x02,

    /// <summary>A request succeeded (<see cref="OkMessage"/>).</summary>
    Ok = 0x03,

    /// <summary>Requests identities of nodes (<see cref="WhoisMessage"/>).</summary>
    Whois = 0x04,

    /// <summary>From a root: the endpoint of another node (<see cref="RendezvousMessage"/>).</summary>
    Rendezvous = 0x05,

    /// <summary>An Ethernet frame between two members (<see cref="FrameMessage"/>).</summary>
    Frame = 0x06,

    /// <summary>An Ethernet frame with its addresses (<see cref="ExtFrameMessage"/>).</summary>
    ExtFrame = 0x07,

    /// <summary>Requests the same bytes back (<see cref="EchoMessage"/>).</summary>
    Echo = 0x08,

    /// <summary>Announces interest in multicast groups (<see cref="MulticastLikeMessage"/>).</summary>
    MulticastLike = 0x09,

    /// <summary>Sends signed credentials (<see cref="NetworkCredentialsMessage"/>).</summary>
    NetworkCredentials = 0x0a,

    /// <summary>Requests a network's configuration from a controller (<see cref="NetworkConfigRequestMessage"/>).</summary>
    NetworkConfigRequest = 0x0b,

    /// <summary>A part of a network's configuration (<see cref="NetworkConfigMessage"/>).</summary>
    NetworkConfig = 0x0c,

    /// <summary>Requests the listeners of a multicast group (<see cref="MulticastGatherMessage"/>).</summary>
    MulticastGather = 0x0d,

    /// <summary>A multicast Ethernet frame (<see cref="MulticastFrameMessage"/>).</summary>
    MulticastFrame = 0x0e,

    /// <summary>Announces the sender's endpoints (<see cref="PushDirectPathsMessage"/>).</summary>
    PushDirectPaths = 0x10,

    /// <summary>Reports the number of received bytes (<see cref="AckMessage"/>).</summary>
    Ack = 0x12,

    /// <summary>Reports how long packets were held (<see cref="QosMeasurementMessage"/>).</summary>
    QosMeasurement = 0x13,

    /// <summary>A message of an application (<see cref="UserMessage"/>).</summary>
    UserMessage = 0x14,

    /// <summary>Reports to a node that observes the network (<see cref="RemoteTraceMessage"/>).</summary>
    RemoteTrace = 0x15,

    /// <summary>Asks a peer to use this path (<see cref="PathNegotiationMessage"/>).</summary>
    PathNegotiationRequest = 0x16,
}
