using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Issues configurations: gives authorized members addresses, tags and capabilities, and configurations their timestamps. Guarded by the controller's lock.
/// </summary>
/// <param name="clock">Supplies the timestamps.</param>
/// <param name="random">Supplies IPv6 addresses.</param>
internal sealed class ConfigIssuer(SigningClock clock, RandomFill random)
{
    /// <summary>The number of addresses that could not be assigned because the network's pools had none free.</summary>
    public long PoolExhaustedCount { get; private set; }

    /// <summary>Returns an authorized member's record with the node's version and the network's defaults: tags, capabilities, and addresses from its pools.</summary>
    public MemberRecord Provide(NetworkState network, MemberRecord member, NetworkRequestMetadata metadata)
    {
        var version = new MemberVersion(
            VersionPart(metadata.MajorVersion), VersionPart(metadata.MinorVersion), VersionPart(metadata.Revision), VersionPart(metadata.ProtocolVersion));
        member = member with { Version = version };
        if (HasRulesEngine(metadata))
        {
            member = member with
            {
                Tags = WithDefaults(member.Tags, network.Record.Tags),
                Capabilities = member.Capabilities
                    ?? network.Record.Capabilities.Where(capability => capability.IsDefault).Select(capability => capability.Id).ToEquatableArray(),
            };
        }

        if (member.NoAutoAssign)
            return member;
        if (network.Record.V6AssignMode.Pools == true && NeedsAddress(network, member, InetFamily.IPv6))
            member = WithAddress(member, AddressAssigner.TryAssignV6(network.PoolsV6, network.Addresses, member.Address, random, out var address), address);
        if (network.Record.AssignV4FromPools && NeedsAddress(network, member, InetFamily.IPv4))
            member = WithAddress(member, AddressAssigner.TryAssignV4(network.PoolsV4, network.Addresses, member.Address, out var address), address);
        return member;
    }

    /// <summary>Returns the source of a member's next configuration, with a timestamp after the member's last revocation. The member's identity is known.</summary>
    public ConfigSource Issue(NetworkState network, MemberState member, long nowMs)
    {
        // A revocation covers all credentials up to its time.
        member.LastIssuedMs = Math.Max(clock.Next(nowMs), Math.Max(member.Record.LastDeauthorizedTimeMs, member.RevokedUpToMs) + 1);
        return new ConfigSource(
            network.Record, member.Record, member.Identity!, HasRulesEngine(member.Metadata), network.ActiveBridges, member.LastIssuedMs);
    }

    private static bool HasRulesEngine(NetworkRequestMetadata metadata) => metadata.RulesEngineRevision > 0;

    private static int VersionPart(ulong number) => (int)Math.Min(number, int.MaxValue);

    private static bool NeedsAddress(NetworkState network, MemberRecord member, InetFamily family)
    {
        if (member.Addresses.Count >= RecordLimits.MemberAddresses || (family == InetFamily.IPv4 ? network.PoolsV4 : network.PoolsV6).Count == 0)
            return false;
        foreach (var address in member.Addresses)
        {
            if (address.Family == family && ConfigBuilder.RoutedBits(network.Record, address) > 0)
                return false;
        }

        return true;
    }

    private MemberRecord WithAddress(MemberRecord member, bool isFound, InetAddress address)
    {
        if (isFound)
            return member with { Addresses = [.. member.Addresses, address] };
        PoolExhaustedCount++;
        return member;
    }

    private static EquatableArray<MemberTag> WithDefaults(EquatableArray<MemberTag> tags, EquatableArray<TagDefinition> definitions)
    {
        var all = new SortedDictionary<uint, uint>();
        foreach (var definition in definitions)
        {
            if (definition.Default is { } value)
                all[definition.Id] = value;
        }

        foreach (var tag in tags)
            all[tag.Id] = tag.Value;
        return all.Count == tags.Count ? tags : all.Select(tag => new MemberTag(tag.Key, tag.Value)).ToEquatableArray();
    }
}
