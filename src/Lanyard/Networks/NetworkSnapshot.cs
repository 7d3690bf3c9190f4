using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>A snapshot of a network, for readers without the gate.</summary>
internal sealed record NetworkSnapshot(
    NetworkStatus Status, NetworkConfig? Config, IReadOnlyList<InetPrefix> Addresses, IReadOnlyList<NetworkRoute> Routes, NetworkDns? Dns,
        EquatableArray<InetPrefix> Named, int Mtu, bool IsLeft)
{
    /// <summary>Whether the user's settings name a range, or a larger one, as part of the network.</summary>
    public bool IsNamed(InetPrefix range) => LanyardNetworkSettings.Names(Named, range);

    public bool IsReady => Status == NetworkStatus.Ok && Addresses.Count > 0 && !IsLeft;

    /// <summary>Whether two snapshots differ in credentials only, which controllers renew every few minutes.</summary>
    public bool SaysTheSameAs(NetworkSnapshot other) =>
        Status == other.Status && IsLeft == other.IsLeft && Mtu == other.Mtu && Addresses.SequenceEqual(other.Addresses)
            && Routes.SequenceEqual(other.Routes) && Equals(Dns, other.Dns)
        && Equals(WithoutCredentials(Config), WithoutCredentials(other.Config));

    private static NetworkConfig? WithoutCredentials(NetworkConfig? config) => config is null ? null : config with
    {
        Timestamp = 0,
        Membership = null,
        Tags = default,
        Capabilities = default,
        CertificatesOfOwnership = default,
    };
}
