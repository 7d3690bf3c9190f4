using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>The immutable input of a member's configuration, so that it is built and signed without the controller's lock.</summary>
/// <param name="Network">The network.</param>
/// <param name="Member">The member, authorized, with its addresses assigned.</param>
/// <param name="Identity">The member's identity.</param>
/// <param name="HasRulesEngine">Whether the member evaluates rules.</param>
/// <param name="ActiveBridges">The network's bridges.</param>
/// <param name="TimestampMs">The timestamp of the configuration and its credentials, in milliseconds since 1970.</param>
internal sealed record ConfigSource(
    NetworkRecord Network, MemberRecord Member, Identity Identity, bool HasRulesEngine, EquatableArray<NodeAddress> ActiveBridges, long TimestampMs);

/// <summary>
/// Builds configurations and signs their credentials: the membership and each certificate of ownership, tag and capability has a signature of its own.
/// </summary>
internal static class ConfigBuilder
{
    public static NetworkConfig Build(ConfigSource source, Identity controller)
    {
        var (network, member, identity, hasRulesEngine, bridges, timestamp) = source;
        var window = Math.Clamp(network.CertificateWindowMs ?? NetworkLimits.DefaultCredentialTimeMaxDelta,
            NetworkLimits.MinCredentialTimeMaxDelta, NetworkLimits.MaxCredentialTimeMaxDelta);
        var addresses = AddressesOf(network, member);
        var (traceTarget, traceLevel) = member.RemoteTraceTarget.IsNone
            ? (network.RemoteTraceTarget, network.RemoteTraceLevel)
            : (member.RemoteTraceTarget, member.RemoteTraceLevel);
        return new NetworkConfig
        {
            NetworkId = network.Id,
            IssuedTo = member.Address,
            Timestamp = timestamp,
            CredentialTimeMaxDelta = window,
            Revision = network.Revision,
            RemoteTraceTarget = traceTarget,
            RemoteTraceLevel = (ulong)traceLevel,
            Flags = FlagsOf(network, member),
            MulticastLimit = network.MulticastLimit,
            Type = network.IsPrivate ? NetworkType.Private : NetworkType.Public,
            Name = network.Name,
            Mtu = network.MtuBytes,
            Membership = CertificateOfMembership.Create(network.Id, timestamp, window, identity).Sign(controller),
            Specialists = bridges.Take(NetworkLimits.Specialists)
                .Select(bridge => new NetworkSpecialist(bridge, SpecialistRoles.ActiveBridge)).ToEquatableArray(),
            Routes = network.Routes.Select(route => new NetworkRoute(route.Target, route.Via)).ToEquatableArray(),
            StaticAddresses = addresses,
            CertificatesOfOwnership = OwnershipOf(source, addresses, controller),
            // A node without a rules engine gets a rule that accepts every frame. Its peers apply the network's rules to its frames.
            Rules = hasRulesEngine ? network.Rules ?? [Rule.ActionAccept] : [Rule.ActionAccept],
            Capabilities = hasRulesEngine ? CapabilitiesOf(source, controller) : default,
            Tags = hasRulesEngine ? TagsOf(source, controller) : default,
            Dns = network.Dns is { } dns ? new NetworkDns(dns.Domain ?? "", dns.Servers ?? default) : null,
        };
    }

    /// <summary>Returns the prefix length of the most specific route that covers an address; 0 if no route does. A default route covers no address.</summary>
    public static byte RoutedBits(NetworkRecord network, InetAddress address)
    {
        byte bits = 0;
        foreach (var route in network.Routes)
        {
            if (route.Target.Bits > bits && route.Target.Contains(address))
                bits = route.Target.Bits;
        }

        return bits;
    }

    private static NetworkFlags FlagsOf(NetworkRecord network, MemberRecord member)
    {
        var flags = network.EnableBroadcast ? NetworkFlags.Broadcast : NetworkFlags.None;
        if (!member.NoAutoAssign && (network.V6AssignMode.Rfc4193 == true || network.V6AssignMode.SixPlane == true))
            flags |= NetworkFlags.NdpEmulation;
        return flags;
    }

    private static EquatableArray<InetPrefix> AddressesOf(NetworkRecord network, MemberRecord member)
    {
        var addresses = new List<InetPrefix>();
        if (!member.NoAutoAssign && network.V6AssignMode.Rfc4193 == true)
            addresses.Add(DerivedAddresses.Rfc4193(network.Id, member.Address));
        if (!member.NoAutoAssign && network.V6AssignMode.SixPlane == true)
            addresses.Add(DerivedAddresses.SixPlane(network.Id, member.Address));
        foreach (var address in member.Addresses)
        {
            var bits = RoutedBits(network, address);
            if (bits > 0 && addresses.Count < NetworkLimits.Addresses)
                addresses.Add(new InetPrefix(address, bits));
        }

        return addresses.ToEquatableArray();
    }

    private static EquatableArray<CertificateOfOwnership> OwnershipOf(ConfigSource source, EquatableArray<InetPrefix> addresses, Identity controller)
    {
        var certificates = new List<CertificateOfOwnership>();
        foreach (var chunk in addresses.Chunk(NetworkLimits.OwnedThings))
        {
            certificates.Add(new CertificateOfOwnership
            {
                NetworkId = source.Network.Id,
                Timestamp = source.TimestampMs,
                Id = (uint)certificates.Count + 1,
                Things = chunk.Select(prefix => OwnedThing.From(prefix.Address)).ToEquatableArray(),
                IssuedTo = source.Member.Address,
            }.Sign(controller));
        }

        return certificates.ToEquatableArray();
    }

    private static EquatableArray<Capability> CapabilitiesOf(ConfigSource source, Identity controller)
    {
        var held = (source.Member.Capabilities ?? default).ToHashSet();
        return source.Network.Capabilities
            .Where(definition => held.Contains(definition.Id))
            .Select(definition => new Capability
            {
                NetworkId = source.Network.Id,
                Timestamp = source.TimestampMs,
                Id = definition.Id,
                Rules = definition.Rules,
            }.Sign(controller, source.Member.Address))
            .ToEquatableArray();
    }

    private static EquatableArray<Tag> TagsOf(ConfigSource source, Identity controller) =>
        source.Member.Tags
            .Take(NetworkLimits.Tags)
            .Select(tag => new Tag
            {
                NetworkId = source.Network.Id,
                Timestamp = source.TimestampMs,
                Id = tag.Id,
                Value = tag.Value,
                IssuedTo = source.Member.Address,
            }.Sign(controller))
            .ToEquatableArray();
}
