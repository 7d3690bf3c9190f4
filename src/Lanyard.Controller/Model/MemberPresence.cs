using Lanyard.Primitives;

namespace Lanyard.Controller;

/// <summary>What a controller knows of a member's presence. It is not stored: after a restart nobody is online until they ask.</summary>
/// <param name="IsOnline">Whether it asked within <see cref="ControllerLimits.OnlineWindow"/>.</param>
/// <param name="LastRequestMs">When it last asked, in milliseconds since 1970, or <see langword="null"/>.</param>
/// <param name="Endpoint">Where that request came from; none if through a relay.</param>
public readonly record struct MemberPresence(bool IsOnline, long? LastRequestMs, InetEndpoint Endpoint);
