using Lanyard.Engine.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Verbs;

/// <summary>The verbs of the networks' layer.</summary>
internal interface INetworkVerbs
{
    /// <summary>Processes an authenticated packet whose verb is one of networks.</summary>
    VerbOutcome Receive(in IncomingPacket incoming);

    /// <summary>Processes an OK that replies to this node's request.</summary>
    /// <param name="incoming">The packet.</param>
    /// <param name="request">The request.</param>
    /// <param name="ok">The reply.</param>
    /// <param name="isComplete">Whether no more replies to the request follow.</param>
    VerbOutcome ReceiveOk(in IncomingPacket incoming, in OutstandingRequest request, in OkMessage ok, out bool isComplete);

    /// <summary>Processes an ERROR about a network.</summary>
    VerbOutcome ReceiveError(in IncomingPacket incoming, in ErrorMessage error);
}
