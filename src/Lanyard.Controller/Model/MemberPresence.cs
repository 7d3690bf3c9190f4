using Lanyard.Primitives;

namespace Lanyard.Controller;

/// <summary>A member's presence. It is not stored: after a restart a member is offline until its next request.</summary>
/// <param name="IsOnline">Whether the last request arrived within <see cref="ControllerLimits.OnlineWindow"/>.</param>
/// <param name="LastRequestMs">The time of the last request in milliseconds since 1970; <see langword="null"/> if there was none.</param>
/// <param name="Endpoint">The source endpoint of the last request; none if it was relayed.</param>
public readonly record struct MemberPresence(bool IsOnline, long? LastRequestMs, InetEndpoint Endpoint);
