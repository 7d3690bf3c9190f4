namespace Lanyard.Intercept.Hub;

/// <summary>The owner of a socket: its user, and the networks that it may use.</summary>
/// <param name="User">The user ID of the user that created the socket.</param>
/// <param name="Network">The ID of the only network that the socket may use; 0 for any.</param>
internal readonly record struct SocketOwner(uint User, ulong Network);
