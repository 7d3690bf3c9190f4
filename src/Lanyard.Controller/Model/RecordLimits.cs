using System.Globalization;
using System.Text;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// What a record may hold: no more than a member can be sent. A list that is longer is refused, not cut: rules of which the last are missing
/// would say something else. Limits that are not here are those of <see cref="NetworkLimits"/>.
/// </summary>
public static class RecordLimits
{
    /// <summary>Ranges of addresses of a network.</summary>
    public const int Pools = 128;

    /// <summary>Tokens of a network.</summary>
    public const int AuthTokens = 128;

    /// <summary>A token's length in bytes: nodes show up to 511, six of them for a prefix.</summary>
    public const int AuthTokenLength = 505;

    /// <summary>Addresses of a member, beside the two that its number gives.</summary>
    public const int MemberAddresses = NetworkLimits.Addresses - 2;

    /// <summary>A member's name's length in bytes. Other nodes are not told it.</summary>
    public const int MemberNameLength = 1024;

    /// <exception cref="ControllerLimitException">The record holds too much.</exception>
    internal static void Check(NetworkRecord network)
    {
        CheckText("network's name", network.Name, NetworkLimits.NameLength);
        CheckCount("routes", network.Routes.Count, NetworkLimits.Routes);
        CheckCount("address pools", network.Pools.Count, Pools);
        CheckCount("tags", network.Tags.Count, NetworkLimits.Tags);
        CheckCount("capabilities", network.Capabilities.Count, NetworkLimits.Capabilities);
        CheckRules("rules", network.Rules ?? default, NetworkLimits.Rules);
        foreach (var capability in network.Capabilities)
            CheckRules("rules in a capability", capability.Rules, NetworkLimits.CapabilityRules);
        CheckText("DNS domain", network.Dns?.Domain ?? "", NetworkLimits.DnsDomainLength);
        CheckCount("DNS servers", network.Dns?.Servers?.Count ?? 0, NetworkLimits.DnsServers);
        CheckCount("tokens", network.AuthTokens?.Count ?? 0, AuthTokens);
        foreach (var token in network.AuthTokens ?? default)
            CheckText("token", token.Token, AuthTokenLength);
        if (network.MtuBytes is < NetworkLimits.MinMtu or > NetworkLimits.MaxMtu)
            throw new ControllerLimitException(Text($"A network's MTU is {NetworkLimits.MinMtu} to {NetworkLimits.MaxMtu} bytes, not {network.MtuBytes}."));
    }

    /// <exception cref="ControllerLimitException">The record holds too much.</exception>
    internal static void Check(MemberRecord member)
    {
        CheckText("member's name", member.Name ?? "", MemberNameLength);
        CheckCount("addresses", member.Addresses.Count, MemberAddresses);
        CheckCount("tags", member.Tags.Count, NetworkLimits.Tags);
        CheckCount("capabilities", member.Capabilities?.Count ?? 0, NetworkLimits.Capabilities);
    }

    private static void CheckRules(string what, EquatableArray<Rule> rules, int limit)
    {
        CheckCount(what, rules.Count, limit);
        foreach (var rule in rules)
        {
            if (!RuleJson.IsKnown(rule.Type))
                throw new ControllerLimitException($"A rule of the type {rule.Type} cannot be kept: it has no JSON form.");
        }
    }

    private static void CheckCount(string what, int count, int limit)
    {
        if (count > limit)
            throw new ControllerLimitException(Text($"There can be at most {limit} {what}, not {count}."));
    }

    private static void CheckText(string what, string text, int limit)
    {
        if (Encoding.UTF8.GetByteCount(text) > limit)
            throw new ControllerLimitException(Text($"A {what} has at most {limit} bytes."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
