using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>The role of a peer.</summary>
public enum PeerRole
{
    /// <summary>An ordinary node.</summary>
    Leaf,

    /// <summary>A root of a moon.</summary>
    Moon,

    /// <summary>A root of the planet.</summary>
    Planet,
}

/// <summary>A peer at one moment.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Identity">Its public identity.</param>
/// <param name="Role">The role of the peer.</param>
/// <param name="Version">Its version; all zeros while unknown.</param>
/// <param name="LatencyMs">Round-trip time over its best path in milliseconds; -1 while unknown.</param>
/// <param name="IsDirect">Whether packets to it go directly now.</param>
/// <param name="Paths">The physical paths to it.</param>
public sealed record PeerInfo(
    NodeAddress Address, Identity Identity, PeerRole Role, NodeVersion Version, int LatencyMs, bool IsDirect, IReadOnlyList<PathInfo> Paths);

/// <summary>A physical path to a peer at one moment.</summary>
/// <param name="LocalSocket">The host's number of the local socket.</param>
/// <param name="Endpoint">The peer's physical endpoint.</param>
/// <param name="LastSentMs">When something was last sent, in milliseconds since 1970.</param>
/// <param name="LastReceivedMs">When something was last received, in milliseconds since 1970.</param>
/// <param name="LatencyMs">Round-trip time in milliseconds; -1 while unknown.</param>
/// <param name="IsAlive">Whether it answers.</param>
/// <param name="IsExpired">Whether it has been silent for so long that it is about to be forgotten.</param>
/// <param name="IsPreferred">Whether it is the one in use.</param>
/// <param name="TrustedPathId">The trusted path's number, 0 for an encrypted path.</param>
public sealed record PathInfo(
    int LocalSocket, InetEndpoint Endpoint, long LastSentMs, long LastReceivedMs, int LatencyMs, bool IsAlive, bool IsExpired, bool IsPreferred, ulong TrustedPathId);
