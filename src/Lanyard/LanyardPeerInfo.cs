using System.Net;

namespace Lanyard;

/// <summary>The role of a peer.</summary>
public enum LanyardPeerRole
{
    /// <summary>An ordinary node.</summary>
    Leaf,

    /// <summary>A root of a moon.</summary>
    Moon,

    /// <summary>A root of the planet.</summary>
    Planet,
}

/// <summary>A snapshot of a peer.</summary>
public sealed record LanyardPeerInfo
{
    /// <summary>The address of the peer.</summary>
    public required NodeAddress Address { get; init; }

    /// <summary>The role of the peer.</summary>
    public required LanyardPeerRole Role { get; init; }

    /// <summary>The software version of the peer; null while it is unknown.</summary>
    public required Version? Version { get; init; }

    /// <summary>The round-trip time over the best path; null while it is unknown.</summary>
    public required TimeSpan? Latency { get; init; }

    /// <summary>Whether packets to the peer go directly. Otherwise a root relays them.</summary>
    public required bool IsDirect { get; init; }

    /// <summary>The physical paths to the peer.</summary>
    public required IReadOnlyList<LanyardPathInfo> Paths { get; init; }
}

/// <summary>A snapshot of a physical path to a peer.</summary>
public sealed record LanyardPathInfo
{
    /// <summary>The index of the local endpoint in <see cref="LanyardNode.BoundEndPoints"/>.</summary>
    public required int LocalIndex { get; init; }

    /// <summary>The physical endpoint of the peer.</summary>
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>The time of the last packet sent; null if there was none.</summary>
    public required DateTimeOffset? LastSent { get; init; }

    /// <summary>The time of the last packet received; null if there was none.</summary>
    public required DateTimeOffset? LastReceived { get; init; }

    /// <summary>The round-trip time; null while it is unknown.</summary>
    public required TimeSpan? Latency { get; init; }

    /// <summary>Whether the peer answers over the path.</summary>
    public required bool IsAlive { get; init; }

    /// <summary>Whether the path has been silent for so long that it is about to be removed.</summary>
    public required bool IsExpired { get; init; }

    /// <summary>Whether packets use the path.</summary>
    public required bool IsPreferred { get; init; }

    /// <summary>The number of the trusted path; 0 for an encrypted path.</summary>
    public required ulong TrustedPathId { get; init; }
}
