using Lanyard.Engine;
using Lanyard.Engine.Networks;

namespace Lanyard;

/// <summary>Converts between the engine's types and those of the public API.</summary>
internal static class EngineConversions
{
    public static LanyardNetworkStatus ToPublic(this NetworkStatus status) => status switch
    {
        NetworkStatus.RequestingConfiguration => LanyardNetworkStatus.RequestingConfiguration,
        NetworkStatus.Ok => LanyardNetworkStatus.Ok,
        NetworkStatus.AccessDenied => LanyardNetworkStatus.AccessDenied,
        NetworkStatus.NotFound => LanyardNetworkStatus.NotFound,
        NetworkStatus.AuthenticationRequired => LanyardNetworkStatus.AuthenticationRequired,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static LanyardPeerChange ToPublic(this PeerChange change) => change switch
    {
        PeerChange.Met => LanyardPeerChange.Met,
        PeerChange.DirectPathFound => LanyardPeerChange.DirectPathFound,
        PeerChange.DirectPathLost => LanyardPeerChange.DirectPathLost,
        _ => throw new ArgumentOutOfRangeException(nameof(change), change, null),
    };

    public static LanyardPeerInfo ToPublic(this PeerInfo peer) => new()
    {
        Address = peer.Address,
        Role = peer.Role switch
        {
            PeerRole.Planet => LanyardPeerRole.Planet,
            PeerRole.Moon => LanyardPeerRole.Moon,
            _ => LanyardPeerRole.Leaf,
        },
        Version = peer.Version.Protocol != 0 ? new Version(peer.Version.Major, peer.Version.Minor, peer.Version.Revision) : null,
        Latency = ToLatency(peer.LatencyMs),
        IsDirect = peer.IsDirect,
        Paths = [.. peer.Paths.Select(ToPublic)],
    };

    public static TrustedPath[] ToEngine(this IReadOnlyList<LanyardTrustedPath> paths) => [.. paths.Select(path => new TrustedPath(path.Network, path.PathId))];

    public static PathMtu[] ToEngine(this IReadOnlyList<LanyardPathMtu> mtus) => [.. mtus.Select(mtu => new PathMtu(mtu.Network, mtu.Bytes))];

    public static PeerHint[] ToEngine(this IReadOnlyList<LanyardPeerHint> hints) => [.. hints.Select(hint => new PeerHint(hint.Peer, hint.Endpoint))];

    private static LanyardPathInfo ToPublic(PathInfo path) => new()
    {
        LocalIndex = path.LocalSocket,
        EndPoint = path.Endpoint.ToIPEndPoint(),
        LastSent = ToTime(path.LastSentMs),
        LastReceived = ToTime(path.LastReceivedMs),
        Latency = ToLatency(path.LatencyMs),
        IsAlive = path.IsAlive,
        IsExpired = path.IsExpired,
        IsPreferred = path.IsPreferred,
        TrustedPathId = path.TrustedPathId,
    };

    private static TimeSpan? ToLatency(int ms) => ms < 0 ? null : TimeSpan.FromMilliseconds(ms);

    private static DateTimeOffset? ToTime(long ms) => ms <= 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ms);
}
