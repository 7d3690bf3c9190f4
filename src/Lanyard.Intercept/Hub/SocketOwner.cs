namespace Lanyard.Intercept.Hub;

/// <summary>The owner of a socket: its user, and the networks that it may use.</summary>
/// <param name="User">The user ID of its maker.</param>
/// <param name="Network">The ID of the one network that it may use; 0 for any.</param>
internal readonly record struct SocketOwner(uint User, ulong Network);
