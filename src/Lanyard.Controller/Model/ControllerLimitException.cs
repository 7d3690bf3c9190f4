namespace Lanyard.Controller;

/// <summary>A network or a member is asked to hold more than it can. The message says what and how much there may be.</summary>
public sealed class ControllerLimitException(string message) : Exception(message);
