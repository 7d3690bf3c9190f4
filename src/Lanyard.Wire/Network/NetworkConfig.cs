using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>The admission to a network.</summary>
public enum NetworkType : byte
{
    /// <summary>Only nodes that the controller authorizes.</summary>
    Private = 0,

    /// <summary>Any node; members ignore certificates of membership.</summary>
    Public = 1,
}

/// <summary>The flags of a network.</summary>
[Flags]
public enum NetworkFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Ethernet broadcast is enabled.</summary>
    Broadcast = 0x02,

    /// <summary>Members may answer neighbor solicitations for other members' derived IPv6 addresses themselves.</summary>
    NdpEmulation = 0x04,

    /// <summary>Rules of a type that a member does not know match.</summary>
    UnknownRulesMatch = 0x08,

    /// <summary>Frames are not compressed.</summary>
    NoCompression = 0x10,
}

/// <summary>The roles of a node in a network.</summary>
[Flags]
public enum SpecialistRoles
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A bridge to other Ethernets, which receives frames without another known receiver.</summary>
    ActiveBridge = 0x02,

    /// <summary>A reachable and stable node that can take the place of roots.</summary>
    Anchor = 0x04,

    /// <summary>A node that replicates multicasts for other members.</summary>
    MulticastReplicator = 0x08,
}

/// <summary>A node with a role in a network.</summary>
/// <param name="Node">The node.</param>
/// <param name="Roles">Its roles: 24 bits.</param>
public readonly record struct NetworkSpecialist(NodeAddress Node, SpecialistRoles Roles)
{
    /// <summary>The wire format: roles in the bits above the address.</summary>
    internal ulong Value => ((ulong)Roles << 40) | Node.Value;

    internal static NetworkSpecialist FromValue(ulong value) => new(new NodeAddress(value & 0xff_ffff_ffff), (SpecialistRoles)(value >> 40));
}

/// <summary>A route of a network.</summary>
/// <param name="Target">The destination network; the default value and 0.0.0.0/0 mean all destinations.</param>
/// <param name="Via">The gateway, or the default value if the target is on the network itself.</param>
/// <param name="Flags">Flags; none is defined.</param>
/// <param name="Metric">The metric; no controller sets it.</param>
public readonly record struct NetworkRoute(InetPrefix Target, InetAddress Via = default, ushort Flags = 0, ushort Metric = 0);

/// <summary>A network's own DNS.</summary>
/// <param name="Domain">The domain that it serves; at most <see cref="NetworkLimits.DnsDomainLength"/> bytes.</param>
/// <param name="Servers">The servers: at most <see cref="NetworkLimits.DnsServers"/>.</param>
public sealed record NetworkDns(string Domain, EquatableArray<InetAddress> Servers);

/// <summary>A member's information about single sign-on. It is stored and passed on; this library does not act on it.</summary>
public sealed record NetworkSso
{
    /// <summary>0: a URL and a time are given; 1: the fields of OpenID Connect are given.</summary>
    public ulong Version { get; init; }

    /// <summary>Whether the member's authorization ends unless it signs on again.</summary>
    public bool IsEnabled { get; init; }

    /// <summary>The URL to sign on.</summary>
    public string AuthenticationUrl { get; init; } = "";

    /// <summary>The end of the current sign-on, in milliseconds since 1970. Only in version 0.</summary>
    public long AuthenticationExpiry { get; init; }

    /// <summary>The OpenID Connect issuer.</summary>
    public string IssuerUrl { get; init; } = "";

    /// <summary>The management service.</summary>
    public string CentralUrl { get; init; } = "";

    /// <summary>The nonce of the sign-on.</summary>
    public string Nonce { get; init; } = "";

    /// <summary>The state of the sign-on.</summary>
    public string State { get; init; } = "";

    /// <summary>The OpenID Connect client.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>The OpenID Connect provider.</summary>
    public string Provider { get; init; } = "default";
}

/// <summary>
/// A controller's configuration for one member of a network: its addresses, the routes, the rules, and its credentials. It is sent as a dictionary in
/// signed chunks (<see cref="NetworkConfigAssembler"/>), and stored as a dictionary in a node's <c>networks.d</c>.
/// </summary>
public sealed partial record NetworkConfig
{
    /// <summary>The network.</summary>
    public required NetworkId NetworkId { get; init; }

