using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A network of a controller. Immutable: a change creates a new record. Records are compared by content.</summary>
public sealed record NetworkRecord
{
    /// <summary>The default multicast limit.</summary>
    public const uint DefaultMulticastLimit = 32;

    /// <summary>The network.</summary>
    public required NetworkId Id { get; init; }

    /// <summary>The display name; members see it.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whether members need to be authorized. A public network authorizes every requester.</summary>
    public bool IsPrivate { get; init; } = true;

    /// <summary>Whether members may send to ff:ff:ff:ff:ff:ff. (ARP does not need it.)</summary>
    public bool EnableBroadcast { get; init; } = true;

    /// <summary>The MTU of members' virtual ports in bytes, <see cref="NetworkLimits.MinMtu"/> to <see cref="NetworkLimits.MaxMtu"/>.</summary>
    public int MtuBytes { get; init; } = NetworkLimits.DefaultMtu;

    /// <summary>The maximum number of receivers of a multicast frame.</summary>
    public uint MulticastLimit { get; init; } = DefaultMulticastLimit;

    /// <summary>The creation time in milliseconds since 1970.</summary>
    public long CreationTimeMs { get; init; }

    /// <summary>The number of changes to this record, from 1.</summary>
    public ulong Revision { get; init; }

    /// <summary>Whether members get an IPv4 address from <see cref="Pools"/>.</summary>
    public bool AssignV4FromPools { get; init; }

    /// <summary>Which IPv6 addresses members get.</summary>
    public V6AssignMode V6AssignMode { get; init; } = V6AssignMode.None;

    /// <summary>The networks that members reach through the virtual port: directly, or through a member that routes.</summary>
    public EquatableArray<ManagedRoute> Routes { get; init; }

    /// <summary>The ranges that addresses are assigned from, where a route covers them.</summary>
    public EquatableArray<AddressPool> Pools { get; init; }

    /// <summary>The rules that every member applies to every frame; <see langword="null"/> if never set, which accepts all frames.</summary>
    public EquatableArray<Rule>? Rules { get; init; }

    /// <summary>The capabilities that members can be given, by ascending number.</summary>
    public EquatableArray<CapabilityDefinition> Capabilities { get; init; }

    /// <summary>The tags that have a default, by ascending number.</summary>
    public EquatableArray<TagDefinition> Tags { get; init; }

    /// <summary>The name servers for a domain on this network; <see langword="null"/> if never set.</summary>
    public DnsSettings? Dns { get; init; }

    /// <summary>Tokens that authorize a requester that presents one; <see langword="null"/> if never set.</summary>
    public EquatableArray<AuthToken>? AuthTokens { get; init; }

    /// <summary>The node that members report traces to; none by default.</summary>
    public NodeAddress RemoteTraceTarget { get; init; }

    /// <summary>The level of detail of the reports, 0 (normal) to 30 (insane).</summary>
    public int RemoteTraceLevel { get; init; }

    /// <summary>
    /// The maximum difference between the timestamps of two members' certificates, in milliseconds. A member without a new certificate is cut off after this time.
    /// <see langword="null"/> means half an hour; values outside five minutes to two hours are clamped.
    /// </summary>
    public long? CertificateWindowMs { get; init; }
}

/// <summary>
/// The kinds of IPv6 addresses that members get. Each is on, off or unset; unset counts as off, and the record shows the difference.
/// </summary>
/// <param name="Rfc4193">A unique local address derived from the network ID and the node address (/88).</param>
/// <param name="Pools">An address from the network's pools.</param>
/// <param name="SixPlane">A whole /80 for each member, under a /40 for the network, for containers and the like.</param>
public readonly record struct V6AssignMode(bool? Rfc4193, bool? Pools, bool? SixPlane)
{
    /// <summary>All three off.</summary>
    public static V6AssignMode None => new(false, false, false);
}

/// <summary>A route to a network that members reach through the virtual port.</summary>
/// <param name="Target">The network.</param>
/// <param name="Via">The address of the member that routes there; none if the target is on the virtual link itself.</param>
public readonly record struct ManagedRoute(InetPrefix Target, InetAddress Via);

/// <summary>A range of addresses to assign from, both ends included.</summary>
/// <param name="First">The first address.</param>
/// <param name="Last">The last address, of the same family.</param>
public readonly record struct AddressPool(InetAddress First, InetAddress Last);

/// <summary>A capability that members of a network can be given: rules that are tried when the network's own rules do not accept a frame.</summary>
/// <param name="Id">The number.</param>
/// <param name="IsDefault">Whether members whose capabilities were never set get it.</param>
/// <param name="Rules">The rules.</param>
public sealed record CapabilityDefinition(uint Id, bool IsDefault, EquatableArray<Rule> Rules);

/// <summary>A tag that a network defines.</summary>
/// <param name="Id">The number.</param>
/// <param name="Default">The value for members without a value of their own; <see langword="null"/> if such members do not get the tag.</param>
public readonly record struct TagDefinition(uint Id, uint? Default);

/// <summary>Name servers for a domain.</summary>
/// <param name="Domain">The domain; <see langword="null"/> if unset.</param>
/// <param name="Servers">The servers; <see langword="null"/> if unset.</param>
public sealed record DnsSettings(string? Domain, EquatableArray<InetAddress>? Servers);

/// <summary>A token that authorizes a requester that presents it.</summary>
/// <param name="Token">The token: a secret.</param>
/// <param name="ExpiresMs">The expiry time in milliseconds since 1970; 0 for none.</param>
public readonly record struct AuthToken(string Token, long ExpiresMs);
