namespace Lanyard.Wire;

/// <summary>
/// The limits of a network's configuration and its credentials: the most that the protocol's nodes accept.
/// </summary>
public static class NetworkLimits
{
    /// <summary>The minimum MTU of a network in bytes: IPv6's (RFC 8200 section 5).</summary>
    public const int MinMtu = 1280;

    /// <summary>The maximum MTU of a network in bytes.</summary>
    public const int MaxMtu = 10000;

    /// <summary>The default MTU of a network in bytes.</summary>
    public const int DefaultMtu = 2800;

    /// <summary>Entries of a network's rules.</summary>
    public const int Rules = 1024;

    /// <summary>Capabilities of a member.</summary>
    public const int Capabilities = 128;

    /// <summary>Entries of a capability's rules.</summary>
    public const int CapabilityRules = 64;

    /// <summary>Holders of a capability, one after another.</summary>
    public const int CapabilityCustody = 7;

    /// <summary>Tags of a member.</summary>
    public const int Tags = 128;

    /// <summary>Certificates of ownership of a member.</summary>
    public const int CertificatesOfOwnership = 4;

    /// <summary>Addresses that one certificate of ownership names.</summary>
    public const int OwnedThings = 16;

    /// <summary>Qualifiers of a certificate of membership.</summary>
    public const int MembershipQualifiers = 8;

    /// <summary>Routes of a network.</summary>
    public const int Routes = 128;

    /// <summary>Addresses of a member.</summary>
    public const int Addresses = 32;

    /// <summary>Nodes with roles in a network.</summary>
    public const int Specialists = 256;

    /// <summary>DNS servers of a network.</summary>
    public const int DnsServers = 4;

    /// <summary>A DNS domain's length in bytes.</summary>
    public const int DnsDomainLength = 127;

    /// <summary>A network's name's length in bytes.</summary>
    public const int NameLength = 127;

    /// <summary>A configuration's length in bytes.</summary>
    public const int ConfigLength = 484_519;

    /// <summary>The length in bytes of the meta-data of a request for a configuration.</summary>
    public const int RequestMetadataLength = 1023;

    /// <summary>The default of the maximum difference of credentials' times, in milliseconds: half an hour.</summary>
    public const long DefaultCredentialTimeMaxDelta = 30 * 60 * 1000;

    /// <summary>The minimum setting of the maximum difference of credentials' times, in milliseconds: five minutes.</summary>
    public const long MinCredentialTimeMaxDelta = 5 * 60 * 1000;

    /// <summary>The maximum setting of the maximum difference of credentials' times, in milliseconds: two hours.</summary>
    public const long MaxCredentialTimeMaxDelta = 2 * 60 * 60 * 1000;
}