    /// <summary>The member that the configuration is for.</summary>
    public required NodeAddress IssuedTo { get; init; }

    /// <summary>The time of its creation, by the controller's clock: milliseconds since 1970.</summary>
    public long Timestamp { get; init; }

    /// <summary>The maximum difference of other members' credentials from <see cref="Timestamp"/>, in milliseconds.</summary>
    public long CredentialTimeMaxDelta { get; init; }

    /// <summary>The controller's number of changes to the network.</summary>
    public ulong Revision { get; init; }

    /// <summary>The node that receives traces of this member's frames; none if there is none.</summary>
    public NodeAddress RemoteTraceTarget { get; init; }

    /// <summary>The level of detail for <see cref="RemoteTraceTarget"/>.</summary>
    public ulong RemoteTraceLevel { get; init; }

    /// <summary>The flags.</summary>
    public NetworkFlags Flags { get; init; }

    /// <summary>The maximum number of members that a multicast is sent to.</summary>
    public uint MulticastLimit { get; init; }

    /// <summary>The admission of nodes.</summary>
    public NetworkType Type { get; init; }

    /// <summary>The network's name: at most <see cref="NetworkLimits.NameLength"/> bytes of UTF-8.</summary>
    public string Name { get; init; } = "";

    /// <summary>The MTU in bytes, <see cref="NetworkLimits.MinMtu"/> to <see cref="NetworkLimits.MaxMtu"/>.</summary>
    public int Mtu { get; init; } = NetworkLimits.DefaultMtu;

    /// <summary>The member's certificate of membership; null on a network without certificates.</summary>
    public CertificateOfMembership? Membership { get; init; }

    /// <summary>The member's capabilities in ascending order of their numbers.</summary>
    public EquatableArray<Capability> Capabilities { get; init; }

    /// <summary>The member's tags in ascending order of their numbers.</summary>
    public EquatableArray<Tag> Tags { get; init; }

    /// <summary>The member's certificates of ownership.</summary>
    public EquatableArray<CertificateOfOwnership> CertificatesOfOwnership { get; init; }

    /// <summary>The nodes with roles.</summary>
    public EquatableArray<NetworkSpecialist> Specialists { get; init; }

    /// <summary>The routes.</summary>
    public EquatableArray<NetworkRoute> Routes { get; init; }

    /// <summary>The member's addresses, each with its network's prefix length.</summary>
    public EquatableArray<InetPrefix> StaticAddresses { get; init; }

    /// <summary>The network's rules.</summary>
    public EquatableArray<Rule> Rules { get; init; }

    /// <summary>The network's DNS; null if it has none.</summary>
    public NetworkDns? Dns { get; init; }

    /// <summary>Single sign-on.</summary>
    public NetworkSso Sso { get; init; } = new();

    /// <summary>Whether any node may join.</summary>
    public bool IsPublic => Type == NetworkType.Public;

    /// <summary>Whether a node has a role in the network.</summary>
    /// <param name="node">The node.</param>
    /// <param name="roles">The roles, any of which counts.</param>
    public bool HasRole(NodeAddress node, SpecialistRoles roles)
    {
        foreach (ref readonly var specialist in Specialists)
        {
            if (specialist.Node == node && (specialist.Roles & roles) != 0)
                return true;
        }

        return false;
    }

    /// <summary>Returns the nodes that have any of some roles in the network.</summary>
    public IEnumerable<NodeAddress> WithRole(SpecialistRoles roles) =>
        ((IEnumerable<NetworkSpecialist>)Specialists).Where(specialist => (specialist.Roles & roles) != 0).Select(specialist => specialist.Node);

    /// <summary>Finds a tag of the member.</summary>
    public bool TryGetTag(uint id, [NotNullWhen(true)] out Tag? tag)
    {
        foreach (ref readonly var candidate in Tags)
        {
            if (candidate.Id != id)
                continue;
            tag = candidate;
            return true;
        }

        tag = null;
        return false;
    }
}
