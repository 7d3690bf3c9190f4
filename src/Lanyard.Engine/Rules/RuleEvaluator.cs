using Lanyard.Wire;

namespace Lanyard.Engine.Rules;

/// <summary>
/// Applies rules to frames. Rules stand in sets: matches, then an action that is taken if they are true together; an action without a match is
/// always taken. Both ends apply the network's rules; where these decide nothing, one of the sender's capabilities must accept the frame.
/// Pure functions: the same arguments give the same answer.
/// </summary>
public static class RuleEvaluator
{
    private const byte MaxPriority = 8;
    private const byte DefaultPriority = 4;

    /// <summary>Evaluates a network's rules and the sender's capabilities for a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="config">This node's configuration of the network.</param>
    /// <param name="capabilities">
    /// The sender's capabilities that are valid now, in ascending order of their identifiers: this node's own for a frame that it sends.
    /// </param>
    /// <param name="own">This node's credentials.</param>
    /// <param name="peer">The other node's credentials; null if it is none or has shown none.</param>
    public static FilterDecision Filter(
        in RuleFrame frame, NetworkConfig config, ReadOnlySpan<Capability> capabilities, IRuleCredentials own, IRuleCredentials? peer)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(own);
        var byNetwork = Evaluate(config.Rules, frame, config.Flags, own, peer);
        if (byNetwork.Verdict != RuleVerdict.NoMatch)
            return new FilterDecision(byNetwork.Verdict, byNetwork.RedirectTo, byNetwork.Copy, default, null, byNetwork.Priority);
        foreach (var capability in capabilities)
        {
            var outcome = Evaluate(capability.Rules, frame, config.Flags, own, peer);
            // A drop in a capability means no more than that this one does not allow the frame.
            if (outcome.Verdict is RuleVerdict.NoMatch or RuleVerdict.Drop)
                continue;
            return new FilterDecision(outcome.Verdict, outcome.RedirectTo, byNetwork.Copy, outcome.Copy, capability, outcome.Priority);
        }

        return new FilterDecision(RuleVerdict.Drop, default, default, default, null, null);
    }

    /// <summary>Evaluates one list of rules for a frame.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="flags">The network's flags, of which <see cref="NetworkFlags.UnknownRulesMatch"/> counts.</param>
    /// <param name="own">This node's credentials.</param>
    /// <param name="peer">The other node's credentials; null if it is none or has shown none.</param>
    public static RuleOutcome Evaluate(
        ReadOnlySpan<Rule> rules, in RuleFrame frame, NetworkFlags flags, IRuleCredentials own, IRuleCredentials? peer)
    {
        ArgumentNullException.ThrowIfNull(own);
        var matcher = new RuleMatcher(frame, flags, own, peer);
        var setMatches = true;
        var skipDrop = false;
        var isTarget = false;
        var copy = default(FrameCopy);
        for (var i = 0; i < rules.Length; i++)
        {
            ref readonly var rule = ref rules[i];
            if (!rule.IsAction)
            {
                setMatches = Combine(setMatches, rule, matcher, i, isTarget, ref skipDrop);
                continue;
            }

            if (!setMatches)
            {
                // The frame may be here because the sender's rules sent it here: if it is accepted at all, then as such.
                isTarget |= frame.IsInbound && IsForward(rule.Type) && rule.ForwardTo == frame.Self;
                setMatches = true;
                continue;
            }

            switch (rule.Type)
            {
                case RuleType.ActionDrop when skipDrop:
                    skipDrop = false;
                    break;
                case RuleType.ActionDrop:
                    return new RuleOutcome(RuleVerdict.Drop, default, default, null);
                case RuleType.ActionAccept:
                    return new RuleOutcome(isTarget ? RuleVerdict.SuperAccept : RuleVerdict.Accept, default, copy, null);
                case RuleType.ActionPriority:
                    return new RuleOutcome(RuleVerdict.Accept, default, copy, rule.Bucket <= MaxPriority ? rule.Bucket : DefaultPriority);
                case RuleType.ActionBreak:
                    return new RuleOutcome(RuleVerdict.NoMatch, default, copy, null);
                case RuleType.ActionTee or RuleType.ActionWatch or RuleType.ActionRedirect:
                    if (frame.IsInbound && rule.ForwardTo == frame.Self && rule.ForwardTo != frame.Source)
                        return new RuleOutcome(RuleVerdict.SuperAccept, default, copy, null);
                    // What goes there anyway, or comes from there, is not sent there.
                    if (rule.ForwardTo == frame.Source || rule.ForwardTo == frame.Self || rule.ForwardTo == frame.Destination)
                        break;
                    if (rule.Type == RuleType.ActionRedirect)
                        return new RuleOutcome(RuleVerdict.Redirect, rule.ForwardTo, copy, null);
                    copy = new FrameCopy(rule.ForwardTo, CopyLength(rule, frame), rule.Type == RuleType.ActionWatch);
                    break;
                default:
                    // An action that is not known here does nothing.
                    break;
            }
        }

        return new RuleOutcome(RuleVerdict.NoMatch, default, copy, null);
    }

    private static bool Combine(bool setMatches, in Rule rule, in RuleMatcher matcher, int index, bool isTarget, ref bool skipDrop)
    {
        if (!setMatches && !rule.Or)
            return false;
        var result = matcher.Match(rule, index, isTarget);
        skipDrop |= result == MatchResult.Unknown;
        var matches = result switch
        {
            MatchResult.Never => false,
            MatchResult.Unknown => true,
            _ => result == MatchResult.Yes != rule.Not,
        };
        return rule.Or ? setMatches || matches : matches;
    }

    private static bool IsForward(RuleType type) => type is RuleType.ActionTee or RuleType.ActionWatch or RuleType.ActionRedirect;

    private static int CopyLength(in Rule rule, in RuleFrame frame) =>
        rule.ForwardLength == 0 ? frame.Payload.Length : Math.Min(frame.Payload.Length, rule.ForwardLength);
}
