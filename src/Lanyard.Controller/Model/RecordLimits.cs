using System.Globalization;
using System.Text;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// The limits of a record, which follow from the size of a configuration. A longer list is refused, not truncated: rules without the last ones
/// would have another meaning. The other limits are in <see cref="NetworkLimits"/>.
/// </summary>
public static class RecordLimits
{
    /// <summary>The maximum number of address pools of a network.</summary>
    public const int Pools = 128;

    /// <summary>The maximum number of tokens of a network.</summary>
    public const int AuthTokens = 128;

    /// <summary>The maximum length of a token in bytes. Nodes send up to 511, with a prefix of six.</summary>
    public const int AuthTokenLength = 505;

    /// <summary>The maximum number of addresses of a member, without the two that are derived from the node's address.</summary>
    public const int MemberAddresses = NetworkLimits.Addresses - 2;

    /// <summary>The maximum length of a member's name in bytes. Names are not sent to nodes.</summary>
    public const int MemberNameLength = 1024;

    /// <exception cref="ControllerLimitException">The record exceeds a limit.</exception>
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
            throw new ControllerLimitException(Text($"The MTU must be {NetworkLimits.MinMtu} to {NetworkLimits.MaxMtu} bytes, not {network.MtuBytes}."));
    }

    /// <exception cref="ControllerLimitException">The record exceeds a limit.</exception>
    internal static void Check(MemberRecord member)
    {
        CheckText("member's name", member.Name ?? "", MemberNameLength);
        CheckCount("addresses", member.Addresses.Count, MemberAddresses);
        CheckCount("tags", member.Tags.Count, NetworkLimits.Tags);
        CheckCount("capabilities", member.Capabilities?.Count ?? 0, NetworkLimits.Capabilities);
    }

    private static void CheckRules(string name, EquatableArray<Rule> rules, int limit)
    {
        CheckCount(name, rules.Count, limit);
        foreach (var rule in rules)
        {
            if (!RuleJson.IsKnown(rule.Type))
                throw new ControllerLimitException($"A rule of type {rule.Type} cannot be stored because it has no JSON form.");
        }
    }

    private static void CheckCount(string name, int count, int limit)
    {
        if (count > limit)
            throw new ControllerLimitException(Text($"There can be at most {limit} {name}, not {count}."));
    }

    private static void CheckText(string name, string text, int limit)
    {
        if (Encoding.UTF8.GetByteCount(text) > limit)
            throw new ControllerLimitException(Text($"A {name} can have at most {limit} bytes."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
