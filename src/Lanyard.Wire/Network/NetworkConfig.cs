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

/// <summary>Switches of a network.</summary>
[Flags]
public enum NetworkFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Ethernet broadcast works.</summary>
    Broadcast = 0x02,

    /// <summary>Members may answer neighbor solicitations for the others' derived IPv6 addresses themselves.</summary>
    NdpEmulation = 0x04,

    /// <summary>Rules of a type that a member does not know count as a match.</summary>
    UnknownRulesMatch = 0x08,

    /// <summary>Frames are not compressed.</summary>
    NoCompression = 0x10,
}

/// <summary>Parts that a node may have in a network.</summary>
[Flags]
public enum SpecialistRoles
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>It bridges to other Ethernets and is sent what has no other known receiver.</summary>
    ActiveBridge = 0x02,

    /// <summary>It is reachable and stable and can stand in for roots.</summary>
    Anchor = 0x04,

    /// <summary>It replicates multicasts for the others.</summary>
    MulticastReplicator = 0x08,
}

/// <summary>A node with a special part in a network.</summary>
/// <param name="Node">The node.</param>
/// <param name="Roles">Its parts: 24 bits.</param>
public readonly record struct NetworkSpecialist(NodeAddress Node, SpecialistRoles Roles)
{
    /// <summary>The form on the wire: roles above the address.</summary>
    internal ulong Value => ((ulong)Roles << 40) | Node.Value;

    internal static NetworkSpecialist FromValue(ulong value) => new(new NodeAddress(value & 0xff_ffff_ffff), (SpecialistRoles)(value >> 40));
}

/// <summary>A route of a network.</summary>
/// <param name="Target">Where it leads; the default value and 0.0.0.0/0 are everywhere.</param>
/// <param name="Via">The gateway, or the default value if the target is on the network itself.</param>
/// <param name="Flags">Flags; none is defined.</param>
/// <param name="Metric">The metric; no controller sets it.</param>
public readonly record struct NetworkRoute(InetPrefix Target, InetAddress Via = default, ushort Flags = 0, ushort Metric = 0);

/// <summary>A network's own DNS.</summary>
/// <param name="Domain">The domain that it serves; at most <see cref="NetworkLimits.DnsDomainLength"/> bytes.</param>
/// <param name="Servers">The servers: at most <see cref="NetworkLimits.DnsServers"/>.</param>
public sealed record NetworkDns(string Domain, EquatableArray<InetAddress> Servers);

/// <summary>What a member is told about single sign-on. Kept and passed on; nothing here acts on it.</summary>
public sealed record NetworkSso
{
    /// <summary>0: a link and a time are given; 1: the fields of OpenID Connect are.</summary>
    public ulong Version { get; init; }

    /// <summary>Whether the member's right to be here ends without signing on again.</summary>
    public bool IsEnabled { get; init; }

    /// <summary>Where to sign on.</summary>
    public string AuthenticationUrl { get; init; } = "";

    /// <summary>When the present sign-on ends, in milliseconds since 1970. Only in version 0.</summary>
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
/// What a controller tells one member of a network: its addresses, the routes, the rules, and its credentials. It travels as a dictionary in
/// signed chunks (<see cref="NetworkConfigAssembler"/>), and lies as one in a node's <c>networks.d</c>.
/// </summary>
public sealed partial record NetworkConfig
{
    /// <summary>The network.</summary>
    public required NetworkId NetworkId { get; init; }

    /// <summary>The member that this is for.</summary>
    public required NodeAddress IssuedTo { get; init; }

    /// <summary>When it was made, by the controller's clock: milliseconds since 1970.</summary>
    public long Timestamp { get; init; }

    /// <summary>How far others' credentials may lie from <see cref="Timestamp"/>, in milliseconds.</summary>
    public long CredentialTimeMaxDelta { get; init; }

    /// <summary>The controller's count of changes to the network.</summary>
    public ulong Revision { get; init; }

    /// <summary>Who is told what befalls this member's frames; none if nobody is.</summary>
    public NodeAddress RemoteTraceTarget { get; init; }

    /// <summary>How much <see cref="RemoteTraceTarget"/> is told.</summary>
    public ulong RemoteTraceLevel { get; init; }

    /// <summary>Switches.</summary>
    public NetworkFlags Flags { get; init; }

    /// <summary>How many members are sent a multicast at most.</summary>
    public uint MulticastLimit { get; init; }

    /// <summary>Who may join.</summary>
    public NetworkType Type { get; init; }

    /// <summary>The network's name: at most <see cref="NetworkLimits.NameLength"/> bytes of UTF-8.</summary>
    public string Name { get; init; } = "";

    /// <summary>The MTU in bytes, <see cref="NetworkLimits.MinMtu"/> to <see cref="NetworkLimits.MaxMtu"/>.</summary>
    public int Mtu { get; init; } = NetworkLimits.DefaultMtu;

    /// <summary>The member's certificate of membership; null on a network without any.</summary>
    public CertificateOfMembership? Membership { get; init; }

    /// <summary>The member's capabilities in ascending order of their identifiers.</summary>
    public EquatableArray<Capability> Capabilities { get; init; }

    /// <summary>The member's tags in ascending order of their identifiers.</summary>
    public EquatableArray<Tag> Tags { get; init; }

    /// <summary>The member's certificates of ownership.</summary>
    public EquatableArray<CertificateOfOwnership> CertificatesOfOwnership { get; init; }

    /// <summary>The nodes with a special part.</summary>
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

    /// <summary>Whether anyone may join.</summary>
    public bool IsPublic => Type == NetworkType.Public;

    /// <summary>Whether a node has a part in the network.</summary>
    /// <param name="node">The node.</param>
    /// <param name="roles">The parts of which it has one or more.</param>
    public bool HasRole(NodeAddress node, SpecialistRoles roles)
    {
        foreach (ref readonly var specialist in Specialists)
        {
            if (specialist.Node == node && (specialist.Roles & roles) != 0)
                return true;
        }

        return false;
    }

    /// <summary>The nodes that have one or more of some parts in the network.</summary>
    public IEnumerable<NodeAddress> WithRole(SpecialistRoles roles) =>
        ((IEnumerable<NetworkSpecialist>)Specialists).Where(specialist => (specialist.Roles & roles) != 0).Select(specialist => specialist.Node);

    /// <summary>Finds a tag of the member's.</summary>
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
