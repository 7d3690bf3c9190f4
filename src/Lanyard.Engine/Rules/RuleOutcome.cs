using Lanyard.Wire;

namespace Lanyard.Engine.Rules;

/// <summary>What a list of rules says of a frame.</summary>
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
/// <param name="Length">How many bytes of the frame's payload are copied.</param>
/// <param name="IsWatch">Whether an <see cref="RuleType.ActionWatch"/> asks for it; else an <see cref="RuleType.ActionTee"/> does.</param>
public readonly record struct FrameCopy(NodeAddress To, int Length, bool IsWatch);

/// <summary>What one list of rules says of a frame.</summary>
/// <param name="Verdict">What is done with it.</param>
/// <param name="RedirectTo">Where it goes instead, if it is redirected.</param>
/// <param name="Copy">The copy that is made if it is accepted in the end.</param>
/// <param name="Priority">The queue it goes into, 0 to 8, if a rule says so.</param>
public readonly record struct RuleOutcome(RuleVerdict Verdict, NodeAddress RedirectTo, FrameCopy Copy, byte? Priority);

/// <summary>What a network's rules and a sender's capabilities together say of a frame.</summary>
/// <param name="Verdict">What is done with it: never <see cref="RuleVerdict.NoMatch"/>.</param>
/// <param name="RedirectTo">Where it goes instead, if it is redirected.</param>
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
