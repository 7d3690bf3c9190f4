namespace Lanyard.Engine.Verbs;

/// <summary>The result of a verb handler.</summary>
internal enum VerbOutcome
{
    /// <summary>The packet was read. Its path counts as alive, whether the node acted on the packet or not.</summary>
    Accepted,

    /// <summary>The packet was read, and the peer showed that it is a member of one of this node's networks.</summary>
    AcceptedFromMember,

    /// <summary>The packet waits until the peer has shown that it is a member. Nothing follows from it yet.</summary>
    Waiting,

    /// <summary>The payload is malformed.</summary>
    Malformed,
}
