using Lanyard.Wire;

namespace Lanyard.Engine.Rules;

/// <summary>The verdict of a list of rules on a frame.</summary>
public enum RuleVerdict : byte
{
    /// <summary>Nothing: capabilities may accept it, else it is dropped.</summary>
    NoMatch,

    /// <summary>It is dropped.</summary>
    Drop,

    /// <summary>It goes to another node instead.</summary>
    Redirect,

    /// <summary>It is sent, or taken.</summary>
    Accept,

    /// <summary>
    /// It is taken although it was for another: this node is the one to which it was redirected or of which it is to have a copy. Checks of the
    /// addresses that a frame is for do not apply.
    /// </summary>
    SuperAccept,
}

/// <summary>A copy of a frame that goes to another node.</summary>
/// <param name="To">The node; none if there is no copy.</param>
/// <param name="Length">The number of payload bytes that are copied.</param>
/// <param name="IsWatch">Whether an <see cref="RuleType.ActionWatch"/> asks for it; else an <see cref="RuleType.ActionTee"/> does.</param>
public readonly record struct FrameCopy(NodeAddress To, int Length, bool IsWatch);

/// <summary>The result of one list of rules for a frame.</summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="RedirectTo">The new destination, if the frame is redirected.</param>
/// <param name="Copy">The copy that is made if it is accepted in the end.</param>
/// <param name="Priority">The queue it goes into, 0 to 8, if a rule says so.</param>
public readonly record struct RuleOutcome(RuleVerdict Verdict, NodeAddress RedirectTo, FrameCopy Copy, byte? Priority);

/// <summary>The result of a network's rules and the sender's capabilities for a frame.</summary>
/// <param name="Verdict">The verdict; never <see cref="RuleVerdict.NoMatch"/>.</param>
/// <param name="RedirectTo">The new destination, if the frame is redirected.</param>
/// <param name="Copy">A copy that the network's rules ask for.</param>
/// <param name="CapabilityCopy">A copy that the capability asks for that let it pass.</param>
/// <param name="Capability">The capability that let it pass; null if the network's rules did, or nothing did.</param>
/// <param name="Priority">The queue it goes into, 0 to 8, if a rule says so.</param>
public readonly record struct FilterDecision(
    RuleVerdict Verdict,
    NodeAddress RedirectTo,
    FrameCopy Copy,
    FrameCopy CapabilityCopy,
    Capability? Capability,
    byte? Priority)
{
    /// <summary>Whether it is sent, or taken, by this node's further checks.</summary>
    public bool IsAccepted => Verdict is RuleVerdict.Accept or RuleVerdict.SuperAccept;
}
